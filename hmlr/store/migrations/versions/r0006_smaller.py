"""Search data take less room: only what is searched has rows, and users and models are numbers there."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COPY = (
    "INSERT INTO models (model_id, model_no) "
    "SELECT model_id, row_number() OVER (ORDER BY min(vector_no)) FROM old_vectors GROUP BY model_id",
    'INSERT INTO chunks (chunk_id, user_no, start, "end", term_count, terms, asks, of_self) '
    'SELECT chunk_id, user_no, start, "end", term_count, terms, asks, of_self '
    "FROM old_chunks JOIN users ON users.user_id = old_chunks.user_id WHERE searchable ORDER BY chunk_id",
    "INSERT INTO vectors (vector_no, user_no, chunk_id, model_no, dim, data, tokens, pieces) "
    "SELECT vector_no, user_no, chunk_id, model_no, dim, data, tokens, pieces FROM old_vectors "
    "JOIN users ON users.user_id = old_vectors.user_id JOIN models ON models.model_id = old_vectors.model_id "
    "WHERE chunk_id IN (SELECT chunk_id FROM chunks) ORDER BY vector_no",
)
_FULL_TEXT = (
    "DROP TABLE chunk_postings",
    "DROP TABLE chunk_terms",
    "CREATE VIRTUAL TABLE chunk_terms USING fts5("
    "t, content='', columnsize=0, tokenize=\"ascii tokenchars '_-.:'\")",
    "CREATE VIRTUAL TABLE chunk_postings USING fts5vocab('chunk_terms', 'instance')",
    "INSERT INTO chunk_terms (rowid, t) "
    "SELECT chunk_id, CASE terms WHEN '' THEN '' ELSE user_no || ':' || "
    "replace(terms, ' ', ' ' || user_no || ':') END FROM chunks ORDER BY chunk_id",
)


def upgrade() -> None:
    """Copy what stays: the ids of chunks, and with them the vectors."""
    for name in ("ix_chunks_message", "ix_chunks_searchable"):
        op.drop_index(name, "chunks")
    op.drop_index("ix_vectors_model", "vectors")
    for name in ("chunks", "vectors"):
        op.rename_table(name, f"old_{name}")
    _tables()
    for statement in _COPY:
        op.execute(statement)
    # Vectors first: to drop the other table removes its rows, and what refers to them.
    for name in ("vectors", "chunks"):
        op.drop_table(f"old_{name}")
    if op.get_bind().dialect.name == "sqlite":
        for statement in _FULL_TEXT:
            op.execute(sa.text(statement.replace(":", "\\:")))


def _tables() -> None:
    op.create_table(
        "chunks",
        sa.Column("chunk_id", sa.Integer(), autoincrement=False, nullable=False),
        *_numbers("user_no", "start", "end", "term_count"),
        sa.Column("terms", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false())
            for name in ("asks", "of_self")
        ),
        sa.PrimaryKeyConstraint("chunk_id"),
    )
    op.create_index("ix_chunks_user", "chunks", ["user_no"])
    op.create_table(
        "models",
        sa.Column("model_id", sa.Text(), nullable=False),
        *_numbers("model_no"),
        sa.PrimaryKeyConstraint("model_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "vectors",
        sa.Column("vector_no", sa.Integer(), autoincrement=True, nullable=False),
        *_numbers("user_no", "chunk_id", "model_no", "dim"),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        *(
            sa.Column(name, sa.LargeBinary(), nullable=False, server_default=sa.text("x''"))
            for name in ("tokens", "pieces")
        ),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.chunk_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("vector_no"),
        sa.UniqueConstraint("chunk_id", "model_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vectors_model", "vectors", ["user_no", "model_no"])


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]
