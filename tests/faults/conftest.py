"""What the fault tests share."""

from __future__ import annotations

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
