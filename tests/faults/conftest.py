"""What the fault tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def db_path(tmp_path: Path) -> Path:
    return tmp_path / "memory.db"


@pytest.fixture
def full() -> bool:
    """Whether the full figures are wanted, not the bounded ones."""
    return os.environ.get("HMLR_FAULTS") == "full"
