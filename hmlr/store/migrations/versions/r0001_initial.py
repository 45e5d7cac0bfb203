"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables; written out, because a later schema must not change what this step does."""
    _turns()
    _search()
    _knowledge()
    _care()
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE chunk_terms USING fts5(t, content='', tokenize=\"ascii tokenchars '_-.:'\")"
        )
        op.execute("CREATE VIRTUAL TABLE chunk_postings USING fts5vocab('chunk_terms', 'instance')")


def _turns() -> None:
    op.create_table(
        "users",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("user_no", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("fact_version", sa.BigInteger(), nullable=False),
        sa.Column("facts_removed", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
        sa.UniqueConstraint("user_no"),
    )
    op.create_table(
        "turns",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "turn_id"),
        sa.UniqueConstraint("user_id", "idempotency_key"),
        sa.UniqueConstraint("user_id", "seq"),
    )
    op.create_index("ix_turns_occurred", "turns", ["user_id", "occurred_at"], unique=False)
    op.create_index("ix_turns_session", "turns", ["user_id", "session_id", "seq"], unique=False)
    op.create_table(
        "messages",
        sa.Column("message_no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=True),
        sa.Column("speaker_key", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("owner", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("echo", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_no"),
        sa.UniqueConstraint("user_id", "message_id"),
        sa.UniqueConstraint("user_id", "turn_id", "position"),
        sqlite_autoincrement=True,
    )


def _search() -> None:
    op.create_table(
        "chunks",
        sa.Column("chunk_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("message_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("parent", sa.BigInteger(), nullable=True),
        sa.Column("term_count", sa.BigInteger(), nullable=False),
        sa.Column("searchable", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["message_no"], ["messages.message_no"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("chunk_id"),
    )
    op.create_index("ix_chunks_message", "chunks", ["message_no"], unique=False)
    op.create_index("ix_chunks_searchable", "chunks", ["user_id", "searchable", "chunk_id"], unique=False)
    op.create_table(
        "vectors",
        sa.Column("vector_no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("chunk_id", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("dim", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.chunk_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("vector_no"),
        sa.UniqueConstraint("chunk_id", "model_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vectors_model", "vectors", ["user_id", "model_id", "vector_no"], unique=False)


def _knowledge() -> None:
    op.create_table(
        "blocks",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("block_id", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("open_loops", sa.Text(), nullable=False),
        sa.Column("decisions", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("renamed", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("turn_count", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("last_at", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "block_id"),
    )
    op.create_index("ix_blocks_latest", "blocks", ["user_id", "last_seq"], unique=False)
    op.create_index("ix_blocks_state", "blocks", ["user_id", "state"], unique=False)
    op.create_table(
        "turn_blocks",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("block_id", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "block_id"], ["blocks.user_id", "blocks.block_id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "turn_id"),
    )
    op.create_index("ix_turn_blocks_block", "turn_blocks", ["user_id", "block_id"], unique=False)
    op.create_table(
        "facts",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("end", sa.BigInteger(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("owner", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("superseded_by", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmations", sa.BigInteger(), nullable=False),
        sa.Column("last_confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "message_id"], ["messages.user_id", "messages.message_id"], ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "fact_id"),
    )
    op.create_index("ix_facts_category", "facts", ["user_id", "category"], unique=False)
    op.create_index("ix_facts_key", "facts", ["user_id", "key"], unique=False)
    op.create_index("ix_facts_message", "facts", ["user_id", "message_id"], unique=False)
    op.create_index("ix_facts_subject", "facts", ["user_id", "subject_key", "key"], unique=False)
    op.create_index("ix_facts_superseded_by", "facts", ["user_id", "superseded_by"], unique=False)
    op.create_index("ix_facts_turn", "facts", ["user_id", "turn_id"], unique=False)
    op.create_index("ix_facts_version", "facts", ["user_id", "version"], unique=False)
    op.create_table(
        "fact_events",
        sa.Column("event_no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("fact_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "fact_id"], ["facts.user_id", "facts.fact_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_fact_events_fact", "fact_events", ["user_id", "fact_id"], unique=False)


def _care() -> None:
    op.create_table(
        "edits",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "seq"),
    )
    op.create_table(
        "tombstones",
        sa.Column("tombstone_no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("turn_seqs", sa.Text(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tombstone_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tombstones_user", "tombstones", ["user_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("turn_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("held", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id"),
        sa.UniqueConstraint("user_id", "kind", "turn_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_due", "jobs", ["user_id", "kind", "state", "seq"], unique=False)
    op.create_index("ix_jobs_turn", "jobs", ["user_id", "turn_id"], unique=False)
