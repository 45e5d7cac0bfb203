"""The store on one SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hmlr.errors import ConfigurationError
from hmlr.records import Backup, Check, Stats, UserId
from hmlr.store.port import Store
from hmlr.store.records import Spent
from hmlr.store.slicing import Slicer
from hmlr.store.sql import care, spending
from hmlr.store.sql.store import SqlStore
from hmlr.store.sqlite import backup, check, files, purge
from hmlr.store.sqlite.engine import Database
from hmlr.store.sqlite.gate import SqliteGate
from hmlr.store.sqlite.readers import Readers
from hmlr.store.sqlite.writer import Writer


async def open_sqlite(
    path: Path,
    *,
    slicer: Slicer,
    durability: str = "full",
    busy_timeout_s: float = 30.0,
    readers: int = 4,
) -> SqliteStore:
    """Open the database file, made when missing, with its schema brought up to date.

    `slicer` cuts a message into chunks with their terms, for import and rebuild. `durability` is "full"
    (every answered write survives power loss) or "fast" (the last writes may not).
    Raises StorageError of all kinds and SchemaTooNew, leaving the file untouched.
    """
    if durability not in ("full", "fast"):
        raise ConfigurationError(f"unknown durability {durability!r}", hint="Use full or fast")
    database = Database(path, durability=durability, busy_timeout_s=busy_timeout_s)
    link = await asyncio.to_thread(database.prepare)
    gate = SqliteGate(database, Writer(database, link), Readers(database, readers))
    return SqliteStore(database, gate, slicer)


class SqliteStore(SqlStore):
    """An open SQLite file; the contract is `hmlr.store.port.Store`. Made by open_sqlite()."""

    _gate: SqliteGate

    def __init__(self, database: Database, gate: SqliteGate, slicer: Slicer) -> None:
        super().__init__(gate, slicer)
        self._database = database

    async def purge_files(self) -> bool:
        """See CareStore."""
        return await self._gate.alone(purge.purge)

    async def book_all(self, spent: Sequence[Spent]) -> int:
        """See SpendingStore; all in one transaction."""
        if spent:
            await self._gate.write(None, lambda c: spending.book_all(c, spent))
        return len(spent)

    async def stats(self, user: UserId) -> Stats:
        """See CareStore."""
        return await self._gate.read(user, lambda c: care.stats(c, user, files.size_of(self._database.path)))

    async def check(self) -> list[Check]:
        """See CareStore."""
        return await check.check(self._gate, self._database)

    async def backup(self, target: Path, *, overwrite: bool) -> Backup:
        """See CareStore."""
        self._gate.check()
        return await asyncio.to_thread(backup.backup, self._database, target, overwrite=overwrite)


if TYPE_CHECKING:
    _conforms: type[Store] = SqliteStore
