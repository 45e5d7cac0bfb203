"""What keeps a memory running: jobs, spending, tokens, moves, the revision."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from hmlr.store.columns import flag, moment, number, serial, twice, words
from hmlr.store.schema.base import metadata, of_turn

jobs = Table(
    "jobs",
    metadata,
    serial("job_id"),
    words("user_id"),
    words("kind"),
    words("turn_id"),
    number("seq"),  # of the turn: the oldest comes first
    words("state"),  # pending, leased, failed; a finished job has no row
    number("attempts"),
    number("due_at"),  # microseconds; 0: at once, whatever the clock says
    number("lease_until"),
    words("token", nullable=True),
    flag("held"),  # leased to the caller of add_turns
    words("error"),
    UniqueConstraint("user_id", "kind", "turn_id"),
    of_turn(),
    Index("ix_jobs_due", "user_id", "kind", "state", "seq"),
    Index("ix_jobs_turn", "user_id", "turn_id"),
    sqlite_autoincrement=True,
)

# What each user's model calls took, over all processes. It outlives forgetting: numbers only, and a budget.
day_spending = Table(
    "day_spending",
    metadata,
    words("user_id"),
    words("day"),  # ISO, UTC
    number("calls"),
    number("tokens"),
    Column("cost_usd", Float, nullable=False),
    PrimaryKeyConstraint("user_id", "day"),
    twice("day_spending", "calls", "tokens", "cost_usd"),
)

# Who may use the server's doors. Only a digest of the secret is kept; a user's memories are none of this.
access_tokens = Table(
    "access_tokens",
    metadata,
    words("token_id"),
    words("digest"),  # hex SHA-256 of the secret
    words("user_id", nullable=True),  # NULL: an administrator
    words("name"),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    PrimaryKeyConstraint("token_id"),
    UniqueConstraint("digest"),
    twice("access_tokens", "created_at", "revoked_at", "user_id", "name", of="token_id"),
)

# Users whose memory is being moved here; the rows go when the whole move is done.
moves = Table(
    "moves",
    metadata,
    words("user_id"),
    words("digest"),  # of the copy as it was made; empty: there is none yet
    moment("begun_at"),
    PrimaryKeyConstraint("user_id"),
    twice("moves", "digest", "begun_at"),
)

alembic_version = Table(
    "alembic_version",
    metadata,
    Column("version_num", String(32), nullable=False),  # as Alembic makes it
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
