"""The way from the event loop to PostgreSQL: a thread with a loop of its own, and a pool of connections.

The queries are plain functions; SQLAlchemy lets one of them wait for the server while others go on. They run
in a thread of their own because reading a large memory into arrays takes longer than an event loop may stall.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncResult

from hmlr.errors import ClosedError
from hmlr.records import UserId
from hmlr.store.postgres.calls import PostgresCalls
from hmlr.store.postgres.engine import Pool, let_go
from hmlr.store.postgres.loop import Asked, LoopThread
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.transaction import PostgresTransaction
from hmlr.store.sql.home import Home

T = TypeVar("T")


class PostgresGate:
    """`Gate` on a PostgreSQL database."""

    def __init__(self, pool: Pool, loop: LoopThread, reach: Reach) -> None:
        self._pool = pool
        self._loop = loop
        self._home = Home()
        self._prompt = PostgresCalls(pool.engine, loop, self.check, reach, patient=False)
        self.patient = PostgresCalls(pool.engine, loop, self.check, reach, patient=True)
        self._held: weakref.WeakSet[PostgresSnapshot] = weakref.WeakSet()
        self._closed: asyncio.Task[None] | None = None

    async def read(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """See Calls."""
        return await self._prompt.read(user, work)

    async def write(self, user: UserId | None, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """See Calls."""
        return await self._prompt.write(user, work, alone=alone)

    @asynccontextmanager
    async def change(self, user: UserId) -> AsyncIterator[PostgresTransaction]:
        """A write of many steps, on a connection of its own."""
        transaction = PostgresTransaction(self.patient, await self.patient.begin(user))
        try:
            yield transaction
            await self.patient.run(lambda _: transaction.commit())
        finally:
            await self.in_thread(lambda _: transaction.close())

    def hold(self, user: UserId) -> PostgresSnapshot:
        """A snapshot for a read of many steps; its user closes it, or aclose() does."""
        self.check()
        snapshot = PostgresSnapshot(self, user)
        self._held.add(snapshot)
        return snapshot

    def check(self) -> None:
        """Raise ClosedError where a call could only hang or do harm."""
        self._home.check(closed=self._closed is not None)

    async def aclose(self) -> None:
        """Finish what runs and close; every call waits for the same end. Does nothing in a fork."""
        if self._home.is_forked:
            return
        if self._closed is None:
            self._closed = asyncio.create_task(self._close(), name="hmlr-postgres-close")
        await asyncio.shield(self._closed)

    async def _close(self) -> None:
        for snapshot in list(self._held):
            await snapshot.close_now()
        await self._loop.idle()
        await self._loop.run(lambda _: self._pool.aclose())
        await self._loop.stop()

    async def in_thread(self, work: Callable[[Asked], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the thread, also while the store is being closed."""
        return await self._loop.run(work)


class PostgresSnapshot:
    """One snapshot over several steps, for an export; closed by whoever comes first, export or store."""

    def __init__(self, gate: PostgresGate, user: UserId) -> None:
        self._gate = gate
        self._user = user
        self._connection: AsyncConnection | None = None
        self._closed = False
        self._guard: asyncio.Lock | None = None  # of the thread's loop

    async def pages(self, statement: Select[Any], size: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of a query, so many at a time. ClosedError when the store was closed meanwhile."""
        rows = await self._gate.patient.run(lambda _: self._start(statement, size))
        while page := await self._gate.patient.run(lambda _: self._fetch(rows, size)):
            yield page

    async def close(self) -> None:
        """Let the snapshot go."""
        if not self._closed:
            await self.close_now()

    async def close_now(self) -> None:
        """Let the snapshot go, after the page that is being read."""
        self._closed = True
        await self._gate.in_thread(lambda _: self._let_go())

    async def _start(self, statement: Select[Any], size: int) -> AsyncResult[Any]:
        async with self._alone():
            if self._connection is None:
                self._connection = await self._gate.patient.snapshot(self._user)
            rows: AsyncResult[Any] = await self._connection.stream(
                statement.execution_options(yield_per=size)
            )
            return rows

    async def _fetch(self, rows: AsyncResult[Any], size: int) -> Sequence[Row[Any]]:
        async with self._alone():
            return await rows.fetchmany(size)

    async def _let_go(self) -> None:
        async with self._lock():
            if self._connection is not None:
                connection, self._connection = self._connection, None
                await let_go(connection)

    def _lock(self) -> asyncio.Lock:
        if self._guard is None:
            self._guard = asyncio.Lock()
        return self._guard

    def _alone(self) -> Any:
        if self._closed:
            raise ClosedError("the store was closed during the export", hint="Open it and repeat")
        return self._lock()
