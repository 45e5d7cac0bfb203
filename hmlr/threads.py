"""Threads of our own, and how what they do comes back to who waits for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

from hmlr.exhaustion import exhausted

P = ParamSpec("P")
T = TypeVar("T")


async def unless_brief(brief: bool, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work in an executor thread, or at once when it is brief: the way there and back costs 0.2 ms of CPU,
    and on a busy interpreter a wait for its lock.
    """
    if brief:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


def settle(future: Future[Any], work: Callable[[], Any]) -> None:
    """Run and put the outcome into the future, whatever it is: the caller waits for it."""
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - not swallowed: raised where the future is awaited
        future.set_exception(error)
    else:
        future.set_result(result)


def start_thread(target: Callable[[], None], name: str) -> threading.Thread:
    """A running daemon thread: an interpreter that ends without a close must not wait for it for ever.

    Raises OutOfResources when there can't be one more.
    """
    thread = threading.Thread(target=target, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        ours = exhausted(error)
        if ours is None:
            raise
        raise ours from error
    return thread
