"""The way from the event loop to the threads: who may call, and what a cancelled call leaves."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection

from hmlr.errors import OutOfResources
from hmlr.records import UserId
from hmlr.store.sql.home import Home
from hmlr.store.sqlite.engine import Database, Link
from hmlr.store.sqlite.readers import HeldSnapshot, Readers
from hmlr.store.sqlite.transaction import SqliteTransaction
from hmlr.store.sqlite.writer import Writer
from hmlr.threads import settle, start_thread

T = TypeVar("T")


class SqliteGate:
    """Hands calls of one event loop to the reading and writing threads.

    A call cancelled while it waits in the queue is dropped; one that runs already runs to its end. The file
    is one owner's: whose rows a call may touch is for its queries to say.
    """

    def __init__(self, database: Database, writer: Writer, readers: Readers) -> None:
        self._database = database
        self._writer = writer
        self._readers = readers
        self._home = Home()
        self._guard = threading.Lock()
        self._closed: Future[None] | None = None
        self._held: weakref.WeakSet[HeldSnapshot] = weakref.WeakSet()

    async def read(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """Run in one snapshot."""
        self.check()
        return await asyncio.wrap_future(self._readers.submit(work))

    async def write(self, user: UserId | None, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """Run in a transaction; when this returns, it is on disk. Each write is alone."""
        self.check()
        return await asyncio.wrap_future(self._writer.submit(work))

    @property
    def patient(self) -> SqliteGate:
        """The same: a file answers or fails, and does not fall silent."""
        return self

    async def alone(self, work: Callable[[Link], T]) -> T:
        """Run outside any transaction, while nobody writes."""
        self.check()
        return await asyncio.wrap_future(self._writer.submit_alone(work))

    @asynccontextmanager
    async def change(self, user: UserId) -> AsyncIterator[SqliteTransaction]:
        """A write of many steps; the writing thread serves it alone until it ends."""
        self.check()
        transaction = SqliteTransaction(self._database.path)
        transaction.over = asyncio.wrap_future(self._writer.submit(transaction.serve))
        try:
            yield transaction
        except BaseException:
            transaction.end(kept=False)
            await asyncio.wait({transaction.over})
            transaction.over.exception()  # what went wrong is on its way already
            raise
        transaction.end(kept=True)
        await transaction.over

    def hold(self, user: UserId) -> HeldSnapshot:
        """A snapshot for a read of many steps; its user closes it, or aclose() does."""
        self.check()
        snapshot = HeldSnapshot(self._database)
        self._held.add(snapshot)
        return snapshot

    def check(self) -> None:
        """Raise ClosedError where a call could only hang or do harm."""
        self._home.check(closed=self._closed is not None)

    async def aclose(self) -> None:
        """Finish what is queued and close; every call waits for the same end. Does nothing in a fork."""
        if self._home.is_forked:
            return
        with self._guard:
            if self._closed is None:
                self._closed = Future()
                try:
                    start_thread(self._close, "hmlr-closer")
                except OutOfResources:  # better a loop that waits than a database left open
                    self._close()
        # Shielded: closing goes on when the caller no longer waits.
        await asyncio.shield(asyncio.wrap_future(self._closed))

    def _close(self) -> None:
        assert self._closed is not None  # noqa: S101 - set before this thread was started
        settle(self._closed, self._close_threads)

    def _close_threads(self) -> None:
        # The writer's connection goes last: closing the last one makes a checkpoint, which needs the lock.
        for snapshot in list(self._held):
            snapshot.close_now()
        self._readers.close()
        self._writer.close()
