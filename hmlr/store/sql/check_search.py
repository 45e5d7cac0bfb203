"""Whether search data is what it was when it was made: checks that look at every row of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, select

from hmlr.store.encoded import is_damaged
from hmlr.store.schema import chunks, messages, vectors
from hmlr.store.sql.index import message_of_chunk
from hmlr.store.sql.rows import in_pages


def chunks_that_differ(connection: Connection) -> int:
    """How many don't begin where the one before ended, or at last don't end where their message does."""
    count, number, text, end = 0, -1, "", 0
    for row in in_pages(connection, _slices()):
        if row.message_no != number:
            count += end != len(text)
            number, text, end = row.message_no, row.content, 0
        count += row.start != end or row.term_count != len(row.terms.split())
        end = row.end
    return count + (end != len(text))


def _slices() -> Select[Any]:
    columns = (chunks.c.start, chunks.c.end, chunks.c.term_count, chunks.c.terms)
    of_message = messages.c.message_no == message_of_chunk()
    found = select(messages.c.message_no, messages.c.content, *columns).join_from(
        chunks, messages, of_message
    )
    return found.order_by(chunks.c.chunk_id)


def damaged_vectors(connection: Connection) -> list[int]:
    """The numbers of the vectors whose bytes are not those that were stored."""
    found = select(vectors.c.vector_no, vectors.c.dim, vectors.c.data, vectors.c.tokens, vectors.c.pieces)
    return [
        row.vector_no
        for row in in_pages(connection, found)
        if len(row.data) != -(-row.dim // 2) or is_damaged((row.data, row.tokens, row.pieces))
    ]
