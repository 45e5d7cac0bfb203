"""The event loop goes on while a large memory is searched with a slow embedder (rule 7, E3)."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hmlr import Message
from hmlr.testing import hash_embedder
from tests.faults.doors import door
from tests.faults.figures import figure
from tests.faults.library import build

pytestmark = [pytest.mark.faults, pytest.mark.alone, pytest.mark.timeout(300)]

MOST_MS = 50.0
TICK_S = 0.002


@asynccontextmanager
async def watched() -> AsyncIterator[list[float]]:
    """The loop's stalls in milliseconds, while this is open.

    A stall counts as far as this process worked meanwhile: a loop that waits for a core which other
    programs hold is not our doing, and what blocks without working is what tests/blocking.py finds. Nor is
    it our doing how long the garbage collector looks through what the test suite holds.
    """
    stalls: list[float] = []

    async def watch() -> None:
        wall, work = time.perf_counter(), time.process_time()
        while True:
            await asyncio.sleep(TICK_S)
            wall_now, work_now = time.perf_counter(), time.process_time()
            stalls.append(min(wall_now - wall - TICK_S, work_now - work) * 1000)
            wall, work = wall_now, work_now

    gc.collect()
    gc.freeze()
    watcher = asyncio.create_task(watch())
    try:
        await asyncio.sleep(0.05)
        yield stalls
    finally:
        watcher.cancel()
        gc.unfreeze()


async def test_the_watchdog_sees_a_stall() -> None:
    async with watched() as stalls:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        await asyncio.sleep(0.01)
    assert max(stalls) > MOST_MS


async def test_no_stall_over_50_ms(db_path: Path) -> None:
    await build(db_path, figure(20_000, 100_000), model_id="hash-384", dim=384)
    slow = hash_embedder(dim=384, delay_s=0.3)
    async with door(db_path, embedder=slow) as hmlr, watched() as stalls:
        worst: dict[str, float] = {}

        def note(what: str) -> None:
            worst[what] = max(stalls, default=0.0)
            stalls.clear()

        assert len(await hmlr.recall("common boka limune rosi")) == 10
        note("first recall")
        assert len(await hmlr.recall("common kabone", limit=100)) == 100
        note("recall")
        reply = await hmlr.chat("My sister Ruth lives in Bergen, and I like common kabone.")
        assert not reply.degraded
        note("chat")
        await hmlr.remember([Message(content=f"Note {number} on limune.") for number in range(100)])
        note("remember")
        questions = [hmlr.recall(f"limune note {number}") for number in range(8)]
        await asyncio.gather(*questions, *(hmlr.chat(f"Tell me of kabone {n}.") for n in range(8)))
        note("together")
        await hmlr.context("Where does my sister live?")
        note("context")
        await hmlr.flush(2)
        note("background")
    assert max(worst.values()) < MOST_MS, worst
