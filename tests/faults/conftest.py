"""What the fault tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.figures import FULL


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def full() -> bool:
    """Whether the full figures are wanted, not the bounded ones."""
    return FULL


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | str]:
    """Where a memory is: a file, or an address."""
    yield tmp_path / "memory.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
