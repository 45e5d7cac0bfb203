"""Reading a part of a large memory: some chunks and what stands around them, instead of all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, select

from hmlr.records import ChunkId, UserId
from hmlr.store.schema import chunks, messages, turns
from hmlr.store.search_records import Extent, Part
from hmlr.store.sql.index import cut_from, numbered
from hmlr.store.sql.news import columns_of, vectors_of
from hmlr.store.sql.rows import listed, mine, owned
from hmlr.store.sql.special import special


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
    around = _around(lateral=special(connection).lateral)
    near = sorted({*ids, *connection.execute(around, {"user": user, "ids": ids}).scalars()})
    batch = None if model_id is None else vectors_of(connection, user, model_id, near)
    return Part(columns=columns_of(connection, user, near), vectors=batch)


@cache
def _around(*, lateral: bool) -> Select[Any]:
    """The chunks of the turns in which the chunks stand, and of the turns before and after these."""
    source = turns.alias()
    of_message = and_(source.c.user_id == messages.c.user_id, source.c.turn_id == messages.c.turn_id)
    found = numbered(select(chunks.c.chunk_id).where(owned(chunks), listed(chunks.c.chunk_id, "ids")))
    seqs = (
        select(source.c.seq, source.c.session_id)
        .select_from(
            found.join(messages, messages.c.message_no == found.c.message_no).join(source, of_message)
        )
        .distinct()
        .cte("asked")
    )
    beside = and_(
        turns.c.seq.between(seqs.c.seq - 1, seqs.c.seq + 1), turns.c.session_id == seqs.c.session_id
    )
    said = messages.alias()
    of_turn = and_(said.c.user_id == turns.c.user_id, said.c.turn_id == turns.c.turn_id)
    near = select(said.c.message_no).select_from(turns.join(seqs, beside).join(said, of_turn))
    joined, cut = cut_from(near.where(mine(turns)), lateral=lateral)
    return select(cut.c.chunk_id).select_from(joined).distinct()
