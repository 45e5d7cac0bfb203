"""What stands in a database file, looked at from outside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path


def sql(db: Path, query: str) -> int:
    """One number from the database; 0 while it is not made."""
    if not db.exists():
        return 0
    with closing(sqlite3.connect(f"file:{db}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def left_doing(db: Path) -> int:
    """Jobs that look as if somebody were at work on them, and gardening runs without an end."""
    leased = sql(db, "SELECT count(*) FROM jobs WHERE state = 'leased'")
    return leased + sql(db, "SELECT count(*) FROM garden_runs WHERE ended_at IS NULL")
