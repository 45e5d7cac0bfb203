"""What search asks for by name: where terms stand, and chunks with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, FromClause, Select, and_, select

from hmlr.records import ChunkId, StoredMessage, TurnId, UserId
from hmlr.store.schema import chunks, messages, turn_blocks, turns
from hmlr.store.search_records import ChunkRow, Postings
from hmlr.store.sql.index import cut_from, message_of_chunk
from hmlr.store.sql.rows import listed, mine, owned, select_messages, stored_message, user_no
from hmlr.store.sql.special import special


def postings(connection: Connection, user: UserId, terms: Sequence[str]) -> dict[str, Postings]:
    """See SearchStore.postings."""
    number = user_no(connection, user)
    if number is None:
        return {}
    return special(connection).postings(connection, number, terms)


def read_chunks(connection: Connection, user: UserId, ids: Sequence[ChunkId]) -> list[ChunkRow]:
    """See SearchStore.chunks."""
    rows = connection.execute(_shown(), {"user": user, "ids": ids}).all()
    by_id = {row.chunk_id: row for row in _chunk_rows(connection, user, rows)}
    return [by_id[chunk_id] for chunk_id in ids if chunk_id in by_id]


@cache
def _shown() -> Select[Any]:
    return _shown_from(chunks).where(owned(chunks), listed(chunks.c.chunk_id, "ids"))


def _shown_from(cut: FromClause) -> Select[Any]:
    return select(cut.c.chunk_id, message_of_chunk(cut).label("message_no"), cut.c.start, cut.c.end)


def turn_chunks(connection: Connection, user: UserId, turn_ids: Sequence[TurnId]) -> list[ChunkRow]:
    """See SearchStore.turn_chunks."""
    shown = _shown_of_turns(lateral=special(connection).lateral)
    rows = connection.execute(shown, {"user": user, "turns": turn_ids}).all()
    return _chunk_rows(connection, user, rows)


@cache
def _shown_of_turns(*, lateral: bool) -> Select[Any]:
    said = select(messages.c.message_no).where(mine(messages), listed(messages.c.turn_id, "turns"))
    joined, cut = cut_from(said, lateral=lateral)
    return _shown_from(cut).select_from(joined).order_by(cut.c.chunk_id)


def _chunk_rows(connection: Connection, user: UserId, rows: Sequence[Any]) -> list[ChunkRow]:
    """The records of chunk rows; the text of each is cut out of its message."""
    wanted = {"user": user, "numbers": sorted({row.message_no for row in rows})}
    sources: dict[int, tuple[StoredMessage, int, Any]] = {
        row.message_no: (stored_message(row), row.seq, row.block_id)
        for row in (connection.execute(_sources(), wanted) if rows else ())
    }
    records = []
    for row in rows:
        message, seq, block_id = sources[row.message_no]
        records.append(
            ChunkRow(
                chunk_id=row.chunk_id,
                start=row.start,
                end=row.end,
                text=message.content[row.start : row.end],
                message=message,
                seq=seq,
                block_id=block_id,
            )
        )
    return records


@cache
def _sources() -> Select[Any]:
    of_turn = and_(turn_blocks.c.user_id == messages.c.user_id, turn_blocks.c.turn_id == messages.c.turn_id)
    found = select_messages(owned(messages), listed(messages.c.message_no, "numbers"))
    found = found.add_columns(messages.c.message_no, turns.c.seq, turn_blocks.c.block_id)
    return found.outerjoin(turn_blocks, of_turn)
