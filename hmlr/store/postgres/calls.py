"""Calls to PostgreSQL: a function in a transaction of its own, on a connection of the pool, in the thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Connection, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hmlr.records import UserId
from hmlr.store.postgres.errors import lost_connection, translated
from hmlr.store.postgres.loop import Asked, LoopThread
from hmlr.store.postgres.settings import Reach, ms

T = TypeVar("T")

# Writers of one user take turns, operators among themselves, and all wait for who must be alone.
EVERYBODY = 0x484D4C53
_READ = text("SELECT set_config('hmlr.user', :user, true), set_config('hmlr.operator', :operator, true)")
_WRITE = text(
    "SELECT set_config('hmlr.user', :user, true), set_config('hmlr.operator', :operator, true),"
    " pg_advisory_xact_lock_shared(:everybody), pg_advisory_xact_lock(hashtextextended(:user, :everybody))"
).bindparams(bindparam("everybody", EVERYBODY, BigInteger))
_WRITE_ALONE = text(
    "SELECT set_config('hmlr.user', :user, true), set_config('hmlr.operator', :operator, true),"
    " pg_advisory_xact_lock(:everybody)"
).bindparams(bindparam("everybody", EVERYBODY, BigInteger))
_PATIENT = text(
    "SELECT set_config('statement_timeout', :patience, true),"
    " set_config('idle_in_transaction_session_timeout', :patience, true)"
)
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class PostgresCalls:
    """`Calls` on a PostgreSQL database; patient ones have no end but that of each of their statements."""

    def __init__(
        self, engine: AsyncEngine, loop: LoopThread, check: Callable[[], None], reach: Reach, *, patient: bool
    ) -> None:
        self._engine = engine
        self._loop = loop
        self._check = check
        self._patience = {"patience": ms(reach.patient_timeout_s)} if patient else {}
        self._within_s = None if patient else reach.call_timeout_s

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

    async def write(self, user: UserId | None, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """Run in a transaction; when this returns, the server has it on its disk."""

        async def write(asked: Asked) -> T:
            connection = await self._ready(asked, lambda: self._locked(user, alone=alone))
            try:
                result = await connection.run_sync(work)
                await connection.commit()
            finally:
                await connection.close()
            return result

        return await self.run(write)

    async def run(self, work: Callable[[Asked], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the thread, with its errors translated."""
        self._check()
        with translated():
            return await self._loop.run(work, within_s=self._within_s)

    async def in_thread(self, work: Callable[[Asked], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the thread, also while the store is being closed."""
        return await self._loop.run(work)

    async def begin(self, user: UserId) -> AsyncConnection:
        """A connection with an open transaction that holds the user's lock."""
        return await self.run(lambda asked: self._ready(asked, lambda: self._locked(user)))

    async def snapshot(self, user: UserId | None) -> AsyncConnection:
        """A connection with an open snapshot; in the thread."""
        return await self._begun(user, _READ, _SNAPSHOT)

    async def _locked(self, user: UserId | None, *, alone: bool = False) -> AsyncConnection:
        """A connection with an open transaction that holds the user's lock, or the operators'."""
        return await self._begun(user, _WRITE_ALONE if alone else _WRITE, {})

    async def _begun(
        self, user: UserId | None, statement: TextClause, options: dict[str, Any]
    ) -> AsyncConnection:
        connection = await self._engine.connect()
        try:
            if options:
                await connection.execution_options(**options)
            await connection.execute(statement, {"user": user or "", "operator": "off" if user else "on"})
            if self._patience:
                await connection.execute(_PATIENT, self._patience)
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
