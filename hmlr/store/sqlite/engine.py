"""Connections to one SQLite file: how they are opened, set up and brought to the newest schema."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, text

from hmlr.errors import StorageBusy
from hmlr.store.sql.special import OPTION
from hmlr.store.sqlite import file_systems
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.errors import translated
from hmlr.store.sqlite.full_text import FullText, create
from hmlr.store.sqlite.locking import WriteLock, needs_file_lock
from hmlr.store.sqlite.shape import is_newest

_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",  # nothing of a memory in a shared temporary folder
)
_FREE_SHARE = 8  # one page in so many may stay empty
_JOURNAL = {"wal": "PRAGMA journal_mode = WAL", "delete": "PRAGMA journal_mode = DELETE"}
_SYNCHRONOUS = {"full": "PRAGMA synchronous = FULL", "fast": "PRAGMA synchronous = NORMAL"}


@dataclass(frozen=True)
class Link:
    """One connection: SQLAlchemy's face of it for queries, the driver's for BEGIN, COMMIT and pragmas."""

    connection: Connection
    raw: sqlite3.Connection

    def close(self) -> None:
        """Close it; a transaction left open is rolled back by SQLite, whatever state it is in."""
        self.connection.invalidate()
        self.raw.close()


# How the connection is made that a thread asks the engine for just now.
_opening: ContextVar[Callable[[], sqlite3.Connection]] = ContextVar("_opening")


def _open_this() -> sqlite3.Connection:
    return _opening.get()()


@cache
def _engine() -> Engine:
    """One engine for all files: what SQLAlchemy has compiled once serves every connection of the process."""
    return create_engine(
        "sqlite://",
        creator=_open_this,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        query_cache_size=2000,
        execution_options={OPTION: FullText()},
    )


class Database:
    """One SQLite file: its path, its write lock and its way to make connections. Thread-safe."""

    def __init__(self, path: Path, *, durability: str, busy_timeout_s: float) -> None:
        self.path = path
        self.lock = WriteLock(
            sqlite_files.lock_path(path),
            needed=needs_file_lock(sqlite3.sqlite_version_info),
            timeout_s=busy_timeout_s,
        )
        self.unsuited = ""  # why it may have no write-ahead log; prepare() finds it out
        self.unread_frames = 0  # of the log, when writing began
        self._pragmas = (*_PRAGMAS, _SYNCHRONOUS[durability])
        self._busy_timeout_s = busy_timeout_s

    def writer(self) -> Link:
        """A connection that may write; the first one comes from prepare()."""
        return self._link()

    def reader(self) -> Link:
        """A connection that can't write."""
        link = self._link()
        link.raw.execute("PRAGMA query_only = ON")
        return link

    def prepare(self) -> Link:
        """Create or check the file, bring it to the newest schema and open it for writing; blocks.

        Raises SchemaTooNew and StorageError of all kinds; the file is untouched then.
        """
        with translated(self.path):
            sqlite_files.prepare(self.path)
            place = self.path.stat()
            self.unsuited = file_systems.unsuited(self.path)
            link = self._link()
            try:
                if not is_newest(link.raw, self.path):
                    self._build(link, place)
                elif _journal(link.raw) != self._mode:
                    self._set_mode(link)
                self._check(place)
            except BaseException:
                with self.lock.held():  # closing the last connection makes a checkpoint
                    link.close()
                raise
            return link

    def _check(self, place: os.stat_result) -> None:
        """Raise StorageBusy when there is another file now: `restore-backup` has replaced the memory."""
        if not os.path.samestat(place, self.path.stat()):
            raise StorageBusy("the memory was replaced just now", hint="Repeat the call")

    def _build(self, link: Link, place: os.stat_result) -> None:
        with self.lock.held():
            self._check(place)
            link.raw.execute(_JOURNAL[self._mode])
            link.raw.execute("BEGIN IMMEDIATE")
            try:
                # Again inside the transaction: another process may have built it meanwhile.
                if not is_newest(link.raw, self.path):
                    _upgrade(link.connection)
                link.raw.execute("COMMIT")
            finally:
                if link.raw.in_transaction:
                    link.raw.execute("ROLLBACK")
            if _much_is_free(link.raw):
                _shrink(link.raw)

    @property
    def _mode(self) -> str:
        """Without a write-ahead log readers wait for the writer, but it is sound anywhere."""
        return "delete" if self.unsuited else "wal"

    def _set_mode(self, link: Link) -> None:
        """Change over when the file was moved; who has it open keeps it as it is, and `doctor` says so."""
        with self.lock.held(), suppress(sqlite3.OperationalError):
            link.raw.execute(_JOURNAL[self._mode])

    def _link(self) -> Link:
        opening = _opening.set(self._open)
        try:
            connection = _engine().connect()
        finally:
            _opening.reset(opening)
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the dialect's own type
        return Link(connection, driver)

    def _open(self) -> sqlite3.Connection:
        # isolation_level=None: the driver never begins a transaction by itself.
        # The store's threads each own their connections; closing may come from another one.
        raw = sqlite3.connect(
            self.path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in self._pragmas:
                raw.execute(pragma)
        except BaseException:
            raw.close()
            raise
        return raw


def _journal(raw: sqlite3.Connection) -> str:
    (mode,) = raw.execute("PRAGMA journal_mode").fetchone()
    return str(mode)


def _much_is_free(raw: sqlite3.Connection) -> bool:
    """Whether an upgrade has left so many pages empty that it is worth to write the file anew."""
    (free,) = raw.execute("PRAGMA freelist_count").fetchone()
    (pages,) = raw.execute("PRAGMA page_count").fetchone()
    return bool(free * _FREE_SHARE > pages)


def _shrink(raw: sqlite3.Connection) -> None:
    """Give empty pages back. Where there is no room for the copy that this takes, they wait for new rows."""
    try:
        raw.execute("VACUUM")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY):
            raise


def _upgrade(connection: Connection) -> None:
    if connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0:
        create(connection)
        return
    # Alembic is slow to import and needed only when the schema is an older one.
    from hmlr.store.migrations.upgrade import upgrade

    upgrade(connection)
