"""What search keeps in memory: the columns and vectors of chunks, and what has come to them since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    CursorResult,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    func,
    select,
    type_coerce,
)

from hmlr.errors import StorageCorrupt
from hmlr.records import ChunkId, UserId
from hmlr.store.encoded import Encoded
from hmlr.store.schema import chunks, messages, models, turns, users, vectors
from hmlr.store.search_records import (
    NUMBERS,
    UNREAD,
    ChunkColumns,
    IndexNews,
    IndexState,
    VectorBatch,
)
from hmlr.store.sql.index import numbered, of_model
from hmlr.store.sql.rows import listed, mine, owned

# Rows read at a time: a list of all of them would make the garbage collector hold up every thread.
PAGE = 1000
# Chunks, and vectors, of one part of the news: more would outlast what a statement may take.
PART = 50_000


def index_news(connection: Connection, user: UserId, model_id: str | None, known: IndexState) -> IndexNews:
    """See SearchStore.index_news."""
    state = _state(connection, user, model_id or "")
    if known not in (UNREAD, state) and known.epoch != state.epoch:
        return IndexNews(state=state)
    columns, batch = _columns([]), None
    if state.last_chunk > known.last_chunk:
        asked = {"user": user, "after": known.last_chunk, "most": PART}
        columns = _columns(connection.execute(_chunk_columns(), asked).partitions(PAGE))
        if len(columns.chunk_ids) == PART:  # a vector is of use only beside its chunk, so these come after
            last_chunk = int(columns.chunk_ids[-1])
            state = replace(state, last_chunk=last_chunk, last_vector=known.last_vector)
            return IndexNews(state=state, columns=columns, more=True)
    if model_id is not None and state.last_vector > known.last_vector:
        batch = read_vectors(connection, user, model_id, known.last_vector, most=PART)
        if len(batch.vector_nos) == PART:
            state = replace(state, last_vector=int(batch.vector_nos[-1]))
            return IndexNews(state=state, columns=columns, vectors=batch, more=True)
    return IndexNews(state=state, columns=columns, vectors=batch)


def _state(connection: Connection, user: UserId, model_id: str) -> IndexState:
    row = connection.execute(_states(), {"user": user, "model": model_id}).one_or_none()
    epoch, last_chunk, last_vector = row or (0, 0, 0)
    return IndexState(epoch=epoch, last_chunk=last_chunk or 0, last_vector=last_vector or 0)


@cache
def _states() -> Select[Any]:
    last_chunk = select(func.max(chunks.c.chunk_id)).where(mine(chunks))
    last_vector = select(func.max(vectors.c.vector_no)).where(mine(vectors), of_model())
    columns = (users.c.epoch, last_chunk.scalar_subquery(), last_vector.scalar_subquery())
    return select(*columns).where(mine(users))


def columns_of(connection: Connection, user: UserId, ids: Sequence[ChunkId]) -> ChunkColumns:
    """See SearchStore.part."""
    return _columns(connection.execute(_columns_of(), {"user": user, "ids": ids}).partitions(PAGE))


def _columns(pages: Iterable[Sequence[Row[Any]]]) -> ChunkColumns:
    numbers: list[list[NDArray[Any]]] = [[np.zeros(0, kind)] for kind in NUMBERS.values()]
    names: list[list[Any]] = [[], [], []]
    for rows in pages:
        columns = list(zip(*rows, strict=True))
        for parts, kind, values in zip(numbers, NUMBERS.values(), columns[: len(NUMBERS)], strict=True):
            parts.append(np.array(values, dtype=kind))
        for held, values in zip(names, columns[len(NUMBERS) :], strict=True):
            held.extend(values)
    joined = dict(zip(NUMBERS, (np.concatenate(parts) for parts in numbers), strict=True))
    return ChunkColumns(
        **joined,
        speakers=tuple(names[0]),
        turn_ids=tuple(names[1]),
        sessions=tuple(names[2]),
    )


@cache
def _chunk_columns() -> Select[Any]:
    newer = _cut(chunks.c.chunk_id > bindparam("after"))
    return _columns_from(newer.order_by(chunks.c.chunk_id).limit(bindparam("most")))


@cache
def _columns_of() -> Select[Any]:
    return _columns_from(_cut(listed(chunks.c.chunk_id, "ids")))


def _cut(condition: ColumnElement[bool]) -> Select[Any]:
    names = ("chunk_id", "term_count", "start", "end", "asks", "of_self")  # without the words: many are read
    return select(*(chunks.c[name] for name in names)).where(mine(chunks), condition)


def _columns_from(found: Select[Any]) -> Select[Any]:
    cut = numbered(found)
    columns = (
        cut.c.chunk_id,
        messages.c.message_no,
        cut.c.term_count,
        type_coerce(messages.c.occurred_at, Integer),
        messages.c.owner,
        cut.c.end - cut.c.start,
        cut.c.asks,
        cut.c.of_self,
        func.coalesce(messages.c.speaker, messages.c.role),
        messages.c.turn_id,
        turns.c.session_id,
    )
    return select(*columns).select_from(with_turns(cut)).order_by(cut.c.chunk_id)


def read_vectors(
    connection: Connection, user: UserId, model_id: str, after_vector: int, *, most: int
) -> VectorBatch:
    """The first vectors of that model with a number above the given one, `most` at the utmost."""
    asked = {"user": user, "model": model_id, "after": after_vector, "most": most}
    return _batch(connection.execute(_vectors(), asked), model_id)


def vectors_of(connection: Connection, user: UserId, model_id: str, ids: Sequence[ChunkId]) -> VectorBatch:
    """See SearchStore.part."""
    return _batch(connection.execute(_vectors_of(), {"user": user, "model": model_id, "ids": ids}), model_id)


def _batch(found: CursorResult[Any], model_id: str) -> VectorBatch:
    numbers: list[int] = []
    chunk_ids: list[int] = []
    parts: list[Encoded] = []
    dim = 0
    for rows in found.partitions(PAGE):
        dim = dim or rows[0].dim
        numbers += [row.vector_no for row in rows]
        chunk_ids += [row.chunk_id for row in rows]
        try:
            parts.append(Encoded.of_parts([(row.data, row.tokens, row.pieces) for row in rows], dim))
        except ValueError as error:
            raise StorageCorrupt(f"vectors of {model_id}: {error}", hint="Run `rebuild`") from error
    return VectorBatch(
        vector_nos=np.array(numbers, np.int64),
        chunk_ids=np.array(chunk_ids, np.int64),
        encoded=Encoded.joined(parts, dim),
    )


@cache
def _vectors() -> Select[Any]:
    newer = and_(mine(vectors), of_model(), vectors.c.vector_no > bindparam("after"))
    return _all_vectors().where(newer).limit(bindparam("most"))


@cache
def _vectors_of() -> Select[Any]:
    return _all_vectors().where(owned(vectors), of_model(), listed(vectors.c.chunk_id, "ids"))


def _all_vectors() -> Select[Any]:
    names = ("vector_no", "chunk_id", "dim", "data", "tokens", "pieces")
    return select(*(vectors.c[name] for name in names)).order_by(vectors.c.vector_no)


def former_model(connection: Connection, user: UserId, model_id: str) -> str | None:
    """See SearchStore.former_model."""
    found: str | None = connection.execute(_former_model(), {"user": user, "model": model_id}).scalar()
    return found


@cache
def _former_model() -> Select[Any]:
    new, wanted = vectors.alias(), models.alias()
    this = select(wanted.c.model_no).where(wanted.c.model_id == bindparam("model")).scalar_subquery()
    of_former = and_(mine(vectors), vectors.c.model_no == models.c.model_no)
    made = exists().where(new.c.chunk_id == vectors.c.chunk_id, new.c.model_no == this)
    # The latest first: the new ones are made in the order of the turns, so that the last tells at once.
    latest = select(vectors.c.vector_no).where(of_former, ~made).order_by(vectors.c.vector_no.desc()).limit(1)
    count = select(func.count()).select_from(vectors).where(of_former).scalar_subquery()
    other = and_(models.c.model_id != bindparam("model"), latest.exists())
    return select(models.c.model_id).where(other).order_by(count.desc()).limit(1)


def with_turns(cut: CTE) -> Any:
    """Chunks, numbered, beside their messages and turns."""
    of_turn = and_(turns.c.user_id == messages.c.user_id, turns.c.turn_id == messages.c.turn_id)
    return cut.join(messages, messages.c.message_no == cut.c.message_no).join(turns, of_turn)
