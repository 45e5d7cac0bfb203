"""One moment of a PostgreSQL database, held over several steps on a connection of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import Row, Select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncResult

from hmlr.errors import ClosedError
from hmlr.records import UserId
from hmlr.store.postgres.calls import PostgresCalls
from hmlr.store.postgres.engine import let_go


class PostgresSnapshot:
    """One snapshot over several steps, for an export; closed by whoever comes first, export or store."""

    def __init__(self, calls: PostgresCalls, user: UserId) -> None:
        self._calls = calls
        self._user = user
        self._connection: AsyncConnection | None = None
        self._closed = False
        self._guard: asyncio.Lock | None = None  # of the thread's loop

    async def pages(self, statement: Select[Any], size: int) -> AsyncIterator[Sequence[Row[Any]]]:
        """The rows of a query, so many at a time. ClosedError when the store was closed meanwhile."""
        rows = await self._calls.run(lambda _: self._start(statement, size))
        while page := await self._calls.run(lambda _: self._fetch(rows, size)):
            yield page

    async def close(self) -> None:
        """Let the snapshot go."""
        if not self._closed:
            await self.close_now()

    async def close_now(self) -> None:
        """Let the snapshot go, after the page that is being read."""
        self._closed = True
        await self._calls.in_thread(lambda _: self._let_go())

    async def _start(self, statement: Select[Any], size: int) -> AsyncResult[Any]:
        async with self._alone():
            if self._connection is None:
                self._connection = await self._calls.snapshot(self._user)
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
