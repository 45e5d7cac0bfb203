"""An event loop in a thread of its own, and calls to it from another loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from hmlr.threads import start_thread

T = TypeVar("T")


class Asked:
    """A call, as the thread sees it."""

    given_up = False  # who asked no longer waits; what has not begun need not begin
    task: asyncio.Task[Any] | None = None  # touched in the thread alone


class LoopThread:
    """Runs coroutines for callers in other loops, each to its end, whoever still waits for it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._calls: set[asyncio.Task[Any]] = set()  # touched in the thread alone
        self._thread = start_thread(self._run, name)

    async def run(
        self, work: Callable[[Asked], Coroutine[Any, Any, T]], *, within_s: float | None = None
    ) -> T:
        """The coroutine's outcome; from any loop but this one.

        Raises TimeoutError at the end of the time, whatever the thread does; the coroutine is cancelled then,
        and cleans up by itself: to throw a connection away that is silent takes seconds more.
        """
        asked = Asked()
        future: Future[T] = Future()
        self._loop.call_soon_threadsafe(self._begin, asked, work(asked), future)
        outcome = asyncio.wrap_future(future)
        outcome.add_done_callback(_seen)
        try:
            # Timed here: another call's long step may keep the thread from looking at its clock.
            done, _ = await asyncio.wait({outcome}, timeout=within_s)
        except asyncio.CancelledError:
            asked.given_up = True
            raise
        if not done:
            asked.given_up = True
            self._loop.call_soon_threadsafe(_cancel, asked)
            raise TimeoutError
        return outcome.result()

    async def stop(self) -> None:
        """Wait for the calls that run, and end the thread."""
        await self.idle()
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)

    async def idle(self) -> None:
        """Wait for the calls that run, those cancelled at the end of their time, too."""
        await self.run(lambda _: self._idle())

    def _begin(self, asked: Asked, work: Coroutine[Any, Any, T], outcome: Future[T]) -> None:
        task = asked.task = self._loop.create_task(work)
        self._calls.add(task)

        def end(task: asyncio.Task[T]) -> None:
            self._calls.discard(task)
            _settle(task, outcome)

        task.add_done_callback(end)

    async def _idle(self) -> None:
        while others := self._calls - {asyncio.current_task()}:
            await asyncio.wait(others)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def _cancel(asked: Asked) -> None:
    if asked.task is not None:
        asked.task.cancel()


def _settle(task: asyncio.Task[T], outcome: Future[T]) -> None:
    error = None if task.cancelled() else task.exception()
    if outcome.done():
        return
    if task.cancelled():
        outcome.cancel()
        outcome.set_running_or_notify_cancel()
    elif error is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


def _seen(outcome: asyncio.Future[Any]) -> None:
    if not outcome.cancelled():
        outcome.exception()  # who asked may have gone: an error that nobody waits for is no news
