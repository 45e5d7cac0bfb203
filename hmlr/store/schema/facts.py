"""Facts, what the user has edited, and what was forgotten."""

from __future__ import annotations

from sqlalchemy import (
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
)

from hmlr.store.columns import flag, moment, number, serial, twice, values, words
from hmlr.store.schema.base import metadata, of_turn

facts = Table(
    "facts",
    metadata,
    words("user_id"),
    words("fact_id"),
    words("subject"),
    words("subject_key"),  # the subject case-folded, for filters
    words("key"),
    words("value"),
    words("category"),
    words("quote"),
    number("start"),
    number("end"),
    words("turn_id"),
    words("message_id"),
    words("said_by"),
    flag("owner"),
    words("state"),
    words("superseded_by", nullable=True),
    words("reason"),
    number("confirmations"),
    moment("last_confirmed_at"),
    moment("occurred_at"),
    moment("valid_from"),
    moment("valid_to", nullable=True),
    moment("recorded_at"),
    number("version"),  # the user's fact_version with which it last changed
    PrimaryKeyConstraint("user_id", "fact_id"),
    of_turn(),
    ForeignKeyConstraint(
        ["user_id", "message_id"], ["messages.user_id", "messages.message_id"], ondelete="CASCADE"
    ),
    Index("ix_facts_subject", "user_id", "subject_key", "key"),
    Index("ix_facts_key", "user_id", "key"),
    Index("ix_facts_category", "user_id", "category"),
    Index("ix_facts_version", "user_id", "version"),
    Index("ix_facts_turn", "user_id", "turn_id"),
    Index("ix_facts_message", "user_id", "message_id"),
    Index("ix_facts_superseded_by", "user_id", "superseded_by"),
    twice(
        "facts",
        "recorded_at",
        "occurred_at",
        "valid_from",
        "valid_to",
        "last_confirmed_at",
        "confirmations",
        "state",
        "value",
        "said_by",
        "owner",
        "reason",
    ),
)

fact_events = Table(
    "fact_events",
    metadata,
    serial("event_no"),
    words("user_id"),
    words("fact_id"),
    words("change"),
    words("by"),
    words("reason"),
    words("turn_id", nullable=True),
    moment("recorded_at"),
    ForeignKeyConstraint(["user_id", "fact_id"], ["facts.user_id", "facts.fact_id"], ondelete="CASCADE"),
    Index("ix_fact_events_fact", "user_id", "fact_id"),
    twice("fact_events", "recorded_at", "change", "by", "reason", "turn_id"),
    sqlite_autoincrement=True,
)

edits = Table(
    "edits",
    metadata,
    words("user_id"),
    number("seq"),
    words("kind"),
    words("target"),
    values("payload"),
    moment("recorded_at"),
    PrimaryKeyConstraint("user_id", "seq"),
    twice("edits", "recorded_at", "kind", "target", "payload"),
)

tombstones = Table(
    "tombstones",
    metadata,
    serial("tombstone_no"),
    words("user_id"),
    words("scope"),
    words("target"),
    values("turn_seqs"),  # [[first, last], …]
    moment("recorded_at"),
    flag("purged"),  # the files were rewritten since; until then they may hold what was erased
    Index("ix_tombstones_user", "user_id"),
    twice("tombstones", "recorded_at", "scope", "target", "turn_seqs", "purged"),
    sqlite_autoincrement=True,
)
