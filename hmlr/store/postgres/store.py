"""The store on a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from hmlr.errors import InvalidInput, MissingPackage, NotFound
from hmlr.records import Backup, Check, Stats, UserId
from hmlr.store.care_records import Erased, ErasePlan
from hmlr.store.port import Store
from hmlr.store.postgres.check import check
from hmlr.store.postgres.engine import Pool, build_schema, looked_at, member_pool, owner_engine
from hmlr.store.postgres.errors import translated
from hmlr.store.postgres.finding import PostgresFinding
from hmlr.store.postgres.gate import PostgresGate
from hmlr.store.postgres.loop import LoopThread
from hmlr.store.postgres.purge import forget_errands, purge
from hmlr.store.postgres.settings import Reach
from hmlr.store.slicing import Slicer
from hmlr.store.sql import care
from hmlr.store.sql.purging import mark_these_purged
from hmlr.store.sql.store import SqlStore

T = TypeVar("T")


async def open_postgres(reach: Reach, *, slicer: Slicer, build: bool = True) -> PostgresStore:
    """Open the database, its tables made when it is empty, or NotFound without `build`.

    Raises MissingPackage, ConfigurationError, StorageUnreachable, SchemaTooNew and StorageError.
    """
    try:
        import asyncpg  # noqa: F401
    except ImportError:
        raise MissingPackage(
            "PostgreSQL needs asyncpg", hint="pip install -r requirements-postgres.txt"
        ) from None
    loop = LoopThread("hmlr-postgres")
    try:
        with translated():
            pool = await _prepared(reach, loop, make=build)
    except BaseException:
        await loop.stop()
        raise
    return PostgresStore(PostgresGate(pool, loop, reach), reach, slicer)


async def _prepared(reach: Reach, loop: LoopThread, *, make: bool) -> Pool:
    """A pool on a database with the schema; only making it may take longer than a call."""
    soon = reach.call_timeout_s
    has_schema, commit = await loop.run(lambda _: looked_at(reach), within_s=soon)
    if not has_schema and not make:
        raise NotFound("the database holds no memory", hint="Check its name in the address")
    if not has_schema:
        await loop.run(lambda _: build_schema(reach), within_s=reach.patient_timeout_s)
    return await loop.run(lambda _: member_pool(reach, synchronous_commit=commit), within_s=soon)


class PostgresStore(PostgresFinding, SqlStore):
    """An open PostgreSQL database; the contract is `hmlr.store.port.Store`. Made by open_postgres()."""

    _gate: PostgresGate

    def __init__(self, gate: PostgresGate, reach: Reach, slicer: Slicer) -> None:
        super().__init__(gate, slicer)
        self._reach = reach

    async def purge_files(self) -> bool:
        """See CareStore; what PostgreSQL keeps until it is overwritten is said in `purge`."""
        erasures = await self._gate.patient.run(lambda _: self._as_owner(purge))
        if erasures is None:
            return False
        await self._gate.write(None, lambda c: mark_these_purged(c, erasures))
        return True

    async def erase(self, user: UserId, plan: ErasePlan, *, now: datetime) -> Erased:
        """See CareStore; with everything goes what the workers' queue holds of the user: the id."""
        erased = await super().erase(user, plan, now=now)
        if plan.everything:
            await self._gate.patient.run(lambda _: self._as_owner(lambda owner: forget_errands(owner, user)))
        return erased

    async def stats(self, user: UserId) -> Stats:
        """See CareStore."""
        return await self._gate.read(user, lambda c: care.stats(c, user, _size(c)))

    async def _as_owner(self, work: Callable[[AsyncEngine], Awaitable[T]]) -> T:
        """Run in the gate's thread with connections of the user of the address."""
        owner = owner_engine(self._reach)
        try:
            return await work(owner)
        finally:
            await owner.dispose()

    async def check(self) -> list[Check]:
        """See CareStore."""
        return await check(self._gate)

    async def backup(self, target: Path, *, overwrite: bool) -> Backup:
        """See CareStore; a server has tools of its own, which keep every moment."""
        raise InvalidInput(
            "a database on a server is not backed up into a file of ours",
            hint="Use pg_dump or a base backup with its write-ahead log, or `move --to FILE`",
        )


def _size(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


if TYPE_CHECKING:
    _conforms: type[Store] = PostgresStore
