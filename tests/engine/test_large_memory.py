"""A memory too large to be read before its first answer, on PostgreSQL: answered at once, and by all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hmlr import HMLRClient, Message
from hmlr.memory.retrieval import index_cache
from hmlr.memory.retrieval.lattice import STILL_READING
from tests.postgres import Server, running
from tests.scripted.server import hash_embedder

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started
