"""The schema: made at once or step by step it is the same, and a newer one is left alone."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text

from hmlr.errors import SchemaTooNew, StorageCorrupt, StorageError
from hmlr.store import schema
from hmlr.store.migrations.upgrade import create, newest
from hmlr.store.sqlite import full_text
from hmlr.store.sqlite.shape import FINGERPRINTS, fingerprint, parts_of
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import ADA, slices, turn


def described(make: Callable[[Connection], None]) -> list[tuple[str, str, frozenset[str]]]:
    """What a database holds: kind, name, and the clauses of its statement in no order."""
    with create_engine("sqlite://", isolation_level="AUTOCOMMIT").connect() as connection:
        make(connection)
        rows = connection.execute(
            text("SELECT type, name, coalesce(sql, '') FROM sqlite_master ORDER BY 1, 2")
        )
        return [
            (
                kind,
                name,
                frozenset(re.split(r",\s*(?![^()]*\))|\n", " ".join(sql.split()).replace(" ,", ","))),
            )
            for kind, name, sql in rows
            if not name.startswith("sqlite_autoindex")  # numbered by the order of the constraints
        ]


def test_schema_from_scratch_equals_schema_by_migrations() -> None:
    def clauses(make: Callable[[Connection], None]) -> list[tuple[str, str, list[str]]]:
        return [
            (kind, name, sorted(clause.strip(" )") for clause in parts))
            for kind, name, parts in described(make)
        ]

    assert clauses(full_text.create) == clauses(create)
    assert newest() == schema.HEAD


def test_both_are_known_at_first_sight() -> None:
    made = set()
    for make in (full_text.create, create):
        with create_engine("sqlite://", isolation_level="AUTOCOMMIT").connect() as connection:
            make(connection)
            driver = connection.connection.driver_connection
            assert isinstance(driver, sqlite3.Connection)
            made.add(fingerprint(tuple(parts_of(driver, Path()))))
    assert made == FINGERPRINTS


async def test_a_newer_schema_is_refused_and_the_file_untouched(db_path: Path) -> None:
    opened = await open_sqlite(db_path, slicer=slices)
    await opened.aclose()
    with sqlite3.connect(db_path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()
    before = db_path.read_bytes()
    with pytest.raises(SchemaTooNew, match="9999"):
        await open_sqlite(db_path, slicer=slices)
    assert db_path.read_bytes() == before


async def test_a_database_of_another_program_is_refused(db_path: Path) -> None:
    with sqlite3.connect(db_path) as raw:
        raw.execute("CREATE TABLE notes (text)")
    raw.close()
    before = db_path.read_bytes()
    with pytest.raises(StorageError, match="another program"):
        await open_sqlite(db_path, slicer=slices)
    assert db_path.read_bytes() == before


@pytest.mark.security
@pytest.mark.parametrize(
    "statement",
    ["CREATE TRIGGER spy AFTER INSERT ON turns BEGIN DELETE FROM facts; END", "CREATE VIEW spy AS SELECT 1"],
)
async def test_a_file_with_triggers_or_views_is_refused(db_path: Path, statement: str) -> None:
    opened = await open_sqlite(db_path, slicer=slices)
    await opened.aclose()
    with sqlite3.connect(db_path) as raw:
        raw.execute(statement)
    raw.close()
    with pytest.raises(StorageCorrupt, match="triggers"):
        await open_sqlite(db_path, slicer=slices)


async def test_opening_a_current_database_imports_no_alembic(db_path: Path) -> None:
    opened = await open_sqlite(db_path, slicer=slices)
    await opened.add_turns(ADA, [turn()])
    await opened.aclose()
    program = (
        "import asyncio, pathlib, sys; from hmlr.store.sqlite.store import open_sqlite\n"
        "async def main():\n"
        "    store = await open_sqlite(pathlib.Path(sys.argv[1]), slicer=lambda text: [])\n"
        "    await store.aclose()\n"
        "asyncio.run(main())\n"
        "assert not [name for name in sys.modules if name.startswith('alembic')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(db_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


async def test_two_may_create_the_same_database_at_once(db_path: Path) -> None:
    stores = await asyncio.gather(*(open_sqlite(db_path, slicer=slices) for _ in range(4)))
    await asyncio.gather(*(store.add_turns(ADA, [turn()]) for store in stores))
    assert [(await store.stats(ADA)).turns for store in stores] == [4] * 4
    for store in stores:
        await store.aclose()
