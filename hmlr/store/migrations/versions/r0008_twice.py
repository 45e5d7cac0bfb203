"""Moves that have not come to their end; on SQLite each value stands in two places: a changed byte shows."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_TWICE = {
    "users": ("epoch", "fact_version", "facts_removed", "erasures", "garden_version"),
    "messages": ("recorded_at", "occurred_at", "role", "speaker", "metadata", "owner", "echo"),
    "blocks": ("label", "summary", "keywords", "open_loops", "decisions", "renamed"),
    "facts": (
        "recorded_at", "occurred_at", "valid_from", "valid_to", "last_confirmed_at", "confirmations", "state",
        "value", "said_by", "owner", "reason",
    ),
    "fact_events": ("recorded_at", "change", "by", "reason", "turn_id"),
    "edits": ("recorded_at", "kind", "target", "payload"),
    "tombstones": ("recorded_at", "scope", "target", "turn_seqs", "purged"),
    "dossiers": ("title", "summary", "search_summary", "model_id", "vector", "version"),
    "dossier_entries": ("told", "statement"),
    "dossier_events": ("recorded_at", "change", "by", "fact_id", "other"),
    "tags": ("kind", "text", "quote", "turn_ids"),
    "garden_runs": ("started_at", "ended_at", "undone_at", "sealed", "large", "done"),
    "garden_images": ("before",),
    "day_spending": ("calls", "tokens", "cost_usd"),
    "moves": ("digest", "begun_at"),
    "access_tokens": ("created_at", "revoked_at", "user_id", "name"),
}  # fmt: skip


def upgrade() -> None:
    """No move is under way. PostgreSQL has checksums of its pages."""
    op.create_table(
        "moves",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    if op.get_bind().dialect.name != "sqlite":
        return
    op.drop_index("ix_turns_session", "turns")
    op.create_index("ix_turns_session_recorded", "turns", ["user_id", "session_id", "seq", "recorded_at"])
    op.drop_index("ix_turn_blocks_block", "turn_blocks")
    op.create_index("ix_turn_blocks_block_by", "turn_blocks", ["user_id", "block_id", "by"])
    for table, columns in _TWICE.items():
        named = "token_id" if table == "access_tokens" else "user_id"
        where = sa.column(named) != sa.literal_column("''")
        op.create_index(f"ix_{table}_twice", table, list(columns), sqlite_where=where)
