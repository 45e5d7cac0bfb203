"""Whether a database is sound: each line says what was looked at, what was found and what to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, func, or_, select

from hmlr.errors import HMLRError
from hmlr.records import Check
from hmlr.store.schema import blocks, chunks, facts, jobs, messages, moves, tombstones, turns, users
from hmlr.store.sql.blocks import EMPTY, select_ages
from hmlr.store.sql.check_search import chunks_that_differ, damaged_vectors
from hmlr.store.sql.check_values import wrong_values
from hmlr.store.sql.gate import Calls
from hmlr.store.sql.index import message_of_chunk
from hmlr.store.sql.rows import digest, in_pages
from hmlr.store.sql.special import special

REBUILD = "Run `rebuild`: the index is made anew from the messages"
RESTORE = "Restore a backup, or export what can be read and import it into a new database"
_SHOWN = 5  # findings named in a detail


class Line(NamedTuple):
    """One thing to look at; `look` gives what is wrong, nothing for a sound one."""

    name: str
    remedy: str
    look: Callable[[], Awaitable[str]]


async def looked_at(lines: Sequence[Line]) -> list[Check]:
    """Look, one after the other; a check that can't be made is one that failed."""
    checks = []
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


def content_lines(calls: Calls) -> list[Line]:
    """Whether what was said, and what stands on it, is as it was written."""
    return [
        Line("values", RESTORE, lambda: calls.read(None, _values)),
        Line("messages", RESTORE, lambda: calls.read(None, _contents)),
        Line(
            "quotes",
            "Run `rebuild --knowledge`: facts are taken from the messages again",
            lambda: calls.read(None, _quotes),
        ),
        Line(
            "topics", "Run `rebuild`: topics are made from the turns again", lambda: calls.read(None, _topics)
        ),
        Line(
            "turns",
            "A part of the database is missing: restore a newer backup",
            lambda: calls.read(None, _gaps),
        ),
    ]


def derived_lines(calls: Calls) -> list[Line]:
    """Whether what is made from the messages is complete."""
    return [
        Line("index", REBUILD, lambda: calls.read(None, _index)),
        Line("vectors", "Run `rebuild`: the damaged ones are made anew", lambda: calls.read(None, _vectors)),
        Line("jobs", "Run `retry`", lambda: calls.read(None, _parked)),
        Line("move", "Run the same `move` again", lambda: calls.read(None, _moving)),
    ]


def _moving(connection: Connection) -> str:
    """Whether users are on their way here: some are there, the others not yet."""
    count = connection.execute(select(func.count()).select_from(moves)).scalar_one()  # a user may read this
    return f"a move of {count} users into this database was not finished" if count else ""


def _contents(connection: Connection) -> str:
    rows = in_pages(connection, select(messages.c.message_id, messages.c.content, messages.c.sha256))
    return listing([row.message_id for row in rows if digest(row.content) != row.sha256])


def _quotes(connection: Connection) -> str:
    of_message = (messages.c.user_id == facts.c.user_id) & (messages.c.message_id == facts.c.message_id)
    found = select(facts.c.fact_id, facts.c.quote, facts.c.start, facts.c.end, messages.c.content)
    rows = in_pages(connection, found.join(messages, of_message))
    return listing([row.fact_id for row in rows if row.content[row.start : row.end] != row.quote])


def _topics(connection: Connection) -> str:
    """Blocks whose count, times or latest turn are not those of their turns."""
    ages = select_ages().subquery()
    differ = or_(
        *(blocks.c[name].is_distinct_from(func.coalesce(ages.c[name], EMPTY[name])) for name in EMPTY)
    )
    same = and_(ages.c.user_id == blocks.c.user_id, ages.c.block_id == blocks.c.block_id)
    rows = connection.execute(select(blocks.c.block_id).outerjoin(ages, same).where(differ))
    return listing(list(rows.scalars()))


def _gaps(connection: Connection) -> str:
    """Numbers that were given to turns and are neither there nor on a tombstone; turns beyond the last."""
    there: dict[str, list[tuple[int, int]]] = {}
    for user, seq in in_pages(connection, select(turns.c.user_id, turns.c.seq)):
        there.setdefault(user, []).append((seq, seq))
    for user, ranges in connection.execute(select(tombstones.c.user_id, tombstones.c.turn_seqs)):
        there.setdefault(user, []).extend((first, last) for first, last in ranges)
    last_seqs = connection.execute(select(users.c.user_id, users.c.last_seq)).all()
    missing = sum(last - _covered(there.get(user, []), last) for user, last in last_seqs)
    beyond = sum(max((seq for _, seq in there.get(user, [])), default=0) > last for user, last in last_seqs)
    counts = {"turns are missing": missing, "users have turns beyond their last": beyond}
    return listing([f"{count} {name}" for name, count in counts.items() if count])


def _covered(ranges: list[tuple[int, int]], most: int) -> int:
    """How many of the numbers from 1 to `most` lie in a range."""
    count, end = 0, 0
    for first, last in sorted(ranges):
        begin, stop = max(first, end + 1), min(last, most)
        if stop >= begin:
            count, end = count + stop - begin + 1, stop
    return count


def _index(connection: Connection) -> str:
    # Not NOT IN: PostgreSQL walks through all that is in, once for each row, when it is more than a little.
    indexed, cut = special(connection).indexed(), select(chunks.c.chunk_id)
    lost = ~exists().where(messages.c.message_no == message_of_chunk()).correlate(chunks)
    found = {
        "chunks are not indexed": cut.where(chunks.c.term_count > 0).except_(indexed),
        "chunks have no message": cut.where(lost),
        "chunks in the index are not there": indexed.except_(cut),
    }
    counts = {
        name: connection.execute(select(func.count()).select_from(wrong.subquery())).scalar()
        for name, wrong in found.items()
    }
    counts["chunks differ from their messages"] = chunks_that_differ(connection)
    return listing([f"{count} {name}" for name, count in counts.items() if count])


def _vectors(connection: Connection) -> str:
    count = len(damaged_vectors(connection))
    return f"{count} vectors are damaged" if count else ""


def _values(connection: Connection) -> str:
    return listing([f"{name} has a wrong value" for name in wrong_values(connection)])


def _parked(connection: Connection) -> str:
    failed = select(func.count(), func.max(jobs.c.error)).where(jobs.c.state == "failed")
    count, error = connection.execute(failed).one()
    return f"{count} jobs have failed for good, one with: {error}" if count else ""


def listing(found: list[str]) -> str:
    """The findings in one line, empty for none."""
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return " ".join((", ".join(found[:_SHOWN]) + more).split())
