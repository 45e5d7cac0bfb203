"""The tables, as SQLAlchemy Core sees them; `migrations/` leads an older file to the same place.

Keys start with the user, so that an id of another user can't be named, and an export of one user can be
imported for another on the same file.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Connection,
    DefaultClause,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from hmlr.store.columns import BIG, count, flag, moment, number, serial, twice, values, words
from hmlr.store.sql.words import NoBytes

HEAD = "0008"  # the newest revision in migrations/versions; a test compares

# chunk_id = message_no << ORDINAL_BITS | ordinal: a rebuild gives the same ids, and an id tells the message.
ORDINAL_BITS = 20

metadata = MetaData()


def _of_turn() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["user_id", "turn_id"], ["turns.user_id", "turns.turn_id"], ondelete="CASCADE"
    )


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
    _of_turn(),
    twice("messages", "recorded_at", "occurred_at", "role", "speaker", "metadata", "owner", "echo"),
    sqlite_autoincrement=True,
)

# Search data: rows for every message, so that each byte counts. Users and models are numbers here. An index
# ends with the row's own number without being told (SQLite), and so gives the rows in its order.

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
    _of_turn(),
    ForeignKeyConstraint(["user_id", "block_id"], ["blocks.user_id", "blocks.block_id"], ondelete="CASCADE"),
    Index("ix_turn_blocks_block", "user_id", "block_id").ddl_if("postgresql"),
    Index("ix_turn_blocks_block_by", "user_id", "block_id", "by").ddl_if("sqlite"),
)

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
    _of_turn(),
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
    _of_turn(),
    Index("ix_jobs_due", "user_id", "kind", "state", "seq"),
    Index("ix_jobs_turn", "user_id", "turn_id"),
    sqlite_autoincrement=True,
)

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


def create_all(connection: Connection) -> None:
    """Create the tables in an empty database and stamp it with the newest revision.

    The full-text index is each database's own: `sqlite/full_text.py`, `postgres/full_text.py`.
    """
    metadata.create_all(connection)
    connection.execute(alembic_version.insert().values(version_num=HEAD))
