"""Whether a database is sound: each line says what was looked at, what was found and what to do."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection, and_, column, func, or_, select, table, text

from hmlr.errors import HMLRError
from hmlr.records import Check
from hmlr.store import sqlite_files
from hmlr.store.schema import blocks, chunks, facts, jobs, messages, tombstones, turns, users
from hmlr.store.sqlite_blocks import EMPTY, select_ages
from hmlr.store.sqlite_check_schema import differing
from hmlr.store.sqlite_check_search import chunks_that_differ, damaged_vectors, index_differs
from hmlr.store.sqlite_check_values import wrong_values
from hmlr.store.sqlite_engine import Database, Link
from hmlr.store.sqlite_gate import Gate
from hmlr.store.sqlite_index import message_of_chunk
from hmlr.store.sqlite_rows import digest

_postings = table("chunk_postings", column("doc"))  # a row for each place of a term
_SHOWN = 5  # findings named in a detail
_REBUILD = "Run `rebuild`: the index is made anew from the messages"
_RESTORE = "Restore a backup, or export what can be read and import it into a new file"


async def check(gate: Gate, database: Database) -> list[Check]:
    """See CareStore.check; a check that can't be made is one that failed."""
    lines: list[tuple[str, str, Callable[[], Awaitable[str]]]] = [
        ("integrity", _RESTORE, lambda: gate.read(_integrity)),
        ("schema", _RESTORE, lambda: gate.read(_schema)),
        ("values", _RESTORE, lambda: gate.read(_values)),
        ("references", _RESTORE, lambda: gate.read(_references)),
        ("messages", _RESTORE, lambda: gate.read(_contents)),
        (
            "quotes",
            "Run `rebuild --knowledge`: facts are taken from the messages again",
            lambda: gate.read(_quotes),
        ),
        ("topics", "Run `rebuild`: topics are made from the turns again", lambda: gate.read(_topics)),
        ("turns", "A part of the database is missing: restore a newer backup", lambda: gate.read(_gaps)),
        ("full text", _REBUILD, lambda: gate.alone(_full_text)),
        ("index", _REBUILD, lambda: gate.read(_index)),
        ("vectors", "Run `rebuild`: the damaged ones are made anew", lambda: gate.read(_vectors)),
        ("jobs", "Run `retry`", lambda: gate.read(_parked)),
        (
            "files",
            "Allow only their owner to read them (chmod 600)",
            lambda: asyncio.to_thread(_files, database.path),
        ),
    ]
    checks = [_version(database), await _journal(gate), await _log(gate, database)]
    for name, remedy, look in lines:
        try:
            found = await look()
        except HMLRError as error:
            checks.append(Check(name=name, ok=False, detail=str(error), remedy=remedy))
        except (TypeError, AttributeError, ValueError) as error:  # a value of another type than its column's
            detail = f"a value is of the wrong type ({error})"
            checks.append(Check(name=name, ok=False, detail=detail, remedy=remedy))
        else:
            checks.append(
                Check(name=name, ok=not found, detail=found or "sound", remedy=remedy if found else "")
            )
    return checks


def _version(database: Database) -> Check:
    detail = f"SQLite {sqlite3.sqlite_version}"
    if database.lock.needed:
        detail += (
            "; it has the WAL-reset fault, so writers of all processes take turns by "
            f"{sqlite_files.lock_path(database.path).name}"
        )
    return Check(name="sqlite", ok=True, detail=detail)


async def _journal(gate: Gate) -> Check:
    try:
        mode = str(
            await gate.read(lambda connection: connection.execute(text("PRAGMA journal_mode")).scalar())
        )
    except HMLRError as error:
        return Check(name="journal", ok=False, detail=str(error), remedy=_RESTORE)
    remedy = "" if mode == "wal" else "Put the database on a local disk: here readers wait for writers"
    return Check(name="journal", ok=mode == "wal", detail=f"journal mode {mode}", remedy=remedy)


async def _log(gate: Gate, database: Database) -> Check:
    try:
        await gate.alone(lambda _: None)  # whoever comes first to write looks at the log
    except HMLRError as error:
        return Check(name="log", ok=False, detail=str(error), remedy=_RESTORE)
    if database.unread_frames:
        detail = (
            f"a byte of the write-ahead log has changed: the last {database.unread_frames} pages are lost"
        )
        return Check(name="log", ok=False, detail=detail, remedy="Repeat what was said last, or " + _RESTORE)
    return Check(name="log", ok=True, detail="sound", remedy="")


def _integrity(connection: Connection) -> str:
    found = list(connection.execute(text("PRAGMA integrity_check")).scalars())
    return "" if found == ["ok"] else _listed(found)


def _schema(connection: Connection) -> str:
    return _listed([f"{name} is not as it was made" for name in differing(connection)])


def _values(connection: Connection) -> str:
    return _listed([f"{name} has a wrong value" for name in wrong_values(connection)])


def _references(connection: Connection) -> str:
    found = connection.execute(text("PRAGMA foreign_key_check")).all()
    return _listed([f"{row[0]} row {row[1]}" for row in found])


def _contents(connection: Connection) -> str:
    rows = connection.execute(select(messages.c.message_id, messages.c.content, messages.c.sha256))
    return _listed([row.message_id for row in rows if digest(row.content) != row.sha256])


def _quotes(connection: Connection) -> str:
    of_message = (messages.c.user_id == facts.c.user_id) & (messages.c.message_id == facts.c.message_id)
    rows = connection.execute(
        select(facts.c.fact_id, facts.c.quote, facts.c.start, facts.c.end, messages.c.content).join(
            messages, of_message
        )
    )
    return _listed([row.fact_id for row in rows if row.content[row.start : row.end] != row.quote])


def _topics(connection: Connection) -> str:
    """Blocks whose count, times or latest turn are not those of their turns."""
    ages = select_ages().subquery()
    differ = or_(
        *(blocks.c[name].is_distinct_from(func.coalesce(ages.c[name], EMPTY[name])) for name in EMPTY)
    )
    same = and_(ages.c.user_id == blocks.c.user_id, ages.c.block_id == blocks.c.block_id)
    rows = connection.execute(select(blocks.c.block_id).outerjoin(ages, same).where(differ))
    return _listed(list(rows.scalars()))


def _gaps(connection: Connection) -> str:
    """Numbers that were given to turns and are neither there nor on a tombstone."""
    there: dict[str, list[tuple[int, int]]] = {}
    for user, seq in connection.execute(select(turns.c.user_id, turns.c.seq)):
        there.setdefault(user, []).append((seq, seq))
    for user, ranges in connection.execute(select(tombstones.c.user_id, tombstones.c.turn_seqs)):
        there.setdefault(user, []).extend((first, last) for first, last in ranges)
    last_seqs = connection.execute(select(users.c.user_id, users.c.last_seq))
    missing = sum(last - _covered(there.get(user, []), last) for user, last in last_seqs)
    return f"{missing} turns are missing" if missing else ""


def _covered(ranges: list[tuple[int, int]], most: int) -> int:
    """How many of the numbers from 1 to `most` lie in a range."""
    count, end = 0, 0
    for first, last in sorted(ranges):
        begin, stop = max(first, end + 1), min(last, most)
        if stop >= begin:
            count, end = count + stop - begin + 1, stop
    return count


def _full_text(link: Link) -> str:
    link.raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('integrity-check')")
    return ""


def _index(connection: Connection) -> str:
    found = {
        "chunks are not indexed": and_(
            chunks.c.term_count > 0, chunks.c.chunk_id.not_in(select(_postings.c.doc))
        ),
        "places of terms have no chunk": _postings.c.doc.not_in(select(chunks.c.chunk_id)),
        "chunks have no message": message_of_chunk().not_in(select(messages.c.message_no)),
    }
    counts = {
        name: connection.execute(select(func.count()).where(bad)).scalar() for name, bad in found.items()
    }
    counts["chunks differ from their messages"] = chunks_that_differ(connection)
    differs = ["places of terms are not those of the chunks"] if index_differs(connection) else []
    return _listed([f"{count} {name}" for name, count in counts.items() if count] + differs)


def _vectors(connection: Connection) -> str:
    count = len(damaged_vectors(connection))
    return f"{count} vectors are damaged" if count else ""


def _parked(connection: Connection) -> str:
    failed = select(func.count(), func.max(jobs.c.error)).where(jobs.c.state == "failed")
    count, error = connection.execute(failed).one()
    return f"{count} jobs have failed for good, one with: {error}" if count else ""


def _files(path: Path) -> str:
    files = [path, *sqlite_files.sidecars(path), sqlite_files.lock_path(path)]
    return _listed([file.name for file in files if file.exists() and file.stat().st_mode & 0o077])


def _listed(found: list[str]) -> str:
    """The findings in one line, empty for none."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return " ".join((", ".join(found[:_SHOWN]) + more).split())
