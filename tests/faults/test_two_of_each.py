"""Two servers and two workers on one database under load, one of each killed: nothing else breaks."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.errors import TryLater
from tests import processes
from tests.faults.at_work import door, until
from tests.faults.figures import FULL, figure
from tests.faults.fleet import Fleet, fleet
from tests.faults.gauges import Ledger, Talker, answered
from tests.llm.own_server import OwnServer
from tests.places import past_hmlr
from tests.processes import MAIN, ROOT

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
USERS = ("ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")[: figure(4, 8)]
LANES = 2  # of each user: both at work at once, each at both servers
PATIENT_S = 300.0  # for who looks on: the machine may stand still
LEASE_S = figure(1, 5)


async def test_one_killed_of_two_servers_and_of_two_workers(postgres_url: str, tmp_path: Path) -> None:
    tokens = await tokens_of(postgres_url)
    ledger = Ledger()
    with OwnServer() as model:
        model.always(answered)
        environment = {
            "HMLR_MODEL": "openai:m",
            "OPENAI_BASE_URL": model.base_url("openai"),
            "HMLR_EMBEDDER": "none",
            "HMLR_WORKER_LEASE_S": str(LEASE_S),
            "HMLR_WORKER_RETRY_S": "1",
        }
        async with fleet(postgres_url, tmp_path, count=2, **environment) as all_of_them:
            kills = await under_load(all_of_them, ledger, tokens)
            settled_s = await settle(postgres_url)
            survivors = [life for life in all_of_them.lives if life.process.poll() is None]
            assert [await life.stop() for life in survivors] == [0] * 2
            still_s = sum(end - start for start, end in all_of_them.pulse.gaps)
            troubles = all_of_them.troubles()
    assert ledger.errors == []
    assert ledger.crossed == []
    assert troubles == []
    await verify(postgres_url, ledger)
    assert_sound(postgres_url)
    print(told(ledger, kills, settled_s, still_s))


async def tokens_of(database: str) -> dict[str, str]:
    """A token for each user."""
    async with door(database, call_timeout_s=PATIENT_S) as hmlr:
        return {user: (await hmlr.access.issue(user_id=user)).secret for user in USERS}


async def under_load(all_of_them: Fleet, ledger: Ledger, tokens: dict[str, str]) -> int:
    """Everybody talks while one of each is killed, and again; the kills. The last killed stay away."""
    dice, stop, kills = random.Random(), asyncio.Event(), 0
    until_s = time.monotonic() + figure(4, 300)
    async with asyncio.TaskGroup() as talking:
        for user, token in tokens.items():
            for lane in range(LANES):
                talker = Talker(all_of_them, ledger, user, token, lane=lane)
                talking.create_task(talker.talk(stop, pause_s=figure(1, 15) / 10))
        while True:
            await asyncio.sleep(dice.uniform(1, 2) * figure(1, 12))
            server, worker = dice.randrange(2), dice.randrange(2)
            await all_of_them.servers[server].kill()
            await asyncio.sleep(dice.uniform(0, 0.3))
            await all_of_them.workers[worker].kill()
            kills += 2
            await asyncio.sleep(dice.uniform(2, 2.5))
            if time.monotonic() > until_s or not FULL:
                break
            await all_of_them.again(server, worker)
        stop.set()
    return kills


async def settle(database: str) -> float:
    """Wait until those that live have done all that was left; the seconds that it took."""
    if not FULL:  # a killed server's leases last up to a minute: as if it had passed
        past_hmlr(database, "UPDATE jobs SET lease_until = 1 WHERE state = 'leased' RETURNING job_id")
    async with door(database, call_timeout_s=PATIENT_S) as hmlr:
        return await until(lambda: is_over(hmlr, database), within_s=figure(60, 900))


async def is_over(hmlr: HMLRClient, database: str) -> bool:
    """Whether nothing is left to be done by anybody."""
    try:
        state = await hmlr.work_state()
    except TryLater:
        return False
    errands = sum(each.waiting + each.running + each.failed for each in state.queues) + state.stalled
    return not errands and not past_hmlr(database, "SELECT kind, state, error FROM jobs")


async def verify(database: str, ledger: Ledger) -> None:
    """What was acknowledged is there once and in order, learned once, and gardened once."""
    async with door(database, call_timeout_s=PATIENT_S) as hmlr:
        for user in USERS:
            async with hmlr.as_user(user) as memory:
                await verify_user(memory, ledger, user)
    held = "SELECT lock, status FROM hmlr_jobs.procrastinate_jobs WHERE status <> 'todo'"
    assert past_hmlr(database, held) == []


async def verify_user(memory: HMLRClient, ledger: Ledger, user: str) -> None:
    """One user's memory."""
    said = {each.text: each for each in ledger.said[user]}
    assert all(each.acknowledged for each in said.values())
    turns = await memory.turns()
    assert Counter(turn.messages[0].content for turn in turns) == Counter(said.keys())
    latest = 0.0  # when the latest of those before was sent
    for turn in turns:
        each = said[turn.messages[0].content]
        assert each.turn_id == turn.turn_id
        assert each.acknowledged > latest, each  # it was acknowledged before that was sent, so stands before
        latest = max(latest, each.sent)
        if each.reply is not None:
            assert [message.content for message in turn.messages[1:]] == [each.reply]
    facts = await memory.facts(key="limit", states=("active", "superseded", "invalidated"))
    assert Counter(fact.subject for fact in facts) == Counter(f"Gauge {each.mark}" for each in said.values())
    blocks = await memory.blocks()
    # What a killed server left unrouted is routed last, and is the topic that is talked about then.
    (active,) = [block.block_id for block in blocks if block.state == "ACTIVE"]
    assert all(block.state == "GARDENED" for block in blocks if block.block_id != active)
    talked_about = {turn.turn_id for turn in turns if turn.block_id == active}
    # A fact learned after its topic was gardened waits for the user's next finished topic, or for who asks.
    assert (await memory.garden()).pending == 0
    files = [await memory.dossier(each.dossier_id) for each in await memory.dossiers()]
    placed = [entry.fact.fact_id for file in files for entry in file.entries]
    assert {fact.fact_id for fact in facts if fact.turn_id not in talked_about} <= set(placed)
    appended = [event.fact_id for file in files for event in file.events if event.change == "appended"]
    assert sorted(placed) == sorted(set(placed)) == sorted(map(str, appended))


def assert_sound(database: str) -> None:
    """`doctor` finds nothing wrong."""
    environment = {**os.environ, "HMLR_MODEL": "offline", "HMLR_EMBEDDER": "none"}
    done = processes.run((MAIN, "doctor", "--db", database), env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def told(ledger: Ledger, kills: int, settled_s: float, still_s: float) -> str:
    """The figures, in one line."""
    count = sum(map(len, ledger.said.values()))
    return (
        f"two of each: {len(USERS)} users, {ledger.requests} requests, {kills} kills;"
        f" {ledger.cut} calls cut, {ledger.refused} refused, {ledger.repeated} messages stored by calls cut,"
        f" {len(ledger.degraded)} answers degraded;"
        f" {count} messages acknowledged: 0 lost, 0 twice, 0 out of order; longest {ledger.longest_s:.1f} s,"
        f" all done {settled_s:.1f} s after; machine still for {still_s:.0f} s: {ledger.still} calls failed"
    )
