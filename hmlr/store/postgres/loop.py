"""An event loop in a thread of its own, and calls to it from another loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from hmlr.threads import start_thread

T = TypeVar("T")


class Asked:
    """A call, as the thread sees it."""

    given_up = False  # who asked no longer waits; what has not begun need not begin


class LoopThread:
    """Runs coroutines for callers in other loops, each to its end, whoever still waits for it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._calls: set[asyncio.Task[Any]] = set()  # touched in the thread alone
        self._thread = start_thread(self._run, name)

    async def run(self, work: Callable[[Asked], Coroutine[Any, Any, T]]) -> T:
        """The coroutine's outcome; from any loop but this one."""
        asked = Asked()
        future = asyncio.run_coroutine_threadsafe(self._call(work(asked)), self._loop)
        outcome = asyncio.wrap_future(future)
        outcome.add_done_callback(_seen)
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            asked.given_up = True
            raise

    async def stop(self) -> None:
        """Wait for the calls that run, and end the thread."""
        await self.run(lambda _: self._idle())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def _call(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a coroutine
        self._calls.add(task)
        try:
            return await work
        finally:
            self._calls.discard(task)

    async def _idle(self) -> None:
        while others := self._calls - {asyncio.current_task()}:
            await asyncio.wait(others)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def _seen(outcome: asyncio.Future[Any]) -> None:
    if not outcome.cancelled():
        outcome.exception()  # who asked may have gone: an error that nobody waits for is no news
