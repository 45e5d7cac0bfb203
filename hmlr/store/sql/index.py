"""Chunks and their place in the full-text index: the two are written and removed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Delete,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    literal,
    select,
    true,
)

from hmlr.errors import TooLarge
from hmlr.store.records import NewChunk
from hmlr.store.schema import ORDINAL_BITS, chunks, messages, models, vectors
from hmlr.store.sql.rows import into, listed
from hmlr.store.sql.special import Indexed, special
from hmlr.store.sql.words import Upsert, upsert

ChunkValues = dict[str, Any]


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


def message_of_chunk(of: FromClause = chunks) -> ColumnElement[int]:
    """The number of a chunk's message: from chunks to messages."""
    return of.c.chunk_id.bitwise_rshift(literal(ORDINAL_BITS, Integer))


def chunks_of(first: Any, last: Any) -> ColumnElement[bool]:
    """The chunks of the messages from one number to another, both included: from messages to chunks."""
    one_past = (last + 1) * (1 << ORDINAL_BITS)
    return and_(chunks.c.chunk_id >= first * (1 << ORDINAL_BITS), chunks.c.chunk_id < one_past)


def numbered(found: Select[Any]) -> CTE:
    """Chunks that a query finds, each with the `message_no` of its message, to be joined to that.

    PostgreSQL compares nothing that has still to be worked out before it knows whose row it is, and so would
    read everybody's messages for it: the numbers are worked out first.
    """
    return _first(found.add_columns(message_of_chunk().label("message_no")), "numbered")


def cut_from(said: Select[Any], *, lateral: bool) -> tuple[FromClause, FromClause]:
    """The chunks of the messages whose `message_no` a query gives: what to select from, and they themselves.

    `lateral`: each message's chunks are looked up by themselves. PostgreSQL takes a range for many rows, and
    else would read everybody's chunks beside the messages.
    """
    if not lateral:
        numbers = said.subquery("said")
        return numbers.join(chunks, chunks_of(numbers.c.message_no, numbers.c.message_no)), chunks
    number = said.selected_columns.message_no
    bounds = _first(
        said.with_only_columns(
            (number * (1 << ORDINAL_BITS)).label("first"), ((number + 1) * (1 << ORDINAL_BITS)).label("past")
        ),
        "bounds",
    )
    cut = (
        select(chunks)
        .where(chunks.c.chunk_id >= bounds.c.first, chunks.c.chunk_id < bounds.c.past)
        .order_by(chunks.c.chunk_id)
        .limit(1 << ORDINAL_BITS)
        .lateral("cut")
    )
    return bounds.join(cut, true()), cut


def _first(found: Select[Any], name: str) -> CTE:
    return found.cte(name).prefix_with("MATERIALIZED", dialect="postgresql")


def of_model() -> ColumnElement[bool]:
    """The vectors of the model in the parameter `model`; none before its first."""
    return vectors.c.model_no == _model_no().scalar_subquery()


def known_model(connection: Connection, model_id: str) -> int | None:
    """What stands for the model in the rows of vectors; None before its first."""
    known: int | None = connection.execute(_model_no(), {"model": model_id}).scalar()
    return known


def model_no(connection: Connection, model_id: str) -> int:
    """The same, given out when it is new."""
    known = known_model(connection, model_id)
    if known is None:
        number = next(special(connection).take_numbers(connection, {"models": 1})["models"])
        connection.execute(_new_model(), {"model_id": model_id, "model_no": number})
        # Asked for again: another writer may have been first.
        known = connection.execute(_model_no(), {"model": model_id}).scalar_one()
    return int(known)


@cache
def _new_model() -> Upsert:
    return upsert(models).on_conflict_do_nothing(index_elements=["model_id"])


@cache
def _model_no() -> Select[Any]:
    return select(models.c.model_no).where(models.c.model_id == bindparam("model"))


def add_chunks(connection: Connection, rows: Sequence[ChunkValues]) -> None:
    """Store chunks and index them."""
    if rows:
        connection.execute(into(chunks), rows)
        special(connection).add_terms(
            connection, [Indexed(row["chunk_id"], row["terms"], row["user_no"]) for row in rows]
        )


def remove_chunks(connection: Connection, message_nos: Sequence[int]) -> tuple[int, int]:
    """Remove the chunks of messages from the index and the table, vectors with them; how many of each."""
    lateral = special(connection).lateral
    found = connection.execute(_indexed(lateral=lateral), {"numbers": message_nos}).all()
    if not found:
        return 0, 0
    special(connection).remove_terms(connection, [Indexed(*row) for row in found])
    ids = {"ids": [row.chunk_id for row in found]}
    vector_count = connection.execute(_remove_from(vectors), ids).rowcount
    return connection.execute(_remove_from(chunks), ids).rowcount, vector_count


@cache
def _indexed(*, lateral: bool) -> Select[Any]:
    said = select(messages.c.message_no).where(listed(messages.c.message_no, "numbers"))
    joined, cut = cut_from(said, lateral=lateral)
    return select(cut.c.chunk_id, cut.c.terms, cut.c.user_no).select_from(joined)


@cache
def _remove_from(table: Table) -> Delete:
    return delete(table).where(listed(table.c.chunk_id, "ids"))


def index_all(connection: Connection) -> None:
    """Put every chunk into the empty index."""
    last = -1
    while rows := connection.execute(_next_page(), {"last": last}).all():
        special(connection).add_terms(connection, [Indexed(*row) for row in rows])
        last = rows[-1].chunk_id


@cache
def _next_page() -> Select[Any]:
    found = select(chunks.c.chunk_id, chunks.c.terms, chunks.c.user_no)
    return found.where(chunks.c.chunk_id > bindparam("last")).order_by(chunks.c.chunk_id).limit(1000)


def tokens(user_no: int, terms: Iterable[str]) -> list[str]:
    """The terms as they stand in the index: a user's own, so that the index itself separates the users."""
    return [f"{user_no}:{term}" for term in terms]
