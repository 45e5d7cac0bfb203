"""Connections to one SQLite file: how they are opened, set up and brought to the newest schema."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, select, text

from hmlr.errors import StorageCorrupt, StorageError
from hmlr.store import schema, sqlite_files
from hmlr.store.locking import WriteLock, needs_file_lock
from hmlr.store.sqlite_errors import translated

_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA secure_delete = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",  # nothing of a memory in a shared temporary folder
)
_FREE_SHARE = 8  # one page in so many may stay empty
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
            link = self._link()
            try:
                # An I/O error may have left a new file without its log, in silence.
                if not _is_current(link.connection, self.path) or not _has_log(link.raw):
                    self._build(link)
            except BaseException:
                with self.lock.held():  # closing the last connection makes a checkpoint
                    link.close()
                raise
            return link

    def _build(self, link: Link) -> None:
        with self.lock.held():
            # The answer is the mode in force: a network file system stays in "delete", which is slower
            # (readers wait for the writer) but sound.
            link.raw.execute("PRAGMA journal_mode = WAL")
            link.raw.execute("BEGIN IMMEDIATE")
            try:
                # Again inside the transaction: another process may have built it meanwhile.
                if not _is_current(link.connection, self.path):
                    _upgrade(link.connection)
                link.raw.execute("COMMIT")
            finally:
                if link.raw.in_transaction:
                    link.raw.execute("ROLLBACK")
            if _much_is_free(link.raw):
                _shrink(link.raw)

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


def _is_current(connection: Connection, path: Path) -> bool:
    """Whether the schema is the newest. Raises when the file is another program's or was tampered with."""
    kinds = set(connection.execute(text("SELECT DISTINCT type FROM sqlite_master")).scalars())
    if not kinds.isdisjoint({"trigger", "view"}):
        raise StorageCorrupt(
            f"{path} holds triggers or views, which HMLR never makes",
            hint="Somebody changed it: restore a backup, or import an export into a new file",
        )
    if not kinds:
        return False
    if not inspect(connection).has_table("alembic_version"):
        raise StorageError(f"{path} is a database of another program", hint="Name another file")
    return connection.execute(select(schema.alembic_version.c.version_num)).scalar() == schema.HEAD


def _has_log(raw: sqlite3.Connection) -> bool:
    return bool(raw.execute("PRAGMA journal_mode").fetchone() == ("wal",))


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
        schema.create_all(connection)
        return
    # Alembic is slow to import and needed only when the schema is an older one.
    from hmlr.store.migrations.upgrade import upgrade

    upgrade(connection)
