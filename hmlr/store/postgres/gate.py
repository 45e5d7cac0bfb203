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

from sqlalchemy import BigInteger, Connection, Row, Select, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncResult

from hmlr.errors import ClosedError
from hmlr.records import UserId
from hmlr.store.postgres.errors import lost_connection, translated
from hmlr.store.postgres.loop import Asked, LoopThread
from hmlr.store.postgres.transaction import PostgresTransaction
from hmlr.store.sql.home import Home

T = TypeVar("T")

# Writers of one user take turns, and wait for who works on everybody's rows.
_EVERYBODY = 0x484D4C53
_READ = text("SELECT set_config('hmlr.user', :user, true), set_config('hmlr.operator', :operator, true)")
_WRITE = text(
    "SELECT set_config('hmlr.user', :user, true), set_config('hmlr.operator', 'off', true),"
    " pg_advisory_xact_lock_shared(:everybody), pg_advisory_xact_lock(hashtextextended(:user, :everybody))"
).bindparams(bindparam("everybody", _EVERYBODY, BigInteger))
_WRITE_ALL = text(
    "SELECT set_config('hmlr.user', '', true), set_config('hmlr.operator', 'on', true),"
    " pg_advisory_xact_lock(:everybody)"
).bindparams(bindparam("everybody", _EVERYBODY, BigInteger))
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class PostgresGate:
    """`Gate` on a PostgreSQL database."""

    def __init__(self, engine: AsyncEngine, loop: LoopThread) -> None:
        self._engine = engine
        self._loop = loop
        self._home = Home()
        self._held: weakref.WeakSet[PostgresSnapshot] = weakref.WeakSet()
        self._closed: asyncio.Task[None] | None = None

    async def read(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """Run in one snapshot; once more on another connection when that one breaks."""

        async def read(asked: Asked) -> T:
            connection = await self._ready(asked, lambda: self.snapshot(user))
            try:
                return await connection.run_sync(work)
            except (DBAPIError, OSError) as error:
                if not lost_connection(error):
                    raise
            finally:
                await connection.close()
            connection = await self.snapshot(user)
            try:
                return await connection.run_sync(work)
            finally:
                await connection.close()

        return await self.run(read)

    async def write(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """Run in a transaction; when this returns, the server has it on its disk."""

        async def write(asked: Asked) -> T:
            connection = await self._ready(asked, lambda: self._locked(user))
            try:
                result = await connection.run_sync(work)
                await connection.commit()
            finally:
                await connection.close()
            return result

        return await self.run(write)

    @asynccontextmanager
    async def change(self, user: UserId) -> AsyncIterator[PostgresTransaction]:
        """A write of many steps, on a connection of its own."""
        connection = await self.run(lambda asked: self._ready(asked, lambda: self._locked(user)))
        transaction = PostgresTransaction(self, connection)
        try:
            yield transaction
            await self.run(lambda _: transaction.commit())
        finally:
            await self.in_thread(lambda _: transaction.close())

    async def run(self, work: Callable[[Asked], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the thread, with its errors translated."""
        self.check()

        async def run(asked: Asked) -> T:
            with translated():
                return await work(asked)

        return await self._loop.run(run)

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

    async def snapshot(self, user: UserId | None) -> AsyncConnection:
        """A connection with an open snapshot; in the thread."""
        connection = await self._engine.connect()
        try:
            await connection.execution_options(**_SNAPSHOT)
            await connection.execute(_READ, {"user": user or "", "operator": "off" if user else "on"})
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _locked(self, user: UserId | None) -> AsyncConnection:
        """A connection with an open transaction that holds the user's lock, or everybody's."""
        connection = await self._engine.connect()
        try:
            if user is None:
                await connection.execute(_WRITE_ALL)
            else:
                await connection.execute(_WRITE, {"user": user})
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _ready(
        self, asked: Asked, make: Callable[[], Coroutine[Any, Any, AsyncConnection]]
    ) -> AsyncConnection:
        """A connection that has begun; one that broke while it lay idle is replaced, for nothing was done."""
        try:
            connection = await make()
        except (DBAPIError, OSError) as error:
            if not lost_connection(error):
                raise
            connection = await make()
        if asked.given_up:
            await connection.close()
            raise asyncio.CancelledError
        return connection

    async def _close(self) -> None:
        for snapshot in list(self._held):
            await snapshot.close_now()
        await self._loop.run(lambda _: self._engine.dispose())
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
        rows = await self._gate.run(lambda _: self._start(statement, size))
        while page := await self._gate.run(lambda _: self._fetch(rows, size)):
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
                self._connection = await self._gate.snapshot(self._user)
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
                await self._connection.close()
                self._connection = None

    def _lock(self) -> asyncio.Lock:
        if self._guard is None:
            self._guard = asyncio.Lock()
        return self._guard

    def _alone(self) -> Any:
        if self._closed:
            raise ClosedError("the store was closed during the export", hint="Open it and repeat")
        return self._lock()
