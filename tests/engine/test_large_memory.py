"""A memory too large to be read before its first answer, on PostgreSQL: answered at once, and by all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.postgres import Server, running

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started
