"""A backup put in the place of a memory.

The file is vetted, then its rows, and only these, are read into a new file that has our schema; that one is
read through in turn and gets the memory's name. So nothing of a crafted file but checked values arrives.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, func, insert, select
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects import sqlite

from hmlr.errors import InvalidInput, StorageBusy, StorageError
from hmlr.records import Forgotten, Restored, UserId
from hmlr.store import schema
from hmlr.store.columns import from_micros
from hmlr.store.sql.index import index_all
from hmlr.store.sql.special import OPTION, special
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite import full_text
from hmlr.store.sqlite.copies import (
    NOT_RESTORED,
    count_rows,
    opened,
    part_file,
    publish,
    sync_folder,
    take_wal,
)
from hmlr.store.sqlite.errors import translated
from hmlr.store.sqlite.locking import WriteLock
from hmlr.store.sqlite.shape import revision_of
from hmlr.store.sqlite.values import as_sql, tables_of
from hmlr.store.sqlite.vetting import check_content, vetted

_AT_ONCE = 1000  # rows
_BUSY_S = 2.0  # a program that has the memory open keeps it for longer than anybody would wait
_LEFT = NOT_RESTORED | {"alembic_version"}


def restore(source: Path, target: Path, *, overwrite: bool, now: datetime) -> Restored:
    """Make the backup `source` the memory at `target`; blocks.

    A memory that is there is refused unless `overwrite`, and then kept beside it. Raises InvalidInput,
    StorageBusy when a program has the memory open, and as vetted() does; nothing has changed then.
    """
    _check_target(source, target, overwrite=overwrite)
    with vetted(source) as raw:
        with translated(target):
            sqlite_files.make_folder(target.parent)
        with part_file(target) as part:
            _build(raw, part)
            with translated(target):
                counts, last, known = _looked_at(part)
                kept, graves = _put(part, target, now)
    return Restored(
        path=str(target),
        users=counts["users"],
        turns=counts["turns"],
        messages=counts["messages"],
        last_recorded_at=last,
        kept=None if kept is None else str(kept),
        forgotten=None
        if graves is None
        else tuple(sorted(graves - known, key=lambda grave: grave.recorded_at)),
    )


def _check_target(source: Path, target: Path, *, overwrite: bool) -> None:
    if target.is_symlink() or (target.exists() and not target.is_file()):
        raise InvalidInput(f"{target} is no regular file", hint="Name the file of the memory itself")
    if not target.exists():
        return
    if source.exists() and source.samefile(target):
        raise InvalidInput(f"{source} is the memory itself", hint="Name a file that `backup` wrote")
    if target.stat().st_size and not overwrite:
        raise InvalidInput(
            f"there is a memory already at {target}",
            hint="Name another one by --db, or say --overwrite: it is then kept beside",
        )


def _looked_at(part: Path) -> tuple[dict[str, int], datetime | None, set[Forgotten]]:
    """Read the new file through; its rows by table, when the latest was recorded, and what is forgotten."""
    with opened(part) as raw:
        check_content(raw, part, newest=True)
        (last,) = raw.execute("SELECT max(recorded_at) FROM messages").fetchone()
        found = count_rows(raw), None if last is None else from_micros(last), _graves(raw)
        take_wal(raw)
    return found


def _build(source: sqlite3.Connection, part: Path) -> None:
    """The rows of the source in a file of the newest schema."""
    (revision,) = source.execute("SELECT version_num FROM alembic_version").fetchone()
    with opened(part) as copy:
        engine = create_engine(
            "sqlite://",
            creator=lambda: copy,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            execution_options={OPTION: full_text.FullText()},
        )
        with engine.connect() as connection:
            copy.execute("BEGIN")
            _make_schema(connection, revision)
            tables = [name for name in tables_of(copy) if name not in _LEFT]
            for table in tables:
                _copy_rows(source, copy, table)
            _copy_last_numbers(source, copy, tables)
            if revision != schema.HEAD:
                from hmlr.store.migrations.upgrade import upgrade  # slow to import and seldom needed

                upgrade(connection)
            # Not copied but made: what a crafted index says of whose words would be believed.
            special(connection).clear_terms(connection)
            index_all(connection)
            copy.execute("COMMIT")


def _make_schema(connection: Connection, revision: str) -> None:
    if revision == schema.HEAD:
        full_text.create(connection)
        return
    from hmlr.store.migrations.upgrade import create  # as above

    create(connection, target=revision)


def _copy_rows(source: sqlite3.Connection, copy: sqlite3.Connection, table: str) -> None:
    names = [name for (name,) in copy.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    here = sql_table(table, *map(sql_column, names))
    put = str(insert(here).compile(dialect=sqlite.dialect()))
    rows = source.execute(as_sql(select(*here.c)))
    count = 0
    while page := rows.fetchmany(_AT_ONCE):
        copy.executemany(put, page)
        count += len(page)
    if copy.execute(as_sql(select(func.count()).select_from(here))).fetchone() != (count,):
        raise StorageError(f"rows of {table} were lost on the way", hint="Repeat the call")


def _copy_last_numbers(source: sqlite3.Connection, copy: sqlite3.Connection, tables: list[str]) -> None:
    """A number once given to a row that is gone is not given again."""
    for name, number in source.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        if name in tables:
            copy.execute("DELETE FROM sqlite_sequence WHERE name = ?", (name,))
            copy.execute("INSERT INTO sqlite_sequence VALUES (?, ?)", (name, number))


def _graves(raw: sqlite3.Connection) -> set[Forgotten]:
    rows = raw.execute("SELECT user_id, scope, target, recorded_at FROM tombstones")
    return {
        Forgotten(user_id=UserId(user), scope=scope, target=target, recorded_at=from_micros(at))
        for user, scope, target, at in rows
    }


def _put(part: Path, target: Path, now: datetime) -> tuple[Path | None, set[Forgotten] | None]:
    """Give the new file the memory's name; where the old one is kept, and what had been forgotten in it."""
    lock = WriteLock(sqlite_files.lock_path(target), needed=True, timeout_s=_BUSY_S)
    with lock.held():
        if not target.exists() or not target.stat().st_size:
            for file in sqlite_files.sidecars(target):  # of a memory that was removed
                file.unlink(missing_ok=True)
            publish(part, target, overwrite=True)
            return None, set()
        kept = _free_name(target, now)
        with _seized(target) as graves:
            # The log goes first: beside the new file it would be taken for that one's.
            for file in sqlite_files.sidecars(target):
                if file.exists():
                    file.rename(kept.with_name(file.name.replace(target.name, kept.name, 1)))
            try:
                os.link(target, kept)
            except OSError:  # a file system without links: for a moment there is no memory
                target.rename(kept)
            sync_folder(target.parent)
            publish(part, target, overwrite=True)
        return kept, graves


def _free_name(target: Path, now: datetime) -> Path:
    stem = f"{target.name}.replaced-{now:%Y%m%dT%H%M%S}"
    names = (target.with_name(stem + ending) for ending in ("", *(f"-{number}" for number in range(1, 100))))
    return next(name for name in names if not name.exists())


@contextmanager
def _seized(target: Path) -> Iterator[set[Forgotten] | None]:
    """Hold a memory that nobody else has open, its log moved into it; what is forgotten in it.

    None when it is damaged, and then it is not held. Leaving WAL mode is what SQLite refuses while any other
    connection is open. Raises StorageBusy then.
    """
    with closing(sqlite3.connect(target, timeout=_BUSY_S, isolation_level=None)) as raw:
        try:
            graves = _seize(raw, target)
        except (StorageError, sqlite3.DatabaseError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise StorageBusy(
                    f"a program has {target} open", hint="End it (a server, a chat, a worker) and repeat"
                ) from error
            graves = None
        try:
            yield graves
        except BaseException:
            if raw.in_transaction:
                raw.execute("ROLLBACK")
                take_wal(raw)
            raise


def _seize(raw: sqlite3.Connection, target: Path) -> set[Forgotten]:
    raw.execute("PRAGMA trusted_schema = OFF")
    raw.execute("PRAGMA journal_mode = DELETE").fetchone()
    raw.execute("BEGIN EXCLUSIVE")
    revision_of(raw, target)
    return _graves(raw)
