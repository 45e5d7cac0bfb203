"""A store of each adapter. A test that asks for `db_path`, too, is about files and runs on SQLite alone."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from hmlr.store.port import Store
from hmlr.store.postgres.settings import Reach
from tests.moving import enrich, opened, small
from tests.opening import Place, is_file, open_place
from tests.postgres import Server
from tests.store.making import slices


@pytest.fixture
def place(database: Place) -> Path | Reach:
    """Where a test's database is."""
    return Path(database) if is_file(database) else Reach(url=database)


@pytest.fixture
async def store(place: Path | Reach) -> AsyncIterator[Store]:
    opened = await open_store(place)
    yield opened
    await opened.aclose()


async def open_store(place: Path | Reach) -> Store:
    return await open_place(place.url if isinstance(place, Reach) else str(place), slicer=slices)


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
