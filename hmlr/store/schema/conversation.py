"""What was said, and the topics it belongs to."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
)

from hmlr.store.columns import count, flag, moment, number, serial, twice, values, words
from hmlr.store.schema.base import metadata, of_turn

users = Table(
    "users",
    metadata,
    words("user_id"),
    Column("user_no", Integer, nullable=False, unique=True),  # stands for the user in all search data
    number("epoch"),  # changes when search data was removed or made anew
    number("fact_version"),  # grows with every change of a fact
    number("facts_removed"),  # the version with which facts were last removed: copies from before are void
    number("last_seq"),  # never goes back, so that a gap shows what was forgotten
    count("erasures"),  # grows with every erasure: what was read before may hold what is forgotten since
    count("garden_version"),  # grows with every change of a dossier or tag
    PrimaryKeyConstraint("user_id"),
    twice("users", "epoch", "fact_version", "facts_removed", "erasures", "garden_version"),
)

turns = Table(
    "turns",
    metadata,
    words("user_id"),
    words("turn_id"),
    number("seq"),
    words("session_id"),
    moment("occurred_at"),
    moment("recorded_at"),
    words("idempotency_key", nullable=True),
    PrimaryKeyConstraint("user_id", "turn_id"),
    UniqueConstraint("user_id", "seq"),
    UniqueConstraint("user_id", "idempotency_key"),
    Index("ix_turns_session", "user_id", "session_id", "seq").ddl_if("postgresql"),
    Index("ix_turns_session_recorded", "user_id", "session_id", "seq", "recorded_at").ddl_if("sqlite"),
    Index("ix_turns_occurred", "user_id", "occurred_at"),
)

messages = Table(
    "messages",
    metadata,
    serial("message_no"),
    words("user_id"),
    words("turn_id"),
    number("position"),
    words("message_id"),
    words("role"),
    words("speaker", nullable=True),
    words("speaker_key", nullable=True),  # the speaker case-folded, for filters
    words("content"),
    moment("occurred_at"),
    moment("recorded_at"),
    values("metadata"),
    flag("owner"),
    flag("echo"),
    words("sha256"),  # of the content: a flipped bit shows
    UniqueConstraint("user_id", "turn_id", "position"),
    UniqueConstraint("user_id", "message_id"),
    of_turn(),
    twice("messages", "recorded_at", "occurred_at", "role", "speaker", "metadata", "owner", "echo"),
    sqlite_autoincrement=True,
)

# Search data: rows for every message, so that each byte counts. Users and models are numbers here. An index
# ends with the row's own number without being told (SQLite), and so gives the rows in its order.

blocks = Table(
    "blocks",
    metadata,
    words("user_id"),
    words("block_id"),
    words("label"),
    words("summary"),
    values("keywords"),
    values("open_loops"),
    values("decisions"),
    words("state"),
    flag("renamed"),
    number("version"),
    # What follows from its turns is kept beside it, since every routed turn asks for the latest blocks.
    number("turn_count"),
    moment("started_at", nullable=True),
    moment("last_at", nullable=True),
    number("last_seq"),  # 0: no turn is in it
    PrimaryKeyConstraint("user_id", "block_id"),
    Index("ix_blocks_latest", "user_id", "last_seq"),
    Index("ix_blocks_state", "user_id", "state"),
    twice("blocks", "label", "summary", "keywords", "open_loops", "decisions", "renamed"),
)

turn_blocks = Table(
    "turn_blocks",
    metadata,
    words("user_id"),
    words("turn_id"),
    words("block_id"),
    words("by"),
    PrimaryKeyConstraint("user_id", "turn_id"),
    of_turn(),
    ForeignKeyConstraint(["user_id", "block_id"], ["blocks.user_id", "blocks.block_id"], ondelete="CASCADE"),
    Index("ix_turn_blocks_block", "user_id", "block_id").ddl_if("postgresql"),
    Index("ix_turn_blocks_block_by", "user_id", "block_id", "by").ddl_if("sqlite"),
)
