"""What search reads: columns, vectors, postings and the chunks themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Integer, Select, Text, and_, func, select, text, type_coerce

from hmlr.errors import StorageCorrupt
from hmlr.records import ChunkId, Role, StoredMessage, TurnId, UserId
from hmlr.store.columns import to_json
from hmlr.store.records import ChunkColumns, ChunkFilter, ChunkRow, IndexState, Postings, VectorBatch
from hmlr.store.schema import chunks, messages, turn_blocks, turns, users, vectors
from hmlr.store.sqlite_index import tokens
from hmlr.store.sqlite_rows import among, owned, select_messages, stored_message, user_no

# Each place of a term is a row; thousands of them come fastest as one text of numbers.
_POSTINGS = text("SELECT group_concat(doc) FROM chunk_postings WHERE term = :term")
_SHOWN = (chunks.c.chunk_id, chunks.c.message_no, chunks.c.kind, chunks.c.start, chunks.c.end)
# Rows read at a time: a list of all of them would make the garbage collector hold up every thread.
_PAGE = 1000
_NUMBERS = (np.int64, np.int64, np.int32, np.int64, np.bool_)  # of the columns that search computes with
_ROLES: tuple[str, ...] = get_args(Role)


def index_state(connection: Connection, user: UserId, model_id: str) -> IndexState:
    """See SearchStore.index_state."""
    epoch = connection.execute(select(users.c.epoch).where(users.c.user_id == user)).scalar()
    last_chunk = select(func.max(chunks.c.chunk_id)).where(chunks.c.user_id == user, chunks.c.searchable)
    last_vector = select(func.max(vectors.c.vector_no)).where(
        vectors.c.user_id == user, vectors.c.model_id == model_id
    )
    return IndexState(
        epoch=epoch or 0,
        last_chunk=connection.execute(last_chunk).scalar() or 0,
        last_vector=connection.execute(last_vector).scalar() or 0,
    )


def chunk_columns(connection: Connection, user: UserId, after_chunk: int) -> ChunkColumns:
    """See SearchStore.chunk_columns."""
    found = connection.execute(
        select(
            chunks.c.chunk_id,
            chunks.c.message_no,
            chunks.c.term_count,
            type_coerce(messages.c.occurred_at, Integer),
            messages.c.owner,
            func.coalesce(messages.c.speaker, messages.c.role),
            messages.c.turn_id,
            turns.c.session_id,
        )
        .select_from(_with_turns())
        .where(chunks.c.user_id == user, chunks.c.searchable, chunks.c.chunk_id > after_chunk)
        .order_by(chunks.c.chunk_id)
    )
    numbers: list[list[NDArray[Any]]] = [[np.zeros(0, kind)] for kind in _NUMBERS]
    names: list[list[Any]] = [[], [], []]
    for rows in found.partitions(_PAGE):
        columns = list(zip(*rows, strict=True))
        for parts, kind, values in zip(numbers, _NUMBERS, columns[:5], strict=True):
            parts.append(np.array(values, dtype=kind))
        for held, values in zip(names, columns[5:], strict=True):
            held.extend(values)
    ids, message_nos, counts, occurred, owners = (np.concatenate(parts) for parts in numbers)
    return ChunkColumns(
        chunk_ids=ids,
        message_nos=message_nos,
        term_counts=counts,
        occurred_us=occurred,
        owners=owners,
        speakers=tuple(names[0]),
        turn_ids=tuple(names[1]),
        sessions=tuple(names[2]),
    )


def read_vectors(connection: Connection, user: UserId, model_id: str, after_vector: int) -> VectorBatch:
    """See SearchStore.vectors."""
    found = connection.execute(
        select(vectors.c.vector_no, vectors.c.chunk_id, vectors.c.dim, vectors.c.data)
        .where(vectors.c.user_id == user, vectors.c.model_id == model_id, vectors.c.vector_no > after_vector)
        .order_by(vectors.c.vector_no)
    )
    numbers, chunk_ids = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    pages: list[NDArray[np.float32]] = []
    dim = 0
    for rows in found.partitions(_PAGE):
        page_numbers, page_ids, dims, blobs = zip(*rows, strict=True)
        dim = dim or dims[0]
        if any(len(blob) != 2 * dim for blob in blobs):
            raise StorageCorrupt(f"vectors of {model_id} differ in length", hint="Run `rebuild`")
        data = np.frombuffer(b"".join(blobs), dtype="<f2").astype(np.float32).reshape(len(rows), dim)
        norms = np.linalg.norm(data, axis=1, keepdims=True)  # float16 leaves them a little off one
        pages.append(np.divide(data, norms, out=data, where=norms > 0))
        numbers.append(np.array(page_numbers, dtype=np.int64))
        chunk_ids.append(np.array(page_ids, dtype=np.int64))
    return VectorBatch(
        vector_nos=np.concatenate(numbers),
        chunk_ids=np.concatenate(chunk_ids),
        rows=np.concatenate(pages) if pages else np.zeros((0, 0), np.float32),
    )


def postings(connection: Connection, user: UserId, terms: Sequence[str]) -> dict[str, Postings]:
    """See SearchStore.postings."""
    number = user_no(connection, user)
    if number is None:
        return {}
    found: dict[str, Postings] = {}
    for term, token in zip(terms, tokens(number, terms), strict=True):
        places = connection.execute(_POSTINGS, {"term": token}).scalar()
        if places:
            ids, counts = np.unique(np.fromstring(places, dtype=np.int64, sep=","), return_counts=True)
            found[term] = Postings(chunk_ids=ids, counts=counts.astype(np.int32))
    return found


def chunk_ids(connection: Connection, user: UserId, where: ChunkFilter) -> list[ChunkId]:
    """See SearchStore.chunk_ids."""
    wanted = _filtered(user, where).order_by(chunks.c.chunk_id)
    if not where.metadata:
        return list(connection.execute(wanted.with_only_columns(chunks.c.chunk_id)).scalars())
    # Compared in Python: exact about types, and no caller's key ever becomes a JSON path.
    raw = type_coerce(messages.c.metadata, Text)
    passes: dict[str, bool] = {}
    passed: list[ChunkId] = []
    for rows in connection.execute(wanted.with_only_columns(chunks.c.chunk_id, raw)).partitions(_PAGE):
        for chunk_id, kept in rows:
            if kept not in passes:
                passes[kept] = _matches(json.loads(kept), where.metadata)
            if passes[kept]:
                passed.append(chunk_id)
    return passed


def read_chunks(connection: Connection, user: UserId, ids: Sequence[ChunkId]) -> list[ChunkRow]:
    """See SearchStore.chunks."""
    rows = connection.execute(
        select(*_SHOWN).where(owned(chunks.c.user_id, user), among(chunks.c.chunk_id, ids))
    ).all()
    by_id = {row.chunk_id: row for row in _chunk_rows(connection, user, rows)}
    return [by_id[chunk_id] for chunk_id in ids if chunk_id in by_id]


def turn_chunks(connection: Connection, user: UserId, turn_ids: Sequence[TurnId]) -> list[ChunkRow]:
    """See SearchStore.turn_chunks."""
    rows = connection.execute(
        select(*_SHOWN)
        .join(messages, messages.c.message_no == chunks.c.message_no)
        .where(messages.c.user_id == user, among(messages.c.turn_id, turn_ids), chunks.c.searchable)
        .order_by(chunks.c.chunk_id)
    ).all()
    return _chunk_rows(connection, user, rows)


def _chunk_rows(connection: Connection, user: UserId, rows: Sequence[Any]) -> list[ChunkRow]:
    """The records of chunk rows; the text of each is cut out of its message."""
    wanted = among(messages.c.message_no, sorted({row.message_no for row in rows}))
    of_turn = and_(turn_blocks.c.user_id == messages.c.user_id, turn_blocks.c.turn_id == messages.c.turn_id)
    found = select_messages(owned(messages.c.user_id, user))
    found = found.add_columns(turn_blocks.c.block_id).outerjoin(turn_blocks, of_turn)
    sources: dict[int, tuple[StoredMessage, int, Any]] = {
        row["message_no"]: (stored_message(row), row["seq"], row["block_id"])
        for row in connection.execute(found.where(wanted)).mappings()
    }
    records = []
    for row in rows:
        message, seq, block_id = sources[row.message_no]
        records.append(
            ChunkRow(
                chunk_id=row.chunk_id,
                kind=row.kind,
                start=row.start,
                end=row.end,
                text=message.content[row.start : row.end],
                message=message,
                seq=seq,
                block_id=block_id,
            )
        )
    return records


def _filtered(user: UserId, where: ChunkFilter) -> Select[Any]:
    found = select(chunks.c.chunk_id).select_from(_with_turns())
    found = found.where(chunks.c.user_id == user, chunks.c.searchable)
    if where.block_id is not None:
        of_turn = and_(turn_blocks.c.user_id == turns.c.user_id, turn_blocks.c.turn_id == turns.c.turn_id)
        found = found.join(turn_blocks, of_turn).where(turn_blocks.c.block_id == where.block_id)
    if where.session_id is not None:
        found = found.where(turns.c.session_id == where.session_id)
    if where.speaker is not None:
        name = where.speaker.casefold()
        unnamed = and_(messages.c.speaker.is_(None), messages.c.role == name)
        found = found.where(unnamed if name in _ROLES else messages.c.speaker_key == name)
    if where.since is not None:
        found = found.where(messages.c.occurred_at >= where.since)
    if where.until is not None:
        found = found.where(messages.c.occurred_at < where.until)
    if where.known_until is not None:
        found = found.where(messages.c.recorded_at <= where.known_until)
    return found


def _with_turns() -> Any:
    of_turn = and_(turns.c.user_id == messages.c.user_id, turns.c.turn_id == messages.c.turn_id)
    return chunks.join(messages, messages.c.message_no == chunks.c.message_no).join(turns, of_turn)


def _matches(stored: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    # By their JSON, because in Python 1 == True and 1 == 1.0.
    return all(key in stored and to_json(stored[key]) == to_json(value) for key, value in wanted.items())
