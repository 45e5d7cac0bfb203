"""Search data of a user, read whole."""

from __future__ import annotations

from hmlr.records import ChunkId, UserId
from hmlr.store.port import SearchStore
from hmlr.store.search_records import UNREAD, ChunkColumns, IndexNews, IndexState, VectorBatch


async def state_of(store: SearchStore, user: UserId, model_id: str) -> IndexState:
    """How far it has come."""
    return (await _all(store, user, model_id)).state


async def columns_of(store: SearchStore, user: UserId) -> ChunkColumns:
    """All chunks."""
    columns = (await _all(store, user, None)).columns
    assert columns is not None
    return columns


async def chunk_ids_of(store: SearchStore, user: UserId) -> tuple[ChunkId, ...]:
    """The ids of all chunks."""
    return tuple(ChunkId(int(each)) for each in (await columns_of(store, user)).chunk_ids)


async def has_vectors(store: SearchStore, user: UserId, model_id: str) -> bool:
    """Whether there is a vector of that model."""
    return (await _all(store, user, model_id)).vectors is not None


async def vectors_of(store: SearchStore, user: UserId, model_id: str) -> VectorBatch:
    """All vectors of that model, of which there are some."""
    batch = (await _all(store, user, model_id)).vectors
    assert batch is not None
    return batch


async def _all(store: SearchStore, user: UserId, model_id: str | None) -> IndexNews:
    news = await store.index_news(user, model_id, UNREAD)
    assert not news.more, "the memory is too large to be read at once"
    return news
