"""Chunks and their place in the full-text index: the two are written and removed together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, delete, select, text

from hmlr.errors import TooLarge
from hmlr.records import UserId
from hmlr.store.records import NewChunk
from hmlr.store.schema import ORDINAL_BITS, chunks, users
from hmlr.store.sqlite_rows import into
from hmlr.threads import breathe

_ADD = text("INSERT INTO chunk_terms(rowid, t) VALUES (:rowid, :t)")
# A contentless table forgets a row only when told the very words that it was given.
_REMOVE = text("INSERT INTO chunk_terms(chunk_terms, rowid, t) VALUES ('delete', :rowid, :t)")

ChunkValues = dict[str, object]


def chunk_values(
    user: UserId, message_no: int, pieces: Sequence[NewChunk], *, echo: bool
) -> list[ChunkValues]:
    """The rows of a message's chunks. TooLarge when a message has more than a million."""
    if pieces and max(piece.ordinal for piece in pieces) >> ORDINAL_BITS:
        raise TooLarge(f"a message is cut into more than {1 << ORDINAL_BITS} chunks", hint="Split it")
    rows = []
    for piece in pieces:
        searchable = piece.kind == "paragraph" and not echo
        rows.append(
            {
                "chunk_id": message_no << ORDINAL_BITS | piece.ordinal,
                "user_id": user,
                "message_no": message_no,
                "kind": piece.kind,
                "start": piece.start,
                "end": piece.end,
                "parent": piece.parent,
                "term_count": len(piece.terms) if searchable else 0,
                "searchable": searchable,
                "terms": " ".join(piece.terms) if searchable else "",
                "asks": piece.asks and searchable,
                "of_self": piece.of_self and searchable,
            }
        )
    return rows


def add_chunks(connection: Connection, user_no: int, rows: Sequence[ChunkValues]) -> None:
    """Store chunks and index the searchable ones."""
    if not rows:
        return
    connection.execute(into(chunks), rows)
    entries = [_entry(row["chunk_id"], str(row["terms"]), user_no) for row in rows if row["searchable"]]
    if entries:
        connection.execute(_ADD, entries)


def remove_chunks(connection: Connection, where: ColumnElement[bool]) -> int:
    """Remove chunks from the index and the table, vectors with them; the number of chunks."""
    indexed = (
        select(chunks.c.chunk_id, chunks.c.terms, users.c.user_no)
        .join(users, users.c.user_id == chunks.c.user_id)
        .where(where, chunks.c.searchable)
    )
    entries = [_entry(row.chunk_id, row.terms, row.user_no) for row in connection.execute(indexed)]
    if entries:
        connection.execute(_REMOVE, entries)
    return connection.execute(delete(chunks).where(where)).rowcount


def index_all(connection: Connection) -> None:
    """Put every searchable chunk into the empty index."""
    indexed = (
        select(chunks.c.chunk_id, chunks.c.terms, users.c.user_no)
        .join(users, users.c.user_id == chunks.c.user_id)
        .where(chunks.c.searchable)
        .order_by(chunks.c.chunk_id)
    )
    for batch in connection.execute(indexed).partitions(1000):
        connection.execute(_ADD, [_entry(row.chunk_id, row.terms, row.user_no) for row in batch])
        breathe()


def tokens(user_no: int, terms: Iterable[str]) -> list[str]:
    """The terms as they stand in the index: a user's own."""
    return [f"{user_no}:{term}" for term in terms]


def _entry(chunk_id: object, terms: str, user_no: int) -> dict[str, object]:
    return {"rowid": chunk_id, "t": " ".join(tokens(user_no, terms.split(" "))) if terms else ""}
