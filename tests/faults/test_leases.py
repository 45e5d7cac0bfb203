"""Work of a killed process is soon taken up; work that takes long stays with who does it (F35)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from hmlr.core.services import utc_now as now
from hmlr.memory.background import LEASE_S, Background
from hmlr.memory.leasing import Leasing
from hmlr.records import UserId
from hmlr.store.records import Lease
from hmlr.store.sqlite.store import open_sqlite
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door
from tests.faults.test_background import start
from tests.store.making import slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

ADA = UserId("ada")


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


async def test_the_jobs_of_a_killed_process_are_taken_up_within_seconds(db_path: Path) -> None:
    process = start(db_path, 0, 300)
    assert process.stdout is not None
    assert process.stdout.readline() == "stored\n"
    time.sleep(0.1)  # its first batch is embedded now
    kill(process)
    assert LEASE_S <= 20
    clock = Clock(now() + timedelta(seconds=LEASE_S))
    async with door(db_path, embedder=hash_embedder(), clock=clock) as hmlr:
        assert await hmlr.flush(60)
        values = Counter(fact.value for fact in await hmlr.facts())
    assert values == Counter(f"key-{number}-abc" for number in range(300))


async def test_who_stops_at_work_has_not_failed_at_it(db_path: Path) -> None:
    """However often a memory is closed, or a call given up, while a model answers: that is no attempt."""
    store = await open_sqlite(db_path, slicer=slices)
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    begun: list[int] = []

    async def at_work(leasing: Leasing) -> None:
        claiming = store.claim(ADA, "scrub", limit=1, lease_s=20.0, now=now())
        async with leasing.holding(ADA, claiming, list) as leases:
            begun.append(leases[0].attempts)
            await asyncio.sleep(60)

    for life in range(8):
        leasing = Leasing(store, now)
        working = asyncio.create_task(at_work(leasing))
        while len(begun) == life:
            await asyncio.sleep(0.01)
        if life % 2:
            await leasing.aclose()
        working.cancel()
        await asyncio.wait([working])
    assert begun == [1] * 8
    await store.aclose()


async def test_work_that_takes_longer_than_its_lease_is_done_once(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    other = await open_sqlite(db_path, slicer=slices)
    await store.add_turns(ADA, [turn(jobs=("scrub",)) for _ in range(3)])
    begun: list[str] = []

    async def slow(leases: Sequence[Lease]) -> None:
        begun.extend(lease.turn_id for lease in leases)
        await asyncio.sleep(2.5)
        await store.apply(ADA, [], finish=leases)

    workers = [
        Background(each, ADA, {"scrub": slow}, now, leasing=Leasing(each, now), lease_s=1.0)
        for each in (store, other)
    ]
    for worker in workers:
        worker.start()
    assert await workers[1].drain(10)
    for worker in workers:
        await worker.aclose()
    assert len(begun) == len(set(begun)) == 3
    for each in (store, other):
        await each.aclose()
