"""Fixtures and guards for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.blocking import watch


@pytest.fixture
def anyio_backend() -> str:
    """HMLR runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """A blocking call of HMLR on the event loop fails the test."""
    watcher = watch()
    watcher.activate()
    yield
    watcher.deactivate()
