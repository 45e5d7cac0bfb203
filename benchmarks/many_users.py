"""Search with many users, and with a very large one, on a file or on PostgreSQL.

    python -m benchmarks.many_users [--users 1000] [--turns 1000] [--large 1000000] [--db FILE|URL]

A server of the tests' own is started when --db is "postgres". Messages and vectors are those of
`benchmarks.search`: a few thousand really encoded, the others copies, somewhat changed. What is there
already is taken up again. Printed are, for users taken at random, the first question (which reads the
user's memory) and the following ones, the share of a full scan's first ten that are found, bytes, and
what a user with ten messages among all the others gets. For the large user also what the database finds
by itself: the share of the ten nearest by all vectors that is among the candidates which search asks for,
its time, and the size of that index.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from benchmarks.search import BATCH, MODEL_ID, POOL, SEARCH_TABLES, SESSION, Copies, p50_p95
from benchmarks.talk import questions, talk
from hmlr import HMLRClient, Settings
from hmlr.core.services import open_services, open_store, utc_now
from hmlr.memory.embeddings import EmbeddingService, embedder_spec
from hmlr.memory.embeddings.port import Said
from hmlr.memory.intake import Intake
from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.partial import CANDIDATES
from hmlr.records import ChunkId, SessionId, UserId
from hmlr.store.port import Store
from hmlr.store.records import AddVectors
from hmlr.store.search_records import UNREAD, IndexNews
from hmlr.store.sql.store import SqlStore

LARGE, SMALL = UserId("large"), UserId("small")
SAMPLED = 50  # users
NEAREST = 100  # questions to the database's own index


async def fill(store: Store, user: UserId, copies: Copies, count: int, first: int) -> None:
    """Store so many messages of a user with their vectors, and no jobs; those that are there are left."""
    intake = Intake(owner_name=None, max_message_chars=100_000)
    there = (await store.stats(user)).messages
    for at in range(there, count, BATCH):
        numbers = [first + number for number in range(at, min(at + BATCH, count))]
        new = [
            intake.turn(
                copies.message(number), session_id=SessionId(f"s{number // SESSION}"), now=utc_now(), jobs=()
            )
            for number in numbers
        ]
        added = await store.add_turns(user, new)
        rows = await store.turn_chunks(user, [each.turn_id for each in added])
        ids = tuple(ChunkId(row.chunk_id) for row in rows)
        vectors = AddVectors(model_id=MODEL_ID, chunk_ids=ids, encoded=copies.encoded(numbers))
        await store.apply(user, [vectors])


async def asked_of(
    settings: Settings, user: UserId, asked: Sequence[str]
) -> tuple[list[float], float, float]:
    """Milliseconds of each question, the first of which reads the memory; agreement; megabytes in memory."""
    async with HMLRClient(user_id=user, settings=settings) as hmlr:
        taken = []
        for question in asked:
            start = time.perf_counter()
            await hmlr.recall(question)
            taken.append(1000 * (time.perf_counter() - start))
    services = await open_services(settings)
    shares = []
    for question in asked[:10]:
        query = SearchQuery(text=question, limit=10, now=utc_now())
        await whole(services.lattice, user)
        search, _ = await services.lattice.prepared(user, query)
        near, full = (each.chunk_ids[:10].tolist() for each in (search.scored(), search.scored(search.n)))
        shares.append(len(set(near) & set(full)) / max(len(full), 1))
    size = (await services.lattice.index(user)).held_bytes / 1e6
    await services.aclose()
    return taken, statistics.mean(shares), size


async def whole(lattice: Any, user: UserId) -> None:
    """Wait until all of a large memory is read."""
    while (await lattice.index(user)).of is not None:
        await asyncio.sleep(0.2)


async def users_table(settings: Settings, users: int, turns: int, asked: Sequence[str]) -> None:
    """Print what users taken at random get."""
    chance = random.Random(1)
    first, later, shares, sizes = [], [], [], []
    for number in chance.sample(range(users), min(SAMPLED, users)):
        taken, share, size = await asked_of(settings, UserId(f"user{number}"), chance.sample(asked, 12))
        first.append(taken[0])
        later += taken[1:]
        shares.append(share)
        sizes.append(size)
    print(f"{users:,} users of {turns:,} messages, {len(first)} asked 12 questions each")
    print(f"  first question p50 / p95 ms    {p50_p95(first)}  (opens, reads the memory, loads the model)")
    print(f"  following p50 / p95 ms         {p50_p95(later)}")
    print(f"  of the full scan's ten         {statistics.mean(shares):.3f}")
    print(f"  in memory a user               {statistics.mean(sizes):.2f} MB", flush=True)


async def small_user(settings: Settings) -> None:
    """Print what a user with ten messages among all others gets."""
    async with HMLRClient(user_id=SMALL, settings=settings) as hmlr:
        hits = await hmlr.recall("What did I say about the boat?", limit=10)
    print(f"a user with 10 messages among all these gets {len(hits.items)} of his 10", flush=True)


async def large_table(settings: Settings, count: int, asked: Sequence[str]) -> None:
    """Print what the large user gets, by the engine and by the database's own index."""
    taken, share, size = await asked_of(settings, LARGE, asked[:40])
    print(f"a user of {count:,} messages")
    print(f"  first question                 {taken[0] / 1000:.1f} s")
    print(f"  following p50 / p95 ms         {p50_p95(taken[1:])}")
    print(f"  of the full scan's ten         {share:.3f}, in memory {size:,.0f} MB")
    store = await open_store(settings)
    start = time.perf_counter()
    added = await store.index_vectors(LARGE, MODEL_ID)
    built_s = time.perf_counter() - start
    if await store.finds_vectors(LARGE, MODEL_ID):
        ids, rows = await pooled(store)
        chance = np.random.default_rng(2)
        times, shares = [], []
        for place in chance.integers(0, len(rows), NEAREST):
            noise = np.asarray(chance.standard_normal(rows.shape[1]), np.float32)
            wanted = rows[place] + np.float32(0.015) * noise
            exact = set(ids[np.argpartition(-(rows @ wanted), 10)[:10]].tolist())
            start = time.perf_counter()
            found = await store.nearest(LARGE, MODEL_ID, wanted, CANDIDATES)
            times.append(1000 * (time.perf_counter() - start))
            shares.append(len(exact & set(found)) / 10)
        print(f"  the database's own index       {added:,} vectors taken in {built_s:.0f} s")
        print(f"    p50 / p95 ms                 {p50_p95(times)}")
        print(f"    has of the ten nearest       {statistics.mean(shares):.3f}, in {CANDIDATES} candidates")
        if isinstance(store, SqlStore):
            print(f"    bytes                        {await store._gate.read(None, _points_bytes):,}")
    await store.aclose()


async def pooled(store: Store) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The large user's chunks with vectors, `(n,)`, and these vectors, `(n, dim)`, unit rows."""
    ids, rows, news = [], [], IndexNews(state=UNREAD, more=True)
    while news.more:
        news = await store.index_news(LARGE, MODEL_ID, news.state)
        if news.vectors is not None:
            part = news.vectors.encoded.pooled.astype(np.float32)
            ids.append(news.vectors.chunk_ids)
            rows.append(part / np.linalg.norm(part, axis=1, keepdims=True))
    return np.concatenate(ids), np.concatenate(rows)


def _points_bytes(connection: Connection) -> int:
    found = text(
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE 'points%' AND relkind = 'r'"
    )
    return int(connection.execute(found).scalar() or 0)


def _search_bytes(connection: Connection) -> int:
    """Bytes that search data take in the database."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
        return int(sum(size for name, size in found if name.startswith(SEARCH_TABLES)))
    named = text(
        "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
        " WHERE relname IN ('chunks', 'vectors', 'chunk_terms', 'models')"
    )
    return int(connection.execute(named).scalar() or 0)


async def run(settings: Settings, users: int, turns: int, large: int) -> None:
    """Fill what is missing and print the tables."""
    spec = embedder_spec("minilm", settings.cache)
    assert spec is not None  # noqa: S101 - it is named
    service = EmbeddingService(spec)
    said = list(talk(POOL))
    copies = Copies(said, await service.encode([Said(text=each.content) for each in said]))
    await service.aclose()
    store = await open_store(settings)
    start = time.perf_counter()
    for number in range(users):
        await fill(store, UserId(f"user{number}"), copies, turns, number * turns)
    await fill(store, SMALL, copies, 10, 0)
    await fill(store, LARGE, copies, large, users * turns)
    print(f"filled in {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if isinstance(store, SqlStore):
        size = await store._gate.read(None, _search_bytes)
        print(f"search data: {size:,} bytes, {size / max(users * turns + large, 1):,.0f} a message")
    await store.aclose()
    asked = [*questions(said, 200)]
    random.Random(0).shuffle(asked)
    if users:
        await users_table(settings, users, turns, asked)
    await small_user(settings)
    if large:
        await large_table(settings, large, asked)


def main() -> None:
    """Run on the database that is named, or on one that is thrown away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--db", default="", help="a file, an address, or `postgres`")
    options = parser.parse_args()
    with ExitStack() as stack:
        place = options.db or str(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "b.db")
        if place == "postgres":
            from tests.postgres import running

            place = stack.enter_context(running()).database()
        settings = Settings.load(
            model="offline", embedder="minilm", db_path=place, durability="fast", lock_timeout_s=60.0
        )
        asyncio.run(run(settings, options.users, options.turns, options.large))


if __name__ == "__main__":
    main()
