"""Threads of our own, and how what they do comes back to who waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Run and put the outcome into the future, whatever it is: the caller waits for it."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - not swallowed: raised where the future is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


def start_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """A running daemon thread: an interpreter that ends without a close must not wait for it for ever."""
    thread = threading.Thread(target=target, name=name, daemon=True)
    thread.start()
    return thread
