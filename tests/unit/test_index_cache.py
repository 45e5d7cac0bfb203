"""The index in memory misses nothing that another process writes between two of its reads."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest

from hmlr.errors import LockTimeout
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.index_cache import IndexCache
from hmlr.records import SessionId, TurnId, UserId
from hmlr.store.search_records import ChunkColumns, IndexNews, IndexState, VectorBatch
from tests.store.making import encoded

pytestmark = pytest.mark.anyio
ADA = UserId("ada")


class Growing:
    """A store in which another process adds a paragraph with its vector after every read."""

    def __init__(self) -> None:
        self.count = 1

    async def index_news(self, _: object, __: object, known: IndexState) -> IndexNews:
        ids = self._next(known.last_chunk)
        vectors = VectorBatch(vector_nos=ids, chunk_ids=ids, encoded=encoded(np.ones((len(ids), 4))))
        state = IndexState(epoch=1, last_chunk=self.count, last_vector=self.count)
        return IndexNews(state=state, columns=self.columns(ids), vectors=vectors)

    async def finds_vectors(self, *_: object) -> bool:
        return False

    @staticmethod
    def columns(ids: Any) -> ChunkColumns:
        return ChunkColumns(
            chunk_ids=ids, message_nos=ids, term_counts=np.ones(len(ids), np.int32), occurred_us=ids,
            owners=np.ones(len(ids), np.bool_), lengths=np.ones(len(ids), np.int32),
            asks=np.zeros(len(ids), np.bool_), of_self=np.zeros(len(ids), np.bool_),
            speakers=tuple(f"speaker {n}" for n in ids),
            turn_ids=tuple(TurnId(f"t{n}") for n in ids), sessions=(SessionId("s"),) * len(ids),
        )  # fmt: skip

    def _next(self, after: int) -> Any:
        self.count += 1
        return np.arange(after + 1, self.count + 1)


async def test_no_vector_is_dropped():
    store = Growing()
    cache = IndexCache(store, max_bytes=10**9)  # type: ignore[arg-type]
    for _ in range(3):
        index = await cache.fresh(ADA, "m")
    assert index.n == index.vectors.count == store.count
    assert index.vectors.pooled[: index.n].any(axis=1).all()


class InParts(Growing):
    """A store of six paragraphs, told two at a time; rows go once, after its second part."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.asked, self.epoch = 6, 0, 1

    async def index_news(self, _: object, __: object, known: IndexState) -> IndexNews:
        self.asked += 1
        self.epoch += self.asked == 3
        state = IndexState(epoch=self.epoch, last_chunk=known.last_chunk + 2, last_vector=0)
        if known.epoch not in (-1, self.epoch):
            return IndexNews(state=state)
        ids = np.arange(known.last_chunk + 1, known.last_chunk + 3)
        return IndexNews(state=state, columns=self.columns(ids), more=state.last_chunk < self.count)


async def test_a_large_memory_is_read_part_by_part_and_anew_when_rows_go_meanwhile():
    store = InParts()
    index = await IndexCache(store, max_bytes=10**9).fresh(ADA, "m")  # type: ignore[arg-type]
    assert index.chunk_ids[: index.n].tolist() == [1, 2, 3, 4, 5, 6]
    assert store.asked == 6  # two parts, the news that rows have gone, three parts


async def test_speakers_that_come_in_leave_those_alone_that_a_search_walks_through():
    store = Growing()
    index = UserIndex()
    index.append(store.columns(np.arange(1, 3)))
    walked, before = index.speakers, dict(index.speakers)
    index.append(store.columns(np.arange(3, 4)))
    assert walked == before
    assert len(index.speakers) == len(before) + 1


async def test_what_was_used_longest_ago_gives_way_when_there_is_no_more_room():
    store = Growing()
    store._next = lambda after: np.arange(after + 1, store.count + 1)  # type: ignore[method-assign]
    whole = (await IndexCache(store, max_bytes=1).fresh(ADA, "m")).held_bytes  # type: ignore[arg-type]
    cache = IndexCache(store, max_bytes=5 * whole // 2)  # type: ignore[arg-type]
    ada, bob, cyd = [UserId(name) for name in ("ada", "bob", "cyd")]
    indexes = {user: await cache.fresh(user, "m") for user in (ada, bob)}
    assert await cache.fresh(ada, "m") is indexes[ada]  # both fit; bob's was used longest ago
    await cache.fresh(cyd, "m")
    assert await cache.fresh(ada, "m") is indexes[ada]
    assert await cache.fresh(bob, "m") is not indexes[bob]


async def test_one_index_stays_whatever_it_takes():
    store = Growing()
    cache = IndexCache(store, max_bytes=1)  # type: ignore[arg-type]
    assert await cache.fresh(ADA, "m") is await cache.fresh(ADA, "m")


async def test_what_was_taken_half_is_read_anew(monkeypatch: pytest.MonkeyPatch):
    store = Growing()
    cache = IndexCache(store, max_bytes=10**9)  # type: ignore[arg-type]
    await cache.fresh(ADA, "m")

    def fails(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr("hmlr.memory.retrieval.columns.VectorColumns.put", fails)
        with pytest.raises(MemoryError):
            await cache.fresh(ADA, "m")
    index = await cache.fresh(ADA, "m")
    assert index.n == index.vectors.count == store.count


class Busy(Growing):
    """A store that takes vectors into an index of its own at the second try."""

    offers = 0

    async def index_vectors(self, *_: object) -> int:
        self.offers += 1
        await asyncio.sleep(0.01)
        if self.offers == 1:
            raise LockTimeout("held")
        return self.count


async def test_what_could_not_be_offered_is_offered_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hmlr.memory.retrieval.index_cache.LARGE", 1)
    store = Busy()
    store._next = lambda after: np.arange(after + 1, store.count + 1)  # type: ignore[method-assign]
    store.count = 6
    cache = IndexCache(store, max_bytes=10**9)  # type: ignore[arg-type]
    for offers in (1, 2, 2):
        for _ in range(3):  # one at a time
            await cache.fresh(ADA, "m")
        await asyncio.gather(*cache._indexing.values())
        assert store.offers == offers
