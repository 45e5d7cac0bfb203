"""Several worker processes on one database: killed, beside each other, stopped; each block once.

On PostgreSQL, and on a file, where the same command works over the store's own jobs.
"""

from __future__ import annotations

import asyncio
import random
import signal
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.testing import ScriptedModel
from tests.faults.at_work import (
    NO_TAGS,
    Place,
    all_done,
    at_work,
    door,
    is_idle,
    is_running,
    pending,
    store_of,
    until,
)
from tests.faults.figures import figure
from tests.gardens import exported, masked, sow_all
from tests.workers import workers

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]

# Killed


async def test_workers_killed_at_random_do_each_block_once(place: Place, tmp_path: Path) -> None:
    postgres = isinstance(place, str)
    users = [f"user{number:03}" for number in range(figure(8, 200 if postgres else 20))]
    blocks, kills = figure(5, 10), figure(5 if postgres else 3, 300 if postgres else 50)
    whole = tmp_path / "whole.db"
    for each in (place, whole):
        await sow_all(each, users, blocks + 1)
    async with door(whole) as hmlr:
        assert (await hmlr.garden(all_users=True)).pending == 0
    async with door(place, worker_lease_s=1.0) as hmlr:
        left_at_last = await kill_at_random(hmlr, place, users, kills)
        for user in users:
            assert masked(await exported(place, user)) == masked(await exported(whole, user))
        left = await store_of(hmlr).work_left(datetime.now(UTC))
        assert (left["garden"].running, left["garden"].failed, left["garden"].stalled) == (0, 0, 0)
        state = await hmlr.work_state()
        assert [(each.waiting, each.running, each.failed) for each in state.queues] == [(0, 0, 0)] * 2
        assert state.stalled == 0
    store = "PostgreSQL" if postgres else "SQLite"
    done = f"{len(users) * blocks} blocks, {kills} kills of three workers"
    print(f"F30 {store}: {done}, {left_at_last} blocks left at the last; each once")


async def kill_at_random(hmlr: HMLRClient, place: Place, users: list[str], kills: int) -> int:
    """Keep three workers running and kill so many, one after the other; the blocks left after the last."""
    dice, killed, left = random.Random(30), 0, 0
    with workers(place, worker_lease_s=1.0) as started:
        while killed < kills or await pending(hmlr, *users):
            while len(started.running) < 3:
                started.start(delay_s=figure(10, 200) / 1000, every_s=2.0)
            await asyncio.sleep(dice.uniform(0.2, 0.7))
            if killed < kills:
                await asyncio.to_thread(started.end, dice.choice(started.running))
                killed += 1
                if killed == kills:
                    left = await pending(hmlr, *users)
        await until(lambda: is_idle(hmlr), within_s=20)
        for pid in list(started.running):
            await asyncio.to_thread(started.end, pid, signal.SIGTERM)
    return left


async def test_a_killed_workers_user_is_taken_over(place: Place) -> None:
    await sow_all(place, ["ada"], 4)
    lease_s = 1.0
    async with door(place, worker_lease_s=lease_s) as hmlr:
        with workers(place, worker_lease_s=lease_s) as started:
            victim = started.start(delay_s=60)
            await until(lambda: is_running(hmlr), within_s=30)
            started.start(every_s=3600)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(started.end, victim)
            took = await until(lambda: all_done(hmlr, "ada"), within_s=20)
    assert took < 10 * lease_s  # twice the lease, and a machine that is busy
    print(f"taken over after {took:.1f} s, the lease being {lease_s} s")


async def test_a_dead_worker_is_told_of_until_another_one_comes(place: Place) -> None:
    await sow_all(place, ["ada"], 3)
    async with door(place, worker_lease_s=0.5) as hmlr:
        with workers(place, worker_lease_s=0.5) as started:
            victim = started.start(delay_s=60)
            await until(lambda: is_running(hmlr), within_s=30)
            await asyncio.to_thread(started.end, victim)
        await asyncio.sleep(0.6)
        (told,) = [each for each in (await hmlr.health()).checks if each.name == "workers"]
        assert not told.ok
        assert "1 users were left by a worker that died" in told.detail
        async with at_work(hmlr):
            await until(lambda: all_done(hmlr, "ada"), within_s=20)
            await until(lambda: is_idle(hmlr), within_s=20)
        (told,) = [each for each in (await hmlr.health()).checks if each.name == "workers"]
        assert told.ok, told


# One at a time


async def test_a_user_is_never_gardened_by_two_at_once(postgres_url: str) -> None:
    users = [f"user{number}" for number in range(3)]
    await sow_all(postgres_url, users, 6)
    async with door(postgres_url, model=slow()) as first, door(postgres_url, model=slow()) as second:
        async with at_work(first, concurrency=4, every_s=1.0), at_work(second, concurrency=4, every_s=1.0):
            await until(lambda: all_done(first, *users), within_s=60)
        for user in users:
            async with first.as_user(user) as one:
                runs = sorted((run.started_at, run.ended_at) for run in await one.garden_runs())
            assert runs
            assert all(before[1] <= after[0] for before, after in pairwise(runs))


def slow() -> ScriptedModel:
    return ScriptedModel(NO_TAGS, delay_s=0.02)


# Stopped


@pytest.mark.parametrize(("delay_s", "grace_s", "most_s"), [(0.02, 20.0, 10.0), (30.0, 0.3, 5.0)])
async def test_a_worker_that_is_stopped_finishes_or_gives_back(
    place: Place, delay_s: float, grace_s: float, most_s: float
) -> None:
    await sow_all(place, ["ada", "bob"], 20)
    async with door(place) as hmlr:
        with workers(place, worker_grace_s=grace_s) as started:
            pid = started.start(delay_s=delay_s)
            await until(lambda: is_running(hmlr), within_s=30)
            took = await asyncio.to_thread(started.end, pid, signal.SIGTERM)
        assert took < most_s
        left = await store_of(hmlr).work_left(datetime.now(UTC))
        assert (left["garden"].running, left["garden"].stalled) == (0, 0)
        state = await hmlr.work_state()
        assert [each.running for each in state.queues] == [0, 0]
        assert not state.dead
        assert await pending(hmlr, "ada", "bob") > 0
        async with at_work(hmlr):  # at once: no lease has to run out
            await until(lambda: all_done(hmlr, "ada", "bob"), within_s=30)
