"""Full text on PostgreSQL: a tsvector for each chunk in a table of its own, and numbers by sequences.

A lexeme is "<user_no>:<term>", so that the index itself separates the users and counts for each of them; a
term that stands several times has a second one, "<user_no>:<term>⇥<how often>". The table can't be read but
through the function `hmlr_postings`: PostgreSQL would not use its index under row-level security
(docs/decisions/0025-full-text-under-row-security.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Select,
    SmallInteger,
    Table,
    Text,
    TextClause,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR

from hmlr.store.postgres.points import drop_points, drop_tables
from hmlr.store.search_records import Postings
from hmlr.store.sql.index import tokens
from hmlr.store.sql.rows import listed
from hmlr.store.sql.special import Indexed

own = MetaData()
MANY = "\t"  # stands between a token and how often it occurs; no term holds one
_PART_BYTES = 400_000  # a tsvector holds 1 MB

chunk_terms = Table(
    "chunk_terms",
    own,
    Column("chunk_id", BigInteger, nullable=False, autoincrement=False),
    Column("part", SmallInteger, nullable=False, autoincrement=False),
    Column("user_no", BigInteger, nullable=False),
    Column("terms", TSVECTOR, nullable=False),
    PrimaryKeyConstraint("chunk_id", "part"),
    Index(
        "ix_chunk_terms",
        "terms",
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": 256},  # kB: every search looks through what waits there
    ),
)
_SEQUENCES = {
    "messages": "messages_message_no_seq",
    "jobs": "jobs_job_id_seq",
    "users": "users_user_no_seq",
    "models": "models_model_no_seq",
}


class FullText:
    """PostgreSQL's `Special`."""

    lateral = True

    def take_numbers(self, connection: Connection, counts: Mapping[str, int]) -> dict[str, Iterator[int]]:
        """See Special; a sequence gives no number twice, and a user's writers take turns."""
        return {
            name: iter(
                connection.execute(_next(), {"sequence": _SEQUENCES[name], "count": count}).scalars().all()
                if count
                else ()
            )
            for name, count in counts.items()
        }

    def add_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """See Special."""
        parts = [
            {"chunk_id": row.chunk_id, "part": number, "user_no": row.user_no, "lexemes": lexemes}
            for row in rows
            for number, lexemes in enumerate(_parts(row))
        ]
        if parts:
            connection.execute(_add(), parts)

    def remove_terms(self, connection: Connection, rows: Iterable[Indexed]) -> None:
        """See Special; what is searched by meaning goes with it."""
        ids = [row.chunk_id for row in rows]
        connection.execute(_remove(), {"ids": ids})
        drop_points(connection, ids)

    def drop_own(self, connection: Connection) -> None:
        """See Special."""
        drop_tables(connection)

    def clear_terms(self, connection: Connection) -> None:
        """See Special."""
        connection.execute(delete(chunk_terms))

    def indexed(self) -> Select[tuple[int]]:
        """See Special."""
        return select(chunk_terms.c.chunk_id).distinct()

    def postings(self, connection: Connection, user_no: int, terms: Sequence[str]) -> dict[str, Postings]:
        """See Special; all terms in one question."""
        asked = dict(zip(tokens(user_no, terms), terms, strict=True))
        found = connection.execute(_postings(), {"tokens": list(asked)})
        return {asked[row.token]: _ascending(row.ids, row.counts) for row in found}


def _ascending(ids: Sequence[int], counts: Sequence[int]) -> Postings:
    """PostgreSQL finds rows in the order in which they lie on its disk."""
    chunk_ids, of_each = np.array(ids, np.int64), np.array(counts, np.int32)
    order = np.argsort(chunk_ids, kind="stable")
    return Postings(chunk_ids=chunk_ids[order], counts=of_each[order])


def _parts(row: Indexed) -> Iterator[list[str]]:
    """A chunk's lexemes, so many at a time as one tsvector holds; none for a chunk without terms."""
    lexemes: list[str] = []
    size = 0
    for term, count in Counter(row.terms.split(" ")).items() if row.terms else ():
        (token,) = tokens(row.user_no, [term])
        lexemes += [token] if count == 1 else [token, f"{token}{MANY}{count}"]
        size += len(token.encode()) * (1 if count == 1 else 2) + 8
        if size > _PART_BYTES:
            yield lexemes
            lexemes, size = [], 0
    if lexemes:
        yield lexemes


@cache
def _next() -> TextClause:
    return text("SELECT nextval(CAST(:sequence AS regclass)) FROM generate_series(1, :count)").bindparams(
        bindparam("sequence", type_=Text), bindparam("count", type_=BigInteger)
    )


@cache
def _add() -> Any:
    lexemes = func.array_to_tsvector(bindparam("lexemes", type_=ARRAY(Text)))
    return insert(chunk_terms).values(terms=lexemes)


@cache
def _remove() -> Any:
    return delete(chunk_terms).where(listed(chunk_terms.c.chunk_id, "ids"))


@cache
def _postings() -> TextClause:
    return text("SELECT token, ids, counts FROM hmlr_postings(:tokens)").bindparams(
        bindparam("tokens", type_=ARRAY(Text))
    )
