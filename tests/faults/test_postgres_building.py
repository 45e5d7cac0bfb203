"""An index of vectors that takes long to build: nobody waits for it, and one cut short is built anew."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from hmlr.errors import ClosedError
from hmlr.records import ChunkId
from hmlr.store.care_records import ErasePlan
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import PostgresStore, open_postgres
from hmlr.store.records import AddVectors
from tests.places import past_hmlr
from tests.store.making import ADA, NOW, encoded, slices, turn, unit_rows
from tests.store.reading import chunk_ids_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(60)]

BUILDING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND datname = current_database()"


async def opened(address: str) -> PostgresStore:
    return await open_postgres(Reach(url=address, lock_timeout_s=0.5), slicer=slices)


async def filled(store: PostgresStore) -> list[ChunkId]:
    """Ada says something with six vectors."""
    await store.add_turns(ADA, [turn("\n".join("abcdef"))])
    ids = list(await chunk_ids_of(store, ADA))
    vectors = encoded(unit_rows(6))
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=tuple(ids), encoded=vectors)])
    return ids


@asynccontextmanager
async def older_moment(address: str) -> AsyncIterator[None]:
    """Somebody holds a snapshot, for which a build waits at its end."""
    other = await asyncpg.connect(address)
    try:
        async with other.transaction(isolation="repeatable_read"):
            await other.execute("SELECT 1 FROM models")
            yield
    finally:
        await other.close()


async def begun(store: PostgresStore, address: str) -> asyncio.Task[int]:
    """A build that goes on."""
    build = asyncio.create_task(store.index_vectors(ADA, "m"))
    async with asyncio.timeout(10):
        while not past_hmlr(address, f"{BUILDING} AND wait_event = 'virtualxid'"):
            assert not build.done()
            await asyncio.sleep(0.02)
    return build


async def test_who_forgets_does_not_wait_for_a_build(postgres_url: str) -> None:
    store = await opened(postgres_url)
    ids = await filled(store)
    async with older_moment(postgres_url):
        build = await begun(store, postgres_url)
        assert not await store.finds_vectors(ADA, "m")
        (row,) = await store.chunks(ADA, ids[:1])
        plan = ErasePlan(scope="turn", target=row.message.turn_id, turn_ids=(row.message.turn_id,))
        assert (await store.erase(ADA, plan, now=NOW)).vectors == 6
        assert not build.done()
    assert await build == 6
    assert await store.finds_vectors(ADA, "m")
    assert await store.nearest(ADA, "m", unit_rows(1)[0], 9) == []
    await store.aclose()


async def test_a_close_cuts_a_build_short_and_the_next_one_begins_anew(postgres_url: str) -> None:
    store = await opened(postgres_url)
    ids = await filled(store)
    async with older_moment(postgres_url):
        build = await begun(store, postgres_url)
        start = time.monotonic()
        await store.aclose()
        assert time.monotonic() - start < 2
        with pytest.raises(ClosedError):
            await build
        assert not past_hmlr(postgres_url, BUILDING)
    store = await opened(postgres_url)
    assert not await store.finds_vectors(ADA, "m")
    assert await store.index_vectors(ADA, "m") == 0
    assert await store.finds_vectors(ADA, "m")
    assert sorted(await store.nearest(ADA, "m", unit_rows(1)[0], 9)) == ids
    await store.aclose()


async def test_a_build_is_begun_once(postgres_url: str) -> None:
    first, second = await opened(postgres_url), await opened(postgres_url)
    await filled(first)
    async with older_moment(postgres_url):
        build = await begun(first, postgres_url)
        assert await second.index_vectors(ADA, "m") == 0
        assert not build.done()
    await build
    assert await second.finds_vectors(ADA, "m")
    await first.aclose()
    await second.aclose()


async def test_the_latest_vector_is_found_by_an_index(postgres_url: str) -> None:
    store = await opened(postgres_url)
    await filled(store)
    await store.index_vectors(ADA, "m")
    await store.aclose()
    found = past_hmlr(postgres_url, "SELECT indexdef FROM pg_indexes WHERE tablename LIKE 'points%'")
    assert any(row["indexdef"].endswith("(vector_no)") for row in found)
