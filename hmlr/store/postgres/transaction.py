"""A write of many steps, on a connection that belongs to one caller until that one says how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from hmlr.store.postgres.loop import Asked

if TYPE_CHECKING:
    from hmlr.store.postgres.gate import PostgresGate

T = TypeVar("T")


class PostgresTransaction:
    """A write of many steps; what was not committed when it is closed is undone."""

    def __init__(self, gate: PostgresGate, connection: AsyncConnection) -> None:
        self._gate = gate
        self._connection = connection
        self._guard = asyncio.Lock()  # used in the thread's loop alone
        self._failure: BaseException | None = None

    async def step(self, work: Callable[[Connection], T]) -> T:
        """Run in the transaction."""

        async def step(_: Asked) -> T:
            async with self._guard:
                self._require_whole()
                try:
                    return await self._connection.run_sync(work)
                except BaseException as error:
                    self._failure = error
                    raise

        return await self._gate.run(step)

    async def commit(self) -> None:
        """Keep what the steps did; in the thread."""
        async with self._guard:
            self._require_whole()
            await self._connection.commit()

    def _require_whole(self) -> None:
        """A step that failed has done who knows how much."""
        if self._failure is not None:
            raise self._failure

    async def close(self) -> None:
        """Let the connection go, after the step that runs; in the thread."""
        async with self._guard:
            await self._connection.close()
