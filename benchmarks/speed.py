"""Speed of a turn and of recall at growing sizes, and of ingestion beside the bare embedder.

    python -m benchmarks.speed [--sizes 1000,10000,100000] [--turns 30] [--ingest 3000]

Messages are made by a seeded generator of our own (benchmarks/talk.py). A turn is `chat` with the built-in
provider, so that all of it is ours: storing durably, embedding, routing, search, facts, hydration, answer,
storing the reply. A stall is the longest time that the event loop did not run, while turns were timed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.talk import questions, talk
from hmlr import HMLRClient, Message, Settings
from hmlr.memory.embeddings import EmbedderSpec, EmbeddingService, embedder_spec
from hmlr.testing import hash_embedder

BATCH = 1000  # messages in one remember()
TICK_S = 0.002


class Pulse:
    """The longest time in seconds that the event loop was late."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def beat(self) -> None:
        """Run until cancelled."""
        last = time.perf_counter()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last - TICK_S)
            last = now


async def timed(work: Callable[[str], Awaitable[object]], asked: Sequence[str]) -> tuple[str, float]:
    """Median and 95th percentile in ms as table cells, and the longest stall in ms."""
    pulse = Pulse()
    beating = asyncio.create_task(pulse.beat())
    seconds = []
    for question in asked:
        start = time.perf_counter()
        await work(question)
        seconds.append(time.perf_counter() - start)
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating
    ranked = sorted(seconds)
    p95 = ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))]
    return f"{1000 * statistics.median(ranked):.1f} / {1000 * p95:.1f}", 1000 * pulse.longest


async def embedder_alone(spec: EmbedderSpec, said: Sequence[Message]) -> float:
    """Messages a second of the embedder with nothing else to do."""
    service = EmbeddingService(spec)
    await service.embed(["warm"])
    start = time.perf_counter()
    await service.embed([message.content for message in said])
    rate = len(said) / (time.perf_counter() - start)
    await service.aclose()
    return rate


async def ingestion(settings: Settings, spec: EmbedderSpec, count: int) -> None:
    """Messages a second until all is stored and searchable by meaning, beside the embedder alone."""
    said = list(talk(count))
    # Before and after, because other programs take their share of the machine at times.
    bare = [await embedder_alone(spec, said)]
    rates = {"bare embedder": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(Path(folder) / "b.db", "bench", settings=settings, embedder=spec) as hmlr:
            await hmlr.recall("warm")
            start = time.perf_counter()
            for at in range(0, count, BATCH):
                await hmlr.remember(said[at : at + BATCH])
            rates["stored durably, found by words"] = count / (time.perf_counter() - start)
            while (await hmlr.stats()).vectors < count:
                await asyncio.sleep(0.2)  # counting costs, too
            rates["found by meaning"] = count / (time.perf_counter() - start)
            await hmlr.flush()
            rates["topics and facts made"] = count / (time.perf_counter() - start)
    rates["bare embedder"] = statistics.mean([*bare, await embedder_alone(spec, said)])
    print(f"| {count:,} messages | messages/s | of the bare embedder |\n|---|---:|---:|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {100 * rate / rates['bare embedder']:.0f} % |")
    print()


async def sizes(settings: Settings, spec: EmbedderSpec, counts: list[int], turns: int) -> None:
    """A turn and a recall at each size; the store grows from one size to the next."""
    made = talk(max(counts))
    print("| chunks | facts | topics | recall p50 / p95 ms | turn p50 / p95 ms | stall ms | all made at /s |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        async with HMLRClient(Path(folder) / "b.db", "bench", settings=settings, embedder=spec) as hmlr:
            done = 0
            for count in counts:
                asked, rate = await grow(hmlr, made, count - done, turns)
                done = count
                print(f"| {count:,} | {await measure(hmlr, asked, turns)} | {rate:,.0f} |", flush=True)


async def grow(hmlr: HMLRClient, made: Iterator[Message], count: int, turns: int) -> tuple[list[str], float]:
    """Remember and digest; questions about it, and messages a second.

    The messages are let go: Python's garbage collector would walk through them while turns are timed.
    """
    kept: list[Message] = []
    start = time.perf_counter()
    for at in range(0, count, BATCH):
        said = [*islice(made, min(BATCH, count - at))]
        kept += said[:: max(1, count // (4 * turns))]
        await hmlr.remember(said)
    await hmlr.flush()
    rate = count / (time.perf_counter() - start)
    return questions(kept, 2 * turns), rate


async def measure(hmlr: HMLRClient, asked: list[str], turns: int) -> str:
    """Time recalls and turns now; cells of the table."""
    await hmlr.recall("warm up")
    await hmlr.chat("Is it warm?", session_id="warm")
    recalls, stall = await timed(hmlr.recall, asked[:turns])
    chats, stall_of_turns = await timed(lambda text: hmlr.chat(text, session_id="speed"), asked[turns:])
    facts, topics = len(await hmlr.facts()), len(await hmlr.blocks())
    return f"{facts:,} | {topics:,} | {recalls} | {chats} | {max(stall, stall_of_turns):.0f}"


async def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--ingest", type=int, default=3000, help="messages, 0 leaves this part out")
    parser.add_argument("--embedder", default="minilm", help="minilm, st:<name>, or hash: no model at all")
    options = parser.parse_args()
    hashed = options.embedder == "hash"
    settings = Settings.load(model="offline", embedder="none" if hashed else options.embedder)
    spec = hash_embedder(dim=384) if hashed else embedder_spec(options.embedder, settings.cache)
    if spec is None:
        parser.error("a turn without vectors is another turn: name an embedder")
    if options.ingest:
        await ingestion(settings, spec, options.ingest)
    if options.sizes:
        await sizes(settings, spec, [int(size) for size in options.sizes.split(",")], options.turns)


if __name__ == "__main__":
    asyncio.run(main())
