"""The tables, as SQLAlchemy Core sees them; `migrations/` leads an older file to the same place.

Keys start with the user, so that an id of another user can't be named, and an export of one user can be
imported for another on the same file.
"""

from __future__ import annotations

from sqlalchemy import Connection

from hmlr.store.schema.base import ORDINAL_BITS, metadata
from hmlr.store.schema.conversation import blocks, messages, turn_blocks, turns, users
from hmlr.store.schema.facts import edits, fact_events, facts, tombstones
from hmlr.store.schema.garden import (
    dossier_entries,
    dossier_events,
    dossiers,
    garden_images,
    garden_runs,
    tags,
)
from hmlr.store.schema.operation import access_tokens, alembic_version, day_spending, jobs, moves
from hmlr.store.schema.search import chunks, models, vectors

__all__ = [
    "HEAD",
    "ORDINAL_BITS",
    "access_tokens",
    "alembic_version",
    "blocks",
    "chunks",
    "create_all",
    "day_spending",
    "dossier_entries",
    "dossier_events",
    "dossiers",
    "edits",
    "fact_events",
    "facts",
    "garden_images",
    "garden_runs",
    "jobs",
    "messages",
    "metadata",
    "models",
    "moves",
    "tags",
    "tombstones",
    "turn_blocks",
    "turns",
    "users",
    "vectors",
]

HEAD = "0008"  # the newest revision in migrations/versions; a test compares


def create_all(connection: Connection) -> None:
    """Create the tables in an empty database and stamp it with the newest revision.

    The full-text index is each database's own: `sqlite/full_text.py`, `postgres/full_text.py`.
    """
    metadata.create_all(connection)
    connection.execute(alembic_version.insert().values(version_num=HEAD))
