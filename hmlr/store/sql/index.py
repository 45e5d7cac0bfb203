"""Chunks and their place in the full-text index: the two are written and removed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    select,
    text,
)

from hmlr.errors import TooLarge
from hmlr.store.records import NewChunk
from hmlr.store.schema import ORDINAL_BITS, chunks, messages, models, vectors
from hmlr.store.sql.rows import into, listed

_ADD = text("INSERT INTO chunk_terms(rowid, t) VALUES (:rowid, :t)")
# A contentless table forgets a row only when told the very words that it was given.
_REMOVE = text("INSERT INTO chunk_terms(chunk_terms, rowid, t) VALUES ('delete', :rowid, :t)")

ChunkValues = dict[str, object]


def chunk_values(
    user_no: int, message_no: int, pieces: Sequence[NewChunk], *, echo: bool
) -> list[ChunkValues]:
    """The rows of a message's chunks, none for an echo. TooLarge when a message has more than a million."""
    if pieces and max(piece.ordinal for piece in pieces) >> ORDINAL_BITS:
        raise TooLarge(f"a message is cut into more than {1 << ORDINAL_BITS} chunks", hint="Split it")
    return [
        {
            "chunk_id": message_no << ORDINAL_BITS | piece.ordinal,
            "user_no": user_no,
            "start": piece.start,
            "end": piece.end,
            "term_count": len(piece.terms),
            "terms": " ".join(piece.terms),
            "asks": piece.asks,
            "of_self": piece.of_self,
        }
        for piece in (() if echo else pieces)
    ]


def message_of_chunk() -> ColumnElement[int]:
    """The number of a chunk's message: from chunks to messages."""
    return chunks.c.chunk_id.bitwise_rshift(ORDINAL_BITS)


def chunks_of(first: Any, last: Any) -> ColumnElement[bool]:
    """The chunks of the messages from one number to another, both included: from messages to chunks."""
    one_past = (last + 1) * (1 << ORDINAL_BITS)
    return and_(chunks.c.chunk_id >= first * (1 << ORDINAL_BITS), chunks.c.chunk_id < one_past)


def of_model() -> ColumnElement[bool]:
    """The vectors of the model in the parameter `model`; none before its first."""
    return vectors.c.model_no == _model_no().scalar_subquery()


def model_no(connection: Connection, model_id: str) -> int:
    """What stands for the model in the rows of vectors; given out when it is new."""
    known = connection.execute(_model_no(), {"model": model_id}).scalar()
    if known is None:
        known = (connection.execute(select(func.max(models.c.model_no))).scalar() or 0) + 1
        connection.execute(into(models), {"model_id": model_id, "model_no": known})
    return int(known)


@cache
def _model_no() -> Select[Any]:
    return select(models.c.model_no).where(models.c.model_id == bindparam("model"))


def add_chunks(connection: Connection, rows: Sequence[ChunkValues]) -> None:
    """Store chunks and index them."""
    if rows:
        connection.execute(into(chunks), rows)
        connection.execute(_ADD, [_entry(row["chunk_id"], str(row["terms"]), row["user_no"]) for row in rows])


def remove_chunks(connection: Connection, message_nos: Sequence[int]) -> tuple[int, int]:
    """Remove the chunks of messages from the index and the table, vectors with them; how many of each."""
    found = connection.execute(_indexed(), {"numbers": message_nos}).all()
    if not found:
        return 0, 0
    connection.execute(_REMOVE, [_entry(*row) for row in found])
    ids = {"ids": [row.chunk_id for row in found]}
    vector_count = connection.execute(_remove_from(vectors), ids).rowcount
    return connection.execute(_remove_from(chunks), ids).rowcount, vector_count


@cache
def _indexed() -> Select[Any]:
    of_message = chunks_of(messages.c.message_no, messages.c.message_no)
    found = select(chunks.c.chunk_id, chunks.c.terms, chunks.c.user_no)
    return found.join_from(messages, chunks, of_message).where(listed(messages.c.message_no, "numbers"))


@cache
def _remove_from(table: Table) -> Delete:
    return delete(table).where(listed(table.c.chunk_id, "ids"))


def index_all(connection: Connection) -> None:
    """Put every chunk into the empty index."""
    found = select(chunks.c.chunk_id, chunks.c.terms, chunks.c.user_no).order_by(chunks.c.chunk_id)
    for batch in connection.execute(found).partitions(1000):
        connection.execute(_ADD, [_entry(*row) for row in batch])


def tokens(user_no: int, terms: Iterable[str]) -> list[str]:
    """The terms as they stand in the index: a user's own."""
    return [f"{user_no}:{term}" for term in terms]


def _entry(chunk_id: object, terms: str, user_no: Any) -> dict[str, object]:
    return {"rowid": chunk_id, "t": " ".join(tokens(user_no, terms.split(" "))) if terms else ""}
