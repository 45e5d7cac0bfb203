"""What gardening grows: dossiers and tags, and its runs."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
)

from hmlr.store.columns import flag, moment, number, serial, twice, values, words
from hmlr.store.schema.base import metadata

dossiers = Table(
    "dossiers",
    metadata,
    words("user_id"),
    words("dossier_id"),
    words("title"),
    words("summary"),  # empty: what it stood on was forgotten or has changed, and it is to be told anew
    words("search_summary"),
    words("model_id", nullable=True),  # of the vector; None: there is none yet
    Column("vector", LargeBinary, nullable=True),  # of the search summary, little-endian float16
    number("version"),
    PrimaryKeyConstraint("user_id", "dossier_id"),
    twice("dossiers", "title", "summary", "search_summary", "model_id", "vector", "version"),
)

# A fact has one place: the key says so.
dossier_entries = Table(
    "dossier_entries",
    metadata,
    words("user_id"),
    words("fact_id"),
    words("dossier_id"),
    words("statement"),  # the fact as one literal sentence
    words("told"),  # digest of the fact as the summary tells it
    PrimaryKeyConstraint("user_id", "fact_id"),
    ForeignKeyConstraint(["user_id", "fact_id"], ["facts.user_id", "facts.fact_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["user_id", "dossier_id"], ["dossiers.user_id", "dossiers.dossier_id"], ondelete="CASCADE"
    ),
    Index("ix_dossier_entries_dossier", "user_id", "dossier_id"),
    twice("dossier_entries", "told", "statement"),
)

dossier_events = Table(
    "dossier_events",
    metadata,
    serial("event_no"),
    words("user_id"),
    words("dossier_id"),
    words("change"),
    words("fact_id", nullable=True),
    words("other", nullable=True),  # the dossier that it was merged into or split from
    words("run_id"),
    words("by"),
    moment("recorded_at"),
    Index("ix_dossier_events_dossier", "user_id", "dossier_id"),
    Index("ix_dossier_events_run", "user_id", "run_id"),
    twice("dossier_events", "recorded_at", "change", "by", "fact_id", "other"),
    sqlite_autoincrement=True,
)

tags = Table(
    "tags",
    metadata,
    words("user_id"),
    words("tag_id"),
    words("block_id"),
    words("kind"),
    words("text"),
    words("quote"),
    words("message_id"),
    values("turn_ids"),  # of a section rule; empty: the whole block
    PrimaryKeyConstraint("user_id", "tag_id"),
    ForeignKeyConstraint(["user_id", "block_id"], ["blocks.user_id", "blocks.block_id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["user_id", "message_id"], ["messages.user_id", "messages.message_id"], ondelete="CASCADE"
    ),
    Index("ix_tags_block", "user_id", "block_id"),
    Index("ix_tags_message", "user_id", "message_id"),
    twice("tags", "kind", "text", "quote", "turn_ids"),
)

garden_runs = Table(
    "garden_runs",
    metadata,
    words("user_id"),
    words("run_id"),
    moment("started_at"),
    moment("ended_at", nullable=True),
    moment("undone_at", nullable=True),
    flag("sealed"),  # what it stood on was forgotten since: it can't be undone
    flag("large"),  # it was allowed to change any share of what was in order
    values("done"),  # what it did, counted
    PrimaryKeyConstraint("user_id", "run_id"),
    twice("garden_runs", "started_at", "ended_at", "undone_at", "sealed", "large", "done"),
)

# What a run found: the way back.
garden_images = Table(
    "garden_images",
    metadata,
    serial("image_no"),
    words("user_id"),
    words("run_id"),
    words("kind"),
    words("target"),
    values("before"),  # null: it was not there
    ForeignKeyConstraint(
        ["user_id", "run_id"], ["garden_runs.user_id", "garden_runs.run_id"], ondelete="CASCADE"
    ),
    Index("ix_garden_images_run", "user_id", "run_id"),
    Index("ix_garden_images_target", "user_id", "kind", "target"),
    twice("garden_images", "before"),
    sqlite_autoincrement=True,
)
