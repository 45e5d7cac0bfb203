"""Care of the whole database: rebuild, statistics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from hmlr.errors import StorageError
from hmlr.records import JobKind, Stats, UserId
from hmlr.store.schema import (
    ORDINAL_BITS,
    blocks,
    chunks,
    dossier_entries,
    dossiers,
    facts,
    garden_runs,
    jobs,
    messages,
    tags,
    turn_blocks,
    turns,
    users,
    vectors,
)
from hmlr.store.slicing import Slicer
from hmlr.store.sql.check_search import damaged_vectors
from hmlr.store.sql.garden_erase import drop_garden
from hmlr.store.sql.index import ChunkValues, chunk_values, chunks_of, index_all, message_of_chunk
from hmlr.store.sql.jobs import restart_jobs
from hmlr.store.sql.rows import among, bump_facts, mine
from hmlr.store.sql.special import special
from hmlr.store.sql.spending import read_days

_PAGE = 500
_LEARNING: tuple[JobKind, ...] = ("route", "scrub", "scribe")


def rebuild(connection: Connection, slicer: Slicer) -> int:
    """See CareStore.rebuild_search; chunks that come out as they were keep their vectors.

    By pages: in a long row of short calls into SQLite a thread has Python's lock back before the event loop
    is awake to take it, which held the loop for 80 ms.
    """
    count, last = 0, 0
    while True:
        page = connection.execute(
            select(messages.c.message_no, users.c.user_no, messages.c.content, messages.c.echo)
            .join(users, users.c.user_id == messages.c.user_id)
            .where(messages.c.message_no > last)
            .order_by(messages.c.message_no)
            .limit(_PAGE)
        ).all()
        if not page:
            break
        rows = [
            row
            for message in page
            for row in chunk_values(
                message.user_no, message.message_no, slicer(message.content), echo=message.echo
            )
        ]
        _replace_chunks(connection, last + 1, page[-1].message_no, rows)
        count, last = count + len(page), page[-1].message_no
    beyond = chunks.c.chunk_id >= (last + 1) << ORDINAL_BITS  # of messages that are lost
    connection.execute(delete(chunks).where(beyond))
    # Not "delete row by row": an index that is damaged can only be thrown away. All in one transaction,
    # so the old one serves until the new one is complete.
    special(connection).clear_terms(connection)
    index_all(connection)
    _require_whole(connection, count)
    connection.execute(update(users).values(epoch=users.c.epoch + 1))
    connection.execute(delete(vectors).where(among(vectors.c.vector_no, damaged_vectors(connection))))
    _embed_missing(connection)
    return count


def _replace_chunks(connection: Connection, first: int, last: int, rows: Sequence[ChunkValues]) -> None:
    """Make the chunks of the messages with these numbers, both included, be these rows."""
    stored = connection.execute(select(chunks).where(chunks_of(first, last))).mappings()
    before = {row["chunk_id"]: dict(row) for row in stored}
    after = {row["chunk_id"]: row for row in rows}
    moved = [key for key, row in before.items() if _place(row) != _place(after.get(key))]
    if moved:
        connection.execute(delete(chunks).where(among(chunks.c.chunk_id, moved)))
    new = [row for key, row in after.items() if key in moved or key not in before]
    if new:
        connection.execute(insert(chunks), new)
    for key, row in after.items():
        if key in before and key not in moved and before[key] != row:
            connection.execute(update(chunks).where(chunks.c.chunk_id == key).values(row))


def _require_whole(connection: Connection, count: int) -> None:
    """Raise StorageError when rows were lost on the way; that rolls back, and the old index serves on."""
    there = select(func.count()).select_from(messages)
    with_terms = select(func.count()).where(chunks.c.term_count > 0)
    wanted = [connection.execute(each).scalar() for each in (there, with_terms)]
    indexed = select(func.count()).select_from(special(connection).indexed().subquery())
    made = [count, connection.execute(indexed).scalar()]
    if made != wanted:
        raise StorageError(
            f"the new index has {made[1]} of {wanted[1]} paragraphs, from {made[0]} of {wanted[0]} messages",
            hint="The old one is kept; run `doctor`",
        )


def _place(row: Any) -> object:
    """What a chunk's vector depends on."""
    return row and (row["user_no"], row["start"], row["end"])


def _embed_missing(connection: Connection) -> None:
    """Put an embed job for each turn with a chunk that has no vector."""
    has_vector = exists().where(vectors.c.chunk_id == chunks.c.chunk_id)
    rows = connection.execute(
        select(messages.c.user_id, messages.c.turn_id)
        .join_from(chunks, messages, messages.c.message_no == message_of_chunk())
        .where(~has_vector)
        .distinct()
    ).all()
    by_user: dict[str, list[Any]] = {}
    for user, turn_id in rows:
        by_user.setdefault(user, []).append(turn_id)
    for user, turn_ids in by_user.items():
        restart_jobs(connection, UserId(user), "embed", turn_ids)


def drop_knowledge(connection: Connection, user: UserId) -> None:
    """See CareStore.drop_knowledge."""
    drop_garden(connection, user)
    for table in (facts, turn_blocks, blocks):
        connection.execute(delete(table).where(table.c.user_id == user))
    connection.execute(delete(jobs).where(jobs.c.user_id == user, jobs.c.kind == "garden"))
    bump_facts(connection, user, removed=True)
    for kind in _LEARNING:
        restart_jobs(connection, user, kind)


@cache
def _counts() -> Select[Any]:
    """One row of numbers for the user that is bound; each is counted in an index of the user's own."""

    def count(table: Table, *where: Any) -> ColumnElement[int]:
        return select(func.count()).select_from(table).where(mine(table), *where).scalar_subquery()

    failed = jobs.c.state == "failed"
    # Blocks wait to be gardened until somebody asks for it: that is no work left undone.
    learning = jobs.c.kind != "garden"
    columns: list[ColumnElement[Any]] = [
        count(turns).label("turns"),
        count(messages).label("messages"),
        count(chunks).label("chunks"),
        count(vectors).label("vectors"),
        count(blocks, blocks.c.last_seq > 0).label("blocks"),
        count(jobs, learning).label("jobs"),
        count(jobs, learning, failed).label("jobs_failed"),
        count(dossiers).label("dossiers"),
        count(dossier_entries).label("dossier_facts"),
        count(tags).label("tags"),
        count(garden_runs, garden_runs.c.undone_at.is_(None)).label("garden_runs"),
        count(blocks, blocks.c.state == "PAUSED", blocks.c.last_seq > 0).label("topics_waiting"),
        count(jobs, jobs.c.kind == "garden", failed).label("topics_failed"),
    ]
    return select(*columns)


@cache
def _states() -> Select[Any]:
    return select(facts.c.state, func.count()).where(mine(facts)).group_by(facts.c.state)


DAYS = 31  # with model calls, that are told of


def stats(connection: Connection, user: UserId, database_bytes: int) -> Stats:
    """See CareStore.stats."""
    counted = connection.execute(_counts(), {"user": user}).one()
    return Stats(
        turns=counted.turns,
        messages=counted.messages,
        chunks=counted.chunks,
        vectors=counted.vectors,
        blocks=counted.blocks,
        facts={row[0]: row[1] for row in connection.execute(_states(), {"user": user})},
        jobs_waiting=counted.jobs - counted.jobs_failed,
        jobs_failed=counted.jobs_failed,
        database_bytes=database_bytes,
        dossiers=counted.dossiers,
        dossier_facts=counted.dossier_facts,
        tags=counted.tags,
        garden_runs=counted.garden_runs,
        topics_waiting=counted.topics_waiting,
        topics_failed=counted.topics_failed,
        days=tuple(read_days(connection, user, DAYS)),
    )


def users_here(connection: Connection) -> list[UserId]:
    """See CareStore.users: those with turns, in the order of their first write."""
    here = exists().where(turns.c.user_id == users.c.user_id)
    found = select(users.c.user_id).where(here).order_by(users.c.user_no)
    return [UserId(user) for user in connection.execute(found).scalars()]
