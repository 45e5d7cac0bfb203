"""Calls to the threads that talk to SQLite: a function, and the future that gets its outcome.

A whole operation runs in one hop to its thread, so nothing can be cancelled in the middle of a
transaction, and the event loop pays once per call and not once per statement.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Call:
    """One function to run with a connection."""

    run: Callable[[Any], Any]
    alone: bool = False  # outside any transaction, for VACUUM and checkpoints; it gets the Link
    future: Future[Any] = field(default_factory=Future)


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Run and put the outcome into the future, whatever it is: the caller waits for it."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - not swallowed: raised where the future is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


def start_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """A running daemon thread: an interpreter that ends without aclose() must not wait for it."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
