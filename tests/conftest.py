"""Fixtures and guards for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.alone import place_among_workers
from tests.blocking import watch
from tests.postgres import Server, running


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before a test's time begins to count
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test marked `alone` has the machine to itself."""
    with place_among_workers(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A real PostgreSQL server; each test that asks for one takes a database of its own."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server) -> Iterator[str]:
    """The address of an empty memory on PostgreSQL."""
    address = postgres_server.database()
    yield address
    postgres_server.drop(address)


@pytest.fixture
def anyio_backend() -> str:
    """HMLR runs on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test never spends somebody's money: the keys and addresses of the environment are gone."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_", "XAI_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[None]:
    """A blocking call of HMLR on the event loop fails the test."""
    watcher = watch()
    watcher.activate()
    yield
    watcher.deactivate()
