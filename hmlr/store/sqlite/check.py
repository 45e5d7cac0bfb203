"""Whether a database file is sound."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, text

from hmlr.errors import HMLRError
from hmlr.records import Check
from hmlr.store.sql.checks import REBUILD, RESTORE, Line, content_lines, derived_lines, listing, looked_at
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.check_schema import differing
from hmlr.store.sqlite.engine import Database, Link
from hmlr.store.sqlite.full_text import index_differs
from hmlr.store.sqlite.gate import SqliteGate

_MOVE = "Put the database on a local disk: here readers wait for writers, and a copy may be half of one state"
_REOPEN = "Close all programs that use this database and open it again: its journal mode is changed then"


async def check(gate: SqliteGate, database: Database) -> list[Check]:
    """See CareStore.check; a check that can't be made is one that failed."""
    return [
        _version(database),
        await _journal(gate, database.unsuited),
        await _log(gate, database),
        *await looked_at(
            [
                Line("integrity", RESTORE, lambda: gate.read(None, _integrity)),
                Line("schema", RESTORE, lambda: gate.read(None, _schema)),
                Line("references", RESTORE, lambda: gate.read(None, _references)),
                *content_lines(gate),
                Line("full text", REBUILD, lambda: gate.alone(_full_text)),
                Line("terms", REBUILD, lambda: gate.read(None, _terms)),
                *derived_lines(gate),
                Line(
                    "files",
                    "Allow only their owner to read them (chmod 600)",
                    lambda: asyncio.to_thread(_files, database.path),
                ),
            ]
        ),
    ]


def _version(database: Database) -> Check:
    detail = f"SQLite {sqlite3.sqlite_version}"
    if database.lock.needed:
        detail += (
            "; it has the WAL-reset fault, so writers of all processes take turns by "
            f"{sqlite_files.lock_path(database.path).name}"
        )
    return Check(name="sqlite", ok=True, detail=detail)


async def _journal(gate: SqliteGate, unsuited: str) -> Check:
    try:
        mode = str(
            await gate.read(None, lambda connection: connection.execute(text("PRAGMA journal_mode")).scalar())
        )
    except HMLRError as error:
        return Check(name="journal", ok=False, detail=str(error), remedy=RESTORE)
    if unsuited:
        detail = f"journal mode {mode}: {unsuited}"
        return Check(name="journal", ok=False, detail=detail, remedy=_MOVE if mode != "wal" else _REOPEN)
    remedy = "" if mode == "wal" else _REOPEN
    return Check(name="journal", ok=mode == "wal", detail=f"journal mode {mode}", remedy=remedy)


async def _log(gate: SqliteGate, database: Database) -> Check:
    try:
        await gate.alone(lambda _: None)  # whoever comes first to write looks at the log
    except HMLRError as error:
        return Check(name="log", ok=False, detail=str(error), remedy=RESTORE)
    if database.unread_frames:
        detail = (
            f"a byte of the write-ahead log has changed: the last {database.unread_frames} pages are lost"
        )
        return Check(name="log", ok=False, detail=detail, remedy="Repeat what was said last, or " + RESTORE)
    return Check(name="log", ok=True, detail="sound", remedy="")


def _schema(connection: Connection) -> str:
    return listing([f"{name} is not as it was made" for name in differing(connection)])


def _terms(connection: Connection) -> str:
    return "places of terms are not those of the chunks" if index_differs(connection) else ""


def _integrity(connection: Connection) -> str:
    found = list(connection.execute(text("PRAGMA integrity_check")).scalars())
    return "" if found == ["ok"] else listing(found)


def _references(connection: Connection) -> str:
    found = connection.execute(text("PRAGMA foreign_key_check")).all()
    return listing([f"{row[0]} row {row[1]}" for row in found])


def _full_text(link: Link) -> str:
    link.raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('integrity-check')")
    return ""


def _files(path: Path) -> str:
    files = [path, *sqlite_files.sidecars(path), sqlite_files.lock_path(path)]
    return listing([file.name for file in files if file.exists() and file.stat().st_mode & 0o077])
