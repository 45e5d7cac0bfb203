"""Databases as older revisions left them, made of one of today."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
from sqlalchemy import create_engine, text

from hmlr.store.migrations.upgrade import create

_SEARCH = ("chunks", "vectors", "chunk_terms", "chunk_postings")
_GARDEN = ("dossier_entries", "dossiers", "dossier_events", "tags", "garden_images", "garden_runs")


REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007")  # that age() leads to


def age(path: Path, *, revision: str = "0002") -> None:
    """Make a database one that an older revision left.

    0007: no move, no value twice. 0006: also no tokens. 0005: also, paragraphs have a sentence where an id is
    free for one, and echoes have chunks too, which are not searchable. 0004: also no spending. 0003: also
    nothing of gardening. 0002: also no traits, and vectors of float16 without tokens. 0001: also no count of
    erasures.
    """
    with closing(sqlite3.connect(path)) as raw, raw:
        _to_seventh(raw)
        if revision <= "0006":
            raw.execute("DROP TABLE access_tokens")
        if revision <= "0005":
            _to_fifth(raw)
        if revision <= "0004":
            raw.execute("DROP TABLE day_spending")
            raw.execute("ALTER TABLE garden_runs DROP COLUMN large")
        if revision <= "0003":
            for table in _GARDEN:
                raw.execute(f"DROP TABLE {table}")
            raw.execute("ALTER TABLE users DROP COLUMN garden_version")
        if revision <= "0002":
            _to_second(raw)
        if revision <= "0001":
            raw.execute("ALTER TABLE users DROP COLUMN erasures")
            raw.execute("ALTER TABLE tombstones DROP COLUMN purged")
        raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        raw.commit()
        raw.execute("VACUUM")


def _to_seventh(raw: sqlite3.Connection) -> None:
    indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE '%!_twice' ESCAPE '!'"
    twice = [name for (name,) in raw.execute(indexes).fetchall()]
    for name in (*twice, "ix_turns_session_recorded", "ix_turn_blocks_block_by"):
        raw.execute(f"DROP INDEX {name}")
    raw.execute("DROP TABLE moves")
    raw.execute("CREATE INDEX ix_turns_session ON turns (user_id, session_id, seq)")
    raw.execute("CREATE INDEX ix_turn_blocks_block ON turn_blocks (user_id, block_id)")


def _to_fifth(raw: sqlite3.Connection) -> None:
    for name in ("chunk_postings", "chunk_terms"):
        raw.execute(f"DROP TABLE {name}")
    for name in ("ix_chunks_user", "ix_vectors_model"):
        raw.execute(f"DROP INDEX {name}")
    for name in ("vectors", "chunks"):
        raw.execute(f"ALTER TABLE {name} RENAME TO new_{name}")
    for statement in _statements("0005"):
        raw.execute(statement)
    paragraph = (
        "INSERT INTO chunks SELECT n.chunk_id, u.user_id, n.chunk_id >> 20, 'paragraph', n.start, n.\"end\", "
        "NULL, n.term_count, 1, n.terms, n.asks, n.of_self FROM new_chunks n JOIN users u USING (user_no)"
    )
    sentence = (
        "INSERT OR IGNORE INTO chunks SELECT chunk_id + 1, user_id, message_no, 'sentence', start, \"end\", "
        "chunk_id & 1048575, 0, 0, '', 0, 0 FROM chunks WHERE searchable"
    )
    echo = (
        "INSERT INTO chunks SELECT message_no << 20, user_id, message_no, 'paragraph', 0, length(content), "
        "NULL, 0, 0, '', 0, 0 FROM messages WHERE echo"
    )
    vector = (
        "INSERT INTO vectors SELECT vector_no, user_id, chunk_id, model_id, dim, data, tokens, pieces "
        "FROM new_vectors JOIN users USING (user_no) JOIN models USING (model_no)"
    )
    for statement in (paragraph, sentence, echo, vector):
        raw.execute(statement)
    for chunk_id, terms, number in raw.execute(
        "SELECT chunk_id, terms, user_no FROM chunks JOIN users USING (user_id) WHERE searchable"
    ).fetchall():
        tokens = " ".join(f"{number}:{term}" for term in terms.split())
        raw.execute("INSERT INTO chunk_terms(rowid, t) VALUES (?, ?)", (chunk_id, tokens))
    for name in ("new_vectors", "new_chunks", "models"):
        raw.execute(f"DROP TABLE {name}")


def _to_second(raw: sqlite3.Connection) -> None:
    for table, names in (("vectors", ("tokens", "pieces")), ("chunks", ("asks", "of_self"))):
        for name in names:
            raw.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
    raw.execute("DROP INDEX ix_chunks_searchable")
    raw.execute("CREATE INDEX ix_chunks_searchable ON chunks (user_id, searchable, chunk_id)")
    for number, dim in raw.execute("SELECT vector_no, dim FROM vectors").fetchall():
        old = np.ones(dim, "<f2").tobytes()
        raw.execute("UPDATE vectors SET data = ? WHERE vector_no = ?", (old, number))


def _statements(revision: str) -> list[str]:
    """What makes the search tables of a revision, with their indexes."""
    engine = create_engine("sqlite://", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        create(connection, target=revision)
        made = "SELECT sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL ORDER BY rowid"
        found = [
            statement
            for name in _SEARCH
            for statement in connection.execute(text(made), {"name": name}).scalars()
        ]
    engine.dispose()
    return found
