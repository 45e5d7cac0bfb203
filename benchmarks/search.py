"""Speed, storage and memory of search at growing sizes, beside a plain scan of float32 vectors.

    python -m benchmarks.search [--sizes 1000,10000,100000,1000000] [--questions 50] [--db FILE]

One user. The real model encodes a few thousand different messages; the others are these again, somewhat
changed and with a term of their own: encoding a million would take an hour and tell nothing about search.
Everything is stored as the engine stores it and asked through `HMLRClient.recall`, on one core. A database
that is named is kept and taken up again: to fill a million takes half an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.talk import questions, talk
from hmlr import HMLRClient, Message, Settings
from hmlr.core.services import open_services, utc_now
from hmlr.memory.embeddings import EmbeddingService, embedder_spec
from hmlr.memory.embeddings.port import Said
from hmlr.memory.intake import Intake, new_chunks
from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.index import UserIndex
from hmlr.records import ChunkId, SessionId, UserId
from hmlr.store.encoded import LEVELS, Encoded
from hmlr.store.records import AddVectors
from hmlr.store.sqlite.store import open_sqlite

T = TypeVar("T", bound=np.generic)
USER = UserId("bench")
MODEL_ID = "all-minilm-l6-v2-int8"
POOL = 4000  # messages that the model really encodes
BATCH = 5000
FLIPPED = 0.05  # of the signs of a copy; its levels are moved by one at most, so that no two are equal
SESSION = 40  # messages
# The beginnings of their names, indexes too.
SEARCH_TABLES = (
    "vectors",
    "ix_vectors",
    "sqlite_autoindex_vectors",
    "models",
    "chunks",
    "ix_chunks",
    "chunk_terms",
)


class Copies:
    """Messages without end, made of the pool, with their vectors."""

    def __init__(self, said: Sequence[Message], encoded: Encoded) -> None:
        self._said = said
        self._pool = encoded
        self._token_ends = np.cumsum(encoded.token_counts, dtype=np.int64)
        self._piece_ends = np.cumsum(encoded.piece_counts, dtype=np.int64)
        self._random = np.random.default_rng(1)

    def message(self, number: int) -> Message:
        """The message of that number; the first of the pool are as they are."""
        original = self._said[number % len(self._said)]
        own = "" if number < len(self._said) else f" n{number}"
        at = self._said[0].occurred_at
        assert at is not None  # noqa: S101 - the generator dates every message
        return Message(content=original.content + own, occurred_at=at + timedelta(minutes=7 * number))

    def encoded(self, numbers: Sequence[int]) -> Encoded:
        """Their vectors."""
        picked = np.array(numbers, np.int64) % len(self._said)
        tokens = self._runs(self._pool.tokens, self._token_ends, picked)
        flips = np.packbits(self._random.random((len(tokens), 8 * tokens.shape[1])) < FLIPPED, axis=1)
        moved = self._pool.pooled[picked] + self._random.integers(-1, 2, (len(picked), self._pool.dim))
        return Encoded(
            pooled=np.clip(moved, -LEVELS, LEVELS).astype(np.int8),
            tokens=tokens ^ flips,
            token_counts=self._pool.token_counts[picked],
            pieces=self._runs(self._pool.pieces, self._piece_ends, picked),
            piece_counts=self._pool.piece_counts[picked],
        )

    @staticmethod
    def _runs(values: NDArray[T], ends: NDArray[np.int64], picked: NDArray[np.int64]) -> NDArray[T]:
        starts = np.concatenate([[0], ends[:-1]])
        return np.concatenate([values[starts[each] : ends[each]] for each in picked])


async def fill(path: Path, copies: Copies, start: int, end: int) -> None:
    """Store messages with their vectors, and no jobs."""
    store = await open_sqlite(path, slicer=new_chunks, durability="fast")
    intake = Intake(owner_name=None, max_message_chars=100_000)
    for at in range(start, end, BATCH):
        numbers = range(at, min(at + BATCH, end))
        new = [
            intake.turn(
                copies.message(number),
                session_id=SessionId(f"s{number // SESSION}"),
                now=utc_now(),
                jobs=(),
            )
            for number in numbers
        ]
        added = await store.add_turns(USER, new)
        rows = await store.turn_chunks(USER, [each.turn_id for each in added])
        ids = tuple(ChunkId(row.chunk_id) for row in rows)
        await store.apply(
            USER, [AddVectors(model_id=MODEL_ID, chunk_ids=ids, encoded=copies.encoded(numbers))]
        )
    await store.aclose()


async def stored(path: Path) -> int:
    """How many messages the file holds."""
    store = await open_sqlite(path, slicer=new_chunks, durability="fast")
    count = (await store.stats(USER)).messages
    await store.aclose()
    return count


def timed_ms(work: Callable[[], object], rounds: int) -> list[float]:
    """Milliseconds of each round."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return taken


def p50_p95(values: Sequence[float]) -> str:
    """Two figures of a table."""
    ranked = sorted(values)
    return f"{statistics.median(ranked):.1f} / {ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]:.1f}"


async def measure(path: Path, asked: Sequence[str], count: int) -> str:
    """A row of the table."""
    settings = Settings.load(model="offline", embedder="minilm")
    async with HMLRClient(path, USER, settings=settings) as hmlr:
        start = time.perf_counter()
        await hmlr.recall("warm up")
        loaded_s = time.perf_counter() - start
        taken = []
        for question in asked:
            start = time.perf_counter()
            await hmlr.recall(question)
            taken.append(1000 * (time.perf_counter() - start))
    same, index = await agreement(path, asked[:20])
    matrix = np.random.default_rng(0).standard_normal((count, index.vectors.dim), np.float32)
    query = matrix[0].copy()
    plain = timed_ms(lambda: np.argpartition(-(matrix @ query), 10)[:10], 20)
    return (
        f"| {count:,} | {p50_p95(taken)} | {p50_p95(plain)} | {same:.3f} | {search_bytes(path) / count:,.0f} "
        f"| {index.held_bytes / 1e6:,.0f} | {matrix.nbytes / 1e6:,.0f} | {loaded_s:.1f} |"
    )


async def agreement(path: Path, asked: Sequence[str]) -> tuple[float, UserIndex]:
    """Share of the first ten of a full scan that are among the first ten of the candidates; the index."""
    services = await open_services(Settings.load(model="offline", embedder="minilm", db_path=str(path)))
    shares = []
    for question in asked:
        query = SearchQuery(text=question, limit=10, now=utc_now())
        search, _ = await services.lattice.prepared(USER, query)
        near, full = (each.chunk_ids[:10].tolist() for each in (search.scored(), search.scored(search.n)))
        shares.append(len(set(near) & set(full)) / 10)
    index = await services.lattice.index(USER)
    await services.aclose()
    return statistics.mean(shares), index


def search_bytes(path: Path) -> int:
    """Bytes of the file that search data take."""
    with sqlite3.connect(path) as raw:
        sizes = dict(raw.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    return int(sum(size for name, size in sizes.items() if name.startswith(SEARCH_TABLES)))


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--questions", type=int, default=50)
    parser.add_argument("--db", type=Path, help="a file to fill and keep")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    settings = Settings.load(model="offline")
    spec = embedder_spec("minilm", settings.cache)
    assert spec is not None  # noqa: S101 - it is named
    service = EmbeddingService(spec)
    said = list(talk(min(POOL, max(sizes))))
    encoded = await service.encode([Said(text=each.content) for each in said])
    await service.aclose()
    copies = Copies(said, encoded)
    asked = [*questions(said, options.questions)]
    random.Random(0).shuffle(asked)
    os.sched_setaffinity(0, {0})
    print("| chunks | recall p50 / p95 ms | float32 scan p50 / p95 ms | of the full scan's top 10 ", end="")
    print("| bytes a message | index MB | float32 MB | first recall s |\n" + "|---:" * 8 + "|")
    with tempfile.TemporaryDirectory() as folder:
        path = options.db or Path(folder) / "b.db"
        done = await stored(path)
        for size in (size for size in sizes if size >= done):
            await fill(path, copies, done, size)
            done = size
            print(await measure(path, asked, size), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
