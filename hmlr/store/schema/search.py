"""What search reads: paragraphs and their vectors.

Rows for every message, so that each byte counts. Users and models are numbers here. An index ends with the
row's own number without being told (SQLite), and so gives the rows in its order.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    DefaultClause,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from hmlr.store.columns import BIG, flag, number, serial, words
from hmlr.store.schema.base import metadata
from hmlr.store.sql.words import NoBytes

chunks = Table(
    "chunks",
    metadata,
    Column("chunk_id", BIG, primary_key=True, autoincrement=False),
    number("user_no"),
    number("start"),
    number("end"),
    number("term_count"),
    words("terms"),  # the search terms as indexed, so that the index can be undone and made anew exactly
    flag("asks"),  # every sentence is a question
    flag("of_self"),  # it says I, my, we …
    Index("ix_chunks_user", "user_no").ddl_if("sqlite"),
    Index("ix_chunks_user_chunk", "user_no", "chunk_id").ddl_if("postgresql"),
)

models = Table(
    "models",
    metadata,
    words("model_id"),
    number("model_no"),
    PrimaryKeyConstraint("model_id"),
    sqlite_with_rowid=False,
)

vectors = Table(
    "vectors",
    metadata,
    serial("vector_no"),
    number("user_no"),
    number("chunk_id"),
    number("model_no"),
    number("dim"),
    # See encoded.py: two levels a byte; a sign a dimension; little-endian uint16, and a checksum of them all.
    Column("data", LargeBinary, nullable=False),
    Column("tokens", LargeBinary, nullable=False, server_default=DefaultClause(NoBytes())),
    Column("pieces", LargeBinary, nullable=False, server_default=DefaultClause(NoBytes())),
    UniqueConstraint("chunk_id", "model_no"),
    ForeignKeyConstraint(["chunk_id"], ["chunks.chunk_id"], ondelete="CASCADE"),
    Index("ix_vectors_model", "user_no", "model_no").ddl_if("sqlite"),
    Index("ix_vectors_model_vector", "user_no", "model_no", "vector_no").ddl_if("postgresql"),
    sqlite_autoincrement=True,
)
