"""Reading a part of a large memory: some chunks and what stands around them, instead of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from hmlr.records import ChunkId, UserId
from hmlr.store.schema import chunks, messages, turns
from hmlr.store.search_records import Extent, Part
from hmlr.store.sql.index import chunks_of, message_of_chunk
from hmlr.store.sql.rows import listed, mine, owned
from hmlr.store.sql.search import columns_of, vectors_of


def extent(connection: Connection, user: UserId) -> Extent:
    """See SearchStore.extent."""
    count, terms = connection.execute(_extent(), {"user": user}).one()
    return Extent(chunks=int(count), terms=int(terms or 0))


@cache
def _extent() -> Select[Any, Any]:
    return select(func.count(), func.sum(chunks.c.term_count)).where(mine(chunks))


def latest_chunks(connection: Connection, user: UserId, most: int) -> list[ChunkId]:
    """See SearchStore.latest_chunks."""
    found = connection.execute(_latest(), {"user": user, "most": most}).scalars()
    return sorted(ChunkId(each) for each in found)


@cache
def _latest() -> Select[Any]:
    latest = select(chunks.c.chunk_id).where(mine(chunks)).order_by(chunks.c.chunk_id.desc())
    return latest.limit(bindparam("most"))


def read_part(connection: Connection, user: UserId, model_id: str | None, ids: Sequence[ChunkId]) -> Part:
    """See SearchStore.part."""
    near = sorted({*ids, *connection.execute(_around(), {"user": user, "ids": ids}).scalars()})
    batch = None if model_id is None else vectors_of(connection, user, model_id, near)
    return Part(columns=columns_of(connection, user, near), vectors=batch)


@cache
def _around() -> Select[Any]:
    """The chunks of the turns in which the chunks stand, and of the turns before and after these."""
    source = turns.alias()
    of_message = and_(source.c.user_id == messages.c.user_id, source.c.turn_id == messages.c.turn_id)
    seqs = (
        select(source.c.seq, source.c.session_id)
        .select_from(
            chunks.join(messages, messages.c.message_no == message_of_chunk()).join(source, of_message)
        )
        .where(owned(chunks), listed(chunks.c.chunk_id, "ids"))
        .distinct()
        .cte("asked")
    )
    beside = and_(
        turns.c.seq.between(seqs.c.seq - 1, seqs.c.seq + 1), turns.c.session_id == seqs.c.session_id
    )
    said, cut = messages.alias(), chunks.alias()
    of_turn = and_(said.c.user_id == turns.c.user_id, said.c.turn_id == turns.c.turn_id)
    return (
        select(cut.c.chunk_id)
        .select_from(
            turns.join(seqs, beside)
            .join(said, of_turn)
            .join(cut, chunks_of(said.c.message_no, said.c.message_no, cut))
        )
        .where(mine(turns))
        .distinct()
    )
