"""Full text on SQLite: an FTS5 table of its own, and how numbers for new rows are found.

Contentless, because the text is in messages and the terms are ours. A token is "<user_no>:<term>", so that
the index itself separates the users and counts for each of them. It keeps no lengths of rows:
`chunks.term_count` has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from sqlalchemy import Column, Connection, Select, TextClause, bindparam, column, func, select, table, text

from hmlr.store import schema
from hmlr.store.search_records import Postings
from hmlr.store.sql.index import tokens
from hmlr.store.sql.rows import in_pages
from hmlr.store.sql.special import Indexed

_CREATE = (
    "CREATE VIRTUAL TABLE chunk_terms USING fts5("
    "t, content='', columnsize=0, tokenize=\"ascii tokenchars '_-.:'\")",
    "CREATE VIRTUAL TABLE chunk_postings USING fts5vocab('chunk_terms', 'instance')",
)
_DROP = ("DROP TABLE IF EXISTS chunk_postings", "DROP TABLE IF EXISTS chunk_terms")
_ADD = text("INSERT INTO chunk_terms(rowid, t) VALUES (:rowid, :t)")
# A contentless table forgets a row only when told the very words that it was given.
_REMOVE = text("INSERT INTO chunk_terms(chunk_terms, rowid, t) VALUES ('delete', :rowid, :t)")
_PLACES = table("chunk_postings", column("term"), column("doc"), column("offset"))  # of terms
# Tables whose numbers SQLite does not keep; the others' it never gives out twice.
_COUNTED: Mapping[str, Column[Any]] = {"users": schema.users.c.user_no, "models": schema.models.c.model_no}


def create(connection: Connection) -> None:
    """Create everything in an empty file."""
    schema.create_all(connection)
    _run(connection, _CREATE)


class FullText:
    """SQLite's `Special`."""

    lateral = False

    def take_numbers(self, connection: Connection, counts: Mapping[str, int]) -> dict[str, Iterator[int]]:
        """See Special; only one connection writes at a time, so they are free until it commits."""
        last = dict.fromkeys(counts, 0)
        if not counts.keys() <= _COUNTED.keys():
            last |= {name: int(number) for name, number in connection.execute(_last_numbers())}
        for name in counts.keys() & _COUNTED.keys():
            last[name] = connection.execute(select(func.max(_COUNTED[name]))).scalar() or 0
        return {name: count(last[name] + 1) for name in counts}

    def add_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """See Special."""
        connection.execute(_ADD, [_entry(row) for row in rows])

    def remove_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """See Special."""
        connection.execute(_REMOVE, [_entry(row) for row in rows])

    def drop_own(self, connection: Connection) -> None:
        """See Special; nothing is kept apart."""

    def clear_terms(self, connection: Connection) -> None:
        """See Special."""
        _run(connection, (*_DROP, *_CREATE))

    def indexed(self) -> Select[tuple[int]]:
        """See Special."""
        return select(_PLACES.c.doc.label("chunk_id")).distinct()

    def postings(self, connection: Connection, user_no: int, terms: Sequence[str]) -> dict[str, Postings]:
        """See Special."""
        found: dict[str, Postings] = {}
        for term, token in zip(terms, tokens(user_no, terms), strict=True):
            places = connection.execute(_postings(), {"term": token}).scalar()
            if places:
                ids, counts = np.unique(np.fromstring(places, dtype=np.int64, sep=","), return_counts=True)
                found[term] = Postings(chunk_ids=ids, counts=counts.astype(np.int32))
        return found


@cache
def _last_numbers() -> TextClause:
    return text("SELECT name, seq FROM sqlite_sequence")


@cache
def _postings() -> Select[Any]:
    # Thousands of rows come fastest as one text of numbers.
    return select(func.group_concat(_PLACES.c.doc)).where(_PLACES.c.term == bindparam("term"))


def index_differs(connection: Connection) -> bool:
    """Whether the places of terms in the index are not those that the chunks name."""
    # The sum of hashes knows no order: the index gives its rows by term, the chunks by number.
    wanted = sum(
        hash((row.chunk_id, place, term))
        for row in in_pages(
            connection, select(*(schema.chunks.c[name] for name in ("chunk_id", "user_no", "terms")))
        )
        for place, term in enumerate(tokens(row.user_no, row.terms.split()))
    )
    found = select(_PLACES.c.doc, _PLACES.c.offset, _PLACES.c.term)
    return wanted != sum(hash(tuple(row)) for row in in_pages(connection, found))


def _entry(row: Indexed) -> dict[str, object]:
    words = " ".join(tokens(row.user_no, row.terms.split(" "))) if row.terms else ""
    return {"rowid": row.chunk_id, "t": words}


def _run(connection: Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(text(statement))
