"""How long a process holds the write lock of its database, each time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple
from unittest.mock import patch

from hmlr.interpreter import take_short_turns
from hmlr.store.sqlite.locking import WriteLock
from tests.faults.figures import FULL

MOST_MS = 50.0


class Hold(NamedTuple):
    """One time that the lock was held, in milliseconds."""

    passed: float  # the disk, and whatever else the machine does, included
    worked: float  # of it, computing


@contextmanager
def holds() -> Iterator[list[Hold]]:
    """Every time that this process holds a write lock, as long as the context lasts.

    Threads take turns meanwhile as in the programs that own their interpreter.
    """
    between = sys.getswitchinterval()
    take_short_turns()
    taken: list[Hold] = []
    queued = WriteLock.queued

    @contextmanager
    def timed(self: WriteLock, waiting: Callable[[], None]) -> Iterator[None]:
        with queued(self, waiting):
            begun, worked = time.perf_counter(), time.thread_time()
            yield
            passed = time.perf_counter() - begun
            taken.append(Hold(1000 * passed, 1000 * (time.thread_time() - worked)))

    try:
        with patch.object(WriteLock, "queued", timed):
            yield taken
    finally:
        sys.setswitchinterval(between)


def are_short(taken: Sequence[Hold]) -> bool:
    """Whether the lock was held for moments: by the wall, where nothing else runs (FAULTS=full)."""
    return (most_passed(taken) if FULL else most_worked(taken)) < MOST_MS


def most_worked(taken: Sequence[Hold]) -> float:
    """As much as was computed at a time, but for one in a hundred: other programs spoil the caches."""
    return _all_but_the_last(each.worked for each in taken)


def most_passed(taken: Sequence[Hold]) -> float:
    """As long as it was held, but for one time in a hundred."""
    return _all_but_the_last(each.passed for each in taken)


def _all_but_the_last(values: Iterator[float]) -> float:
    ordered = sorted(values)
    return ordered[int(0.99 * len(ordered))]


def told(taken: Sequence[Hold]) -> str:
    """The holds in words."""
    longest = max(each.passed for each in taken)
    above = sum(each.passed > MOST_MS for each in taken)
    return (
        f"{len(taken)} holds, 99 % below {most_passed(taken):.1f} ms, the longest {longest:.1f} ms, {above} "
        f"above {MOST_MS:.0f}; computing at most {max(each.worked for each in taken):.1f} ms"
    )
