"""Gardeners beside each other: killed at random, asleep past their lease, at work while others write."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.testing import ScriptedModel, hash_embedder
from tests.faults.doors import START, Clock, door
from tests.faults.figures import figure
from tests.faults.holds import MOST_MS, Hold, are_short, holds, most_worked, told
from tests.faults.test_gardening import truth, with_model
from tests.gardens import exported, finished_facts, masked, places, sow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200)]


# F30: two workers, killed at random


async def test_two_workers_killed_at_random_do_each_block_once(db_path: Path, tmp_path: Path) -> None:
    users = [f"user{number:02}" for number in range(figure(2, 10))]
    blocks, kills = figure(16, 101), figure(2, 300)
    for user in users:
        await sow(db_path, blocks, user=user)
    whole = tmp_path / "whole.db"
    shutil.copy(db_path, whole)
    async with door(whole, embedder=hash_embedder()) as hmlr:
        assert (await hmlr.garden(all_users=True)).pending == 0
    killed = await asyncio.to_thread(kill_two, db_path, kills)
    for user in users:
        assert masked(await exported(db_path, user)) == masked(await exported(whole, user))
    with sqlite3.connect(db_path) as raw:
        assert raw.execute("SELECT count(*) FROM jobs").fetchone() == (0,)  # none is stuck
    raw.close()
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        assert (await hmlr.health()).ok
    print(f"F30: {len(users) * (blocks - 1)} blocks, {killed} kills of two workers: each once")


def kill_two(path: Path, kills: int) -> int:
    """Keep two workers running; kill one after the other, each soon after it has done a few blocks.

    The kills, all of them while there was work. The last worker gets to the end.
    """
    dice, killed, started = random.Random(30), 0, 0
    running: list[subprocess.Popen[bytes]] = []
    try:
        while killed < kills and blocks_left(path):
            while len(running) < 2:
                running.append(worker(path, started))
                running[-1].send_signal(signal.SIGSTOP)  # until the other one is there, too
                started += 1
            for each in running:
                each.send_signal(signal.SIGCONT)
            victim = running.pop(dice.randrange(2))
            for _ in range(dice.randrange(1, 5)):
                if not told_within(victim, 1.0):  # it waits for the other one
                    break
            time.sleep(dice.uniform(0, 0.03))
            killed += victim.poll() is None and blocks_left(path) > 0
            for each in running:
                each.send_signal(signal.SIGSTOP)
            victim.kill()
            victim.communicate()
    finally:
        for each in running:
            each.kill()
            each.communicate()
    with worker(path, started + 1) as last:
        said, _ = last.communicate()
    assert said.split()[-1] == b"0", said  # topics left
    return killed


def told_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the worker says within the time that it has done a block."""
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], seconds)
    return bool(readable) and process.stdout.readline() == b"block\n"


def blocks_left(path: Path) -> int:
    """Finished blocks that are not gardened yet."""
    with sqlite3.connect(path) as raw:
        (left,) = raw.execute("SELECT count(*) FROM blocks WHERE state = 'PAUSED'").fetchone()
    raw.close()
    return int(left)


def worker(path: Path, minutes: int, *words: str) -> subprocess.Popen[bytes]:
    """A gardener whose clock goes from so many minutes later, once it is ready."""
    command = [sys.executable, "-m", "tests.faults.garden_worker", str(path), str(minutes), "all", *words]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )  # select sees what is there
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


# F31: asleep past the lease


class Asleep(ScriptedModel):
    """A model that falls asleep at its call number `at`, and wakes when it is told to.

    Every answer fails, so that the rule steps in.
    """

    def __init__(self, at: int) -> None:
        super().__init__({})
        self._at = at
        self.sleeping, self.woken = asyncio.Event(), asyncio.Event()

    async def complete(self, request: ModelRequest) -> ModelResponse:
        if len(self.requests) == self._at:
            self.sleeping.set()
            await self.woken.wait()
        return await super().complete(request)


async def test_who_slept_past_his_lease_writes_nothing(db_path: Path, tmp_path: Path) -> None:
    dice = random.Random(31)
    seed = tmp_path / "seed.db"
    await sow(seed, 4, facts=3)
    for number in range(figure(3, 100)):
        path = tmp_path / f"copy{number}.db"
        shutil.copy(seed, path)
        model = Asleep(dice.randrange(12))
        later = Clock(START + timedelta(hours=1))
        async with with_model(path, model) as zombie, door(path, clock=later) as other:
            sleeper = asyncio.create_task(zombie.garden())
            await model.sleeping.wait()
            before = len([each for each in await other.blocks() if each.state == "GARDENED"])
            report = await other.garden()
            assert (report.done.blocks, report.pending) == (3 - before, 0)
            done = await exported(path)
            model.woken.set()
            assert (await sleeper).done.blocks == before
            assert await exported(path) == done
        assert places(done).keys() == finished_facts(done)
    print(f"F31: {number + 1} sleepers, all refused")


# F34: beside a conversation


async def test_no_lock_is_held_while_a_model_is_asked(db_path: Path) -> None:
    await sow(db_path, 40)
    for at in range(figure(3, 60)):
        model = Asleep(at)
        async with with_model(db_path, model) as gardener, door(db_path) as talker:
            with holds() as taken:
                gardening = asyncio.create_task(gardener.garden())
                await model.sleeping.wait()
                for number in range(20):
                    begun = time.perf_counter()
                    await talker.remember([Message(content=f"Note {number} of {at}.")], session_id="talk")
                    assert time.perf_counter() - begun < 5
                assert await talker.flush(30)  # another topic is talked about now
                model.woken.set()
                report = await gardening
            assert (report.pending, report.stopped) == (0, "")
            assert report.done.blocks >= 40  # with the one that was talked about when it began
            assert most_worked(taken) < MOST_MS
            await gardener.undo(report.run_id)
        print(f"F34: at call {at}: {told(taken)}")


async def test_steps_of_a_large_memory_hold_the_lock_for_milliseconds(db_path: Path) -> None:
    await sow(db_path, figure(30, 600))
    async with door(db_path, embedder=hash_embedder()) as talker:
        gardeners = [worker(db_path, number, "holds") for number in range(2)]
        telling = asyncio.gather(*(asyncio.to_thread(each.communicate, b"go") for each in gardeners))
        with holds() as taken:
            count = 0
            while not telling.done():
                await talker.remember([Message(content=f"Note {count}.")], session_id="talk")
                count += 1
                await asyncio.sleep(0.01)
    print(f"F34: {count} messages beside: {told(taken)}")
    for said, _ in await telling:
        held = [Hold(*times) for times in json.loads(said.splitlines()[-2])]
        print(f"F34: {said.count(b'block')} steps: {told(held)}")
        assert are_short(held)
    assert are_short(taken)
    assert blocks_left(db_path) == 0
    assert len(await messages(db_path)) == count


async def messages(path: Path) -> list[Any]:
    """What was said in the session `talk`."""
    return [each for each in await exported(path) if each["type"] == "turn" and each["session_id"] == "talk"]


# F37: again


async def test_a_second_run_changes_no_row(db_path: Path) -> None:
    await sow(db_path, figure(12, 400))
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await hmlr.garden(include_active=True)
        once = rows(db_path)
        for _ in range(3):
            report = await hmlr.garden(include_active=True)
            assert (report.done.blocks, report.done.facts) == (0, 0)
        assert rows(db_path) == once
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await hmlr.garden(include_active=True)
        assert rows(db_path) == once
    print(f"F37: {len(once)} tables after four further runs: 0 rows changed")


def rows(path: Path) -> dict[str, str]:
    """A digest of every table's rows."""
    with sqlite3.connect(path) as raw:
        names = [
            name
            for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            if name not in {"chunk_postings", "chunk_terms"}  # views of the tables in which the index is kept
        ]
        found = {}
        for name in names:
            digest = hashlib.sha256()
            for row in raw.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - our own tables
                digest.update(repr(row).encode())
            found[name] = digest.hexdigest()
    raw.close()
    return found


# F38: nobody gardened for 90 days


async def test_ninety_days_are_caught_up_block_by_block(db_path: Path) -> None:
    blocks = figure(12, 1800)
    await sow(db_path, blocks, facts=5)
    before = await exported(db_path)
    done, most_mb, starts = 0, 0.0, 0
    while done < blocks - 1:
        process = worker(db_path, starts)
        starts += 1
        if done < blocks // 2:  # killed on the way, and taken up again
            for _ in range(blocks // 8):
                told_within(process, 10)
            process.kill()
        said, _ = process.communicate()
        if b"done" in said:
            most_mb = max(most_mb, float(said.split()[-2]))
        states = [each["state"] for each in await exported(db_path) if each["type"] == "block"]
        done = states.count("GARDENED")
        assert starts < 200
    after = await exported(db_path)
    assert truth(after) == truth(before)
    assert places(after).keys() == finished_facts(before)
    assert 0 < most_mb < 500
    print(f"F38: {blocks} blocks over {starts} starts, at most {most_mb:.0f} MB")


async def test_where_the_clock_stands_changes_no_dossier(tmp_path: Path) -> None:
    told = []
    for zone in (0, 13, -11):
        async with door(tmp_path / f"{zone}.db", embedder=hash_embedder()) as hmlr:
            await talk_near_midnight(hmlr, zone)
            await hmlr.garden(include_active=True)
            told.append([(each.title, each.summary, each.happened_from) for each in await hmlr.dossiers()])
    assert told[0] == told[1] == told[2]


async def talk_near_midnight(hmlr: HMLRClient, zone: int) -> None:
    """The same instants, as clocks of that zone show them."""
    from datetime import timezone

    said = ["My sister is called Wilhelmina.", "I live in Oslo.", "The limit of Styx is 400 GB per day."]
    for number, text in enumerate(said):
        at = (START - timedelta(days=40 - number, hours=12, minutes=1)).astimezone(
            timezone(timedelta(hours=zone))
        )
        await hmlr.remember([Message(content=text, occurred_at=at)], session_id=f"s{number}")
        assert await hmlr.flush(30)


# X04: what was recalled is said again


async def test_what_is_repeated_from_memory_teaches_nothing(db_path: Path) -> None:
    """A model that answers with what it was shown, and a user who sends each answer back as a tool's text."""

    def parrot(request: ModelRequest) -> Any:
        if request.task == "answer":
            return "You told me: I live in Oslo. My sister is called Wilhelmina."
        return "{broken"  # the rule

    counts = []
    async with with_model(db_path, ScriptedModel(dict.fromkeys(TALK, parrot))) as hmlr:
        await hmlr.chat("I live in Oslo.")
        await hmlr.chat("My sister is called Wilhelmina.")
        assert await hmlr.flush(30)
        held = [fact.fact_id for fact in await hmlr.facts(states=EVERY)]
        assert len(held) >= 2
        turns = figure(40, 1000)
        for number in range(turns):
            reply = await hmlr.chat("What do you know of me?")
            echo = Message(role="tool", content=reply.text)
            await hmlr.remember([echo, Message(role="assistant", content=f"Again: {reply.text}")])
            if number % (turns // 10) == 0:
                assert await hmlr.flush(60)
                await hmlr.garden(include_active=True)
                dossiers = await hmlr.dossiers()
                counts.append((len(await hmlr.facts(states=EVERY)), sum(each.facts for each in dossiers)))
        assert await hmlr.flush(60)
        assert [fact.fact_id for fact in await hmlr.facts(states=EVERY)] == held
    assert set(counts) == {(len(held), len(held))}
    print(f"X04: {turns} turns, facts {counts[0][0]} all the time")


EVERY = ("active", "superseded", "invalidated")
TALK = ("routing", "memory_filter", "fact_scrubbing", "scribe", "answer")
