"""No garbage collection while others wait for the write lock.

A full collection of a large program takes 50 to 200 ms, and one that begins while the lock is held makes
every other process wait for it (docs/decisions/0024-no-collection-under-the-lock.md).
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_guard = threading.Lock()
_holders = 0  # transactions that run now, of any store: the collector is one for the whole interpreter
_paused = False  # whether it was running before the first of them


@contextmanager
def no_collection() -> Iterator[None]:
    """Put garbage collection off; a program that has switched it off itself finds it so again."""
    global _holders, _paused  # noqa: PLW0603 - the collector is global
    with _guard:
        if _holders == 0 and gc.isenabled():
            gc.disable()
            _paused = True
        _holders += 1
    try:
        yield
    finally:
        with _guard:
            _holders -= 1
            if _holders == 0 and _paused:
                gc.enable()
                _paused = False


def _forget() -> None:
    """In a fork: the transactions were the parent's."""
    global _guard, _holders, _paused  # noqa: PLW0603 - see above
    _guard, _holders = threading.Lock(), 0
    if _paused:
        _paused = False
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
