"""A store of each adapter. A test that asks for `db_path`, too, is about files and runs on SQLite alone."""

from __future__ import annotations

import asyncio
import inspect
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hmlr.store.port import Store
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres
from hmlr.store.sqlite.store import open_sqlite
from tests.moving import enrich, opened, small
from tests.postgres import Server
from tests.store.making import slices


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "adapter" in metafunc.fixturenames:
        of_files = "db_path" in inspect.signature(metafunc.function).parameters
        metafunc.parametrize("adapter", ["sqlite"] if of_files else ["sqlite", "postgres"])


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def place(adapter: str, request: pytest.FixtureRequest) -> Iterator[Path | Reach]:
    """Where a test's database is."""
    if adapter == "sqlite":
        yield request.getfixturevalue("db_path")
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.database()
    yield Reach(url=url)
    server.drop(url)


@pytest.fixture
async def store(place: Path | Reach) -> AsyncIterator[Store]:
    opened = await open_store(place)
    yield opened
    await opened.aclose()


async def open_store(place: Path | Reach) -> Store:
    if isinstance(place, Reach):
        return await open_postgres(place, slicer=slices)
    return await open_sqlite(place, slicer=slices)


@pytest.fixture(scope="session")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory in which everything is; read by many tests and changed by none."""
    path = tmp_path_factory.mktemp("rich") / "memory.db"
    asyncio.run(enrich(path))
    return path


@pytest.fixture
def own(rich: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copy(rich, tmp_path / "memory.db"))


@pytest.fixture
def url(postgres_server: Server) -> Iterator[str]:
    """A database with the schema and nothing in it."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def empty(postgres_server: Server) -> Iterator[str]:
    """A database in which nothing was ever built."""
    url = postgres_server.empty()
    yield url
    postgres_server.drop(url)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Store]:
    """A small memory to be moved."""
    made = await opened(tmp_path / "source.db")
    await small(made)
    yield made
    await made.aclose()
