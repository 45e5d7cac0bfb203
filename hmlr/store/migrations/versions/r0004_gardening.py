"""Dossiers with their entries and log, tags, and the runs of the gardener with the way back."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables; they are filled by gardening."""
    op.add_column(
        "users", sa.Column("garden_version", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    _dossiers()
    _tags()
    _runs()


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _to(table: str, name: str) -> sa.ForeignKeyConstraint:
    ours = ["user_id", name]
    return sa.ForeignKeyConstraint(ours, [f"{table}.user_id", f"{table}.{name}"], ondelete="CASCADE")


def _dossiers() -> None:
    op.create_table(
        "dossiers",
        *_words("user_id", "dossier_id", "title", "summary", "search_summary"),
        sa.Column("model_id", sa.Text(), nullable=True),
        sa.Column("vector", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "dossier_id"),
    )
    op.create_table(
        "dossier_entries",
        *_words("user_id", "fact_id", "dossier_id", "statement", "told"),
        _to("facts", "fact_id"),
        _to("dossiers", "dossier_id"),
        sa.PrimaryKeyConstraint("user_id", "fact_id"),
    )
    op.create_index("ix_dossier_entries_dossier", "dossier_entries", ["user_id", "dossier_id"])
    op.create_table(
        "dossier_events",
        sa.Column("event_no", sa.Integer(), autoincrement=True, nullable=False),
        *_words("user_id", "dossier_id", "change"),
        sa.Column("fact_id", sa.Text(), nullable=True),
        sa.Column("other", sa.Text(), nullable=True),
        *_words("run_id", "by"),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("event_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dossier_events_dossier", "dossier_events", ["user_id", "dossier_id"])
    op.create_index("ix_dossier_events_run", "dossier_events", ["user_id", "run_id"])


def _tags() -> None:
    op.create_table(
        "tags",
        *_words("user_id", "tag_id", "block_id", "kind", "text", "quote", "message_id", "turn_ids"),
        _to("blocks", "block_id"),
        _to("messages", "message_id"),
        sa.PrimaryKeyConstraint("user_id", "tag_id"),
    )
    op.create_index("ix_tags_block", "tags", ["user_id", "block_id"])
    op.create_index("ix_tags_message", "tags", ["user_id", "message_id"])


def _runs() -> None:
    op.create_table(
        "garden_runs",
        *_words("user_id", "run_id"),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.Boolean(create_constraint=False), nullable=False, server_default=sa.false()),
        *_words("done"),
        sa.PrimaryKeyConstraint("user_id", "run_id"),
    )
    op.create_table(
        "garden_images",
        sa.Column("image_no", sa.Integer(), autoincrement=True, nullable=False),
        *_words("user_id", "run_id", "kind", "target", "before"),
        _to("garden_runs", "run_id"),
        sa.PrimaryKeyConstraint("image_no"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_garden_images_run", "garden_images", ["user_id", "run_id"])
    op.create_index("ix_garden_images_target", "garden_images", ["user_id", "kind", "target"])
