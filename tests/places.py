"""The database of a test: an SQLite file or a PostgreSQL database, by its address alone.

A test that asks for `database` or `databases` runs on both stores; one that asks for `db_path`, too, is about
SQLite's files and runs there alone, and so does one marked `one_store` unless --store says otherwise.
"""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.opening import Place, is_file
from tests.postgres import Server, running

STORES = ("sqlite", "postgres")
# Packages whose tests rest on the store's contract, and would take long on both.
ONE_STORE = ("tests.engine.",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--store", choices=[*STORES, "both"], help="the database of tests that can have either")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "adapter" in metafunc.fixturenames:
        metafunc.parametrize("adapter", _stores(metafunc))


def _stores(metafunc: pytest.Metafunc) -> list[str]:
    wanted = metafunc.config.getoption("--store")
    if "db_path" in inspect.signature(metafunc.function).parameters:
        return ["sqlite"]
    if wanted in STORES:
        return [wanted]
    one = wanted is None and (
        metafunc.module.__name__.startswith(ONE_STORE) or any(metafunc.definition.iter_markers("one_store"))
    )
    return ["sqlite"] if one else list(STORES)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A running server, one for each worker of the tests."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The address of an empty memory on PostgreSQL."""
    address = postgres_server.database()
    yield address
    postgres_server.drop(address)


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    """An SQLite database that is not there yet."""
    return tmp_path / "memory.db"


@pytest.fixture
def databases(
    adapter: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Place]]:
    """The address of this test's database of that name."""
    if adapter == "sqlite":
        yield lambda name: str(tmp_path / f"{name}.db")
        return
    server: Server = request.getfixturevalue("postgres_server")
    made: dict[str, Place] = {}

    def database(name: str) -> Place:
        if name not in made:
            made[name] = server.database()
        return made[name]

    yield database
    server.drop(*made.values())


@pytest.fixture
def database(databases: Callable[[str], Place]) -> Place:
    """The address of this test's database, which is empty."""
    return databases("memory")


def count(place: Place, table: str) -> int:
    """How many rows a table has, seen past HMLR."""
    statement = f"SELECT count(*) FROM {table}"  # noqa: S608 - ours
    if is_file(place):
        with closing(sqlite3.connect(place)) as connection:
            return int(connection.execute(statement).fetchone()[0])
    return int(past_hmlr(place, statement)[0][0])


def holds(place: Place, word: str) -> bool:
    """Whether a word stands in the database: in its files, or in any row of a table."""
    if is_file(place):
        wanted = word.lower().encode()
        folder = Path(place).parent
        return any(wanted in file.read_bytes().lower() for file in folder.iterdir() if file.is_file())
    tables = past_hmlr(place, "SELECT oid::regclass FROM pg_class WHERE relkind = 'r' AND oid >= 16384")
    wanted = (
        "SELECT 1 FROM {} AS held WHERE position($1 IN lower(held::text)) > 0"
        " OR position(encode(convert_to($1, 'UTF8'), 'hex') IN held::text) > 0 LIMIT 1"
    )
    return any(past_hmlr(place, wanted.format(table), word.lower()) for (table,) in tables)


def past_hmlr(place: Place, statement: str, *values: Any) -> list[Any]:
    """The rows of a statement on PostgreSQL, asked by its administrator; none of several statements."""

    async def ask() -> list[Any]:
        connection = await asyncpg.connect(place)
        try:
            if ";" in statement:
                await connection.execute(statement)
                return []
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:  # the caller may be in an event loop
        return thread.submit(asyncio.run, ask()).result()
