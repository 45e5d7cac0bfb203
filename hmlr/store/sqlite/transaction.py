"""A write of many steps: the writing thread serves one caller until that one says how it ends."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from hmlr.store.sqlite.calls import Call
from hmlr.store.sqlite.errors import translated
from hmlr.threads import settle

T = TypeVar("T")


class UndoneError(Exception):
    """The caller has given the transaction up."""


class SqliteTransaction:
    """The steps of one transaction, on their way from the event loop to the writing thread."""

    over: asyncio.Future[None]  # done when all is on disk, or undone

    def __init__(self, path: Path) -> None:
        self._path = path
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._kept = False

    async def step(self, work: Callable[[Connection], T]) -> T:
        """Run in the transaction. Raises what the wait for the write lock came to, when that failed."""
        call = Call(work)
        self._calls.put(call)
        result: asyncio.Future[T] = asyncio.wrap_future(call.future)
        either: set[asyncio.Future[Any]] = {result, self.over}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not result.done():
            result.cancel()
            self.over.result()
        return await result

    def end(self, *, kept: bool) -> None:
        """There are no more steps: keep what they did, or undo it."""
        self._kept = kept
        self._calls.put(None)

    def serve(self, connection: Connection) -> None:
        """Run the steps; in the writing thread. Raises UndoneError, or what a step raised."""
        failure: BaseException | None = None
        while (call := self._calls.get()) is not None:
            if failure is not None:  # the transaction may be gone: nothing may run outside of it
                call.future.set_exception(failure)
            elif call.future.set_running_or_notify_cancel():
                settle(call.future, partial(self._run, call, connection))
                failure = call.future.exception()
            del call
        if failure is not None:
            raise failure
        if not self._kept:
            raise UndoneError

    def _run(self, call: Call, connection: Connection) -> object:
        with translated(self._path):
            return call.run(connection)
