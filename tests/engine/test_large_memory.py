"""A memory too large to be read before its first answer, on PostgreSQL: answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.memory.retrieval import index_cache
from hmlr.memory.retrieval.lattice import STILL_READING
from hmlr.records import Hits
from hmlr.testing import hash_embedder
from tests.postgres import Server

pytestmark = pytest.mark.anyio
START = datetime(2026, 1, 1, tzinfo=UTC)
PLACES = ("Bergen", "Oslo", "Tromso", "Narvik", "Molde", "Hamar", "Bodo")
THINGS = ("ferry", "lamp", "boat", "stove", "garden", "piano", "bridge", "lantern", "well", "mill", "orchard")


@pytest.fixture
def address(postgres_server: Server) -> Iterator[str]:
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


def talk(count: int) -> list[Message]:
    return [
        Message(
            content=f"In {PLACES[number % 7]} the {THINGS[number % 11]} number {number} was painted again.",
            occurred_at=START + timedelta(minutes=number),
        )
        for number in range(count)
    ]


def opened(address: str) -> HMLRClient:
    return HMLRClient(address, "ada", model="offline", embedder=hash_embedder())


def told(hits: Hits) -> list[str]:
    return [hit.text for hit in hits.items]


async def until(done: object) -> None:
    async with asyncio.timeout(15):
        while not await done():  # type: ignore[operator]
            await asyncio.sleep(0.05)


async def test_the_first_answer_does_not_wait(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_cache, "LARGE", 100)
    monkeypatch.setattr(index_cache, "LATEST", 20)
    questions = ("the piano in Hamar", "Where is lantern number 95?", "What was painted in Bodo?")
    async with opened(address) as hmlr:
        await hmlr.remember(talk(150))
        assert await hmlr.flush(30)
        whole = [told(await hmlr.recall(question)) for question in questions]
        store = hmlr._member.services.store
        await until(lambda: store.finds_vectors(hmlr.user_id, hash_embedder().model_id))
    async with opened(address) as hmlr:
        monkeypatch.setattr(index_cache.IndexCache, "_read", _never)
        first = [await hmlr.recall(question) for question in questions]
        assert all(STILL_READING in hits.degraded for hits in first)
        for hits, known in zip(first, whole, strict=True):
            assert told(hits)[0] == known[0]
            assert len(set(told(hits)) & set(known)) >= 8
        monkeypatch.undo()
        for task in hmlr._member.services.lattice._indexes._reading.values():
            task.cancel()
    async with opened(address) as hmlr:
        monkeypatch.setattr(index_cache, "LARGE", 100)
        await hmlr.recall(questions[0])

        async def read() -> bool:
            return not (await hmlr.recall(questions[0])).degraded

        await until(read)
        assert [told(await hmlr.recall(question)) for question in questions] == whole


async def _never(*_: object) -> None:
    await asyncio.sleep(3600)
