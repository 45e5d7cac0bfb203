"""Speed of a turn and of recall at growing sizes, and of ingestion beside the bare embedder.

    python -m benchmarks.speed [--sizes 1000,10000,100000] [--turns 30]

Messages are made by a seeded generator of our own. A turn is `chat` with the built-in provider, so that all
of it is ours: storing durably, embedding, routing, search, facts, hydration, answer, storing the reply.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hmlr import HMLRClient, Message, Settings
from hmlr.memory.embeddings import EmbeddingService, embedder_spec

PEOPLE = ("Ingrid", "Tomas", "Mei", "Omar", "Lucia", "Noah", "Priya", "Elias")
PLACES = ("the harbour", "Bergen", "the old library", "the office", "Kyoto", "the allotment", "Lisbon")
THINGS = (
    "a wooden boat",
    "the quarterly report",
    "a sourdough loaf",
    "the garden fence",
    "a violin",
    "the tax form",
)
DOING = ("repaired", "talked about", "bought", "lost", "photographed", "planned", "argued over", "painted")
TAILS = (
    "and it took all day",
    "which was a relief",
    "before the rain came",
    "for the second time",
    "with some help",
)


def messages(count: int, seed: int = 7) -> list[Message]:
    """Short chat messages, about 75 characters, over three years."""
    dice = random.Random(seed)
    start = datetime(2023, 1, 1, tzinfo=UTC)
    return [
        Message(
            content=f"{dice.choice(PEOPLE)} and I {dice.choice(DOING)} {dice.choice(THINGS)} near "
            f"{dice.choice(PLACES)} {dice.choice(TAILS)}, item {number} on the list.",
            occurred_at=start + timedelta(minutes=number * 15),
        )
        for number in range(count)
    ]


def line(name: str, seconds: list[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    ranked = sorted(seconds)
    p95 = ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]
    return f"{name:28} p50 {1000 * statistics.median(ranked):8.1f} ms   p95 {1000 * p95:8.1f} ms"


async def ingestion(settings: Settings, count: int) -> None:
    """Messages a second until all is stored and searchable by meaning, beside the embedder alone."""
    said = messages(count)
    service = EmbeddingService(embedder_spec("minilm", settings.cache))
    await service.embed(["warm"])
    start = time.perf_counter()
    await service.embed([message.content for message in said])
    bare = count / (time.perf_counter() - start)
    await service.aclose()
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(Path(folder) / "b.db", "bench", settings=settings) as hmlr:
            await hmlr.recall("warm")
            start = time.perf_counter()
            for at in range(0, count, 256):
                await hmlr.remember(said[at : at + 256])
            stored = count / (time.perf_counter() - start)
            while (await hmlr.stats()).vectors < count:
                await asyncio.sleep(0.02)
            embedded = count / (time.perf_counter() - start)
            await hmlr.flush()
            digested = count / (time.perf_counter() - start)
    print(f"ingestion of {count} messages, messages a second:")
    print(
        f"  bare embedder {bare:.0f}, stored {stored:.0f}, with vectors {embedded:.0f} "
        f"({100 * embedded / bare:.0f} %), with topics and facts {digested:.0f} "
        f"({100 * digested / bare:.0f} %)"
    )


async def sizes(settings: Settings, counts: list[int], turns: int) -> None:
    """A turn and a recall at each size; the store grows from one size to the next."""
    said = messages(max(counts))
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(Path(folder) / "b.db", "bench", settings=settings) as hmlr:
            done = 0
            for count in counts:
                for at in range(done, count, 1000):
                    await hmlr.remember(said[at : min(at + 1000, count)])
                await hmlr.flush()
                done = count
                await measure(hmlr, count, turns)


async def measure(hmlr: HMLRClient, count: int, turns: int) -> None:
    """Time recalls and turns now."""
    await hmlr.recall("warm up")
    recalls, chats = [], []
    for number in range(turns):
        question = f"When did {PEOPLE[number % 8]} and I see {THINGS[number % 6]} near {PLACES[number % 7]}?"
        start = time.perf_counter()
        await hmlr.recall(question)
        recalls.append(time.perf_counter() - start)
    for number in range(turns):
        start = time.perf_counter()
        reply = await hmlr.chat(f"Did {PEOPLE[number % 8]} like {THINGS[number % 6]}?", session_id="speed")
        chats.append(time.perf_counter() - start)
    print(f"{count} chunks")
    print("  " + line("recall", recalls))
    print("  " + line("a turn, all but the model", chats))
    print(f"  stages of the last turn, ms: {dict(reply.timings_ms)}")


async def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--ingest", type=int, default=3000)
    parser.add_argument("--embedder", default="minilm")
    options = parser.parse_args()
    settings = Settings.load(embedder=options.embedder)
    if options.ingest:
        await ingestion(settings, options.ingest)
    await sizes(settings, [int(size) for size in options.sizes.split(",")], options.turns)


if __name__ == "__main__":
    asyncio.run(main())
