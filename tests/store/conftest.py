"""A store of each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.making import slices


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
async def store(db_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await open_sqlite(db_path, slicer=slices)
    yield opened
    await opened.aclose()
