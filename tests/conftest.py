"""Fixtures and guards for all tests."""

from __future__ import annotations

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """HMLR runs on asyncio."""
    return "asyncio"
