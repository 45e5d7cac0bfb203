"""Killed writers: what was acknowledged is there, nothing half written, a repeat adds nothing (F01, F03)."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.figures import FULL, figure
from tests.faults.store_writer import CHUNKS, JOBS, said
from tests.store.making import ADA, slices

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
ROUNDS_A_FILE = 25  # what is looked through after each kill stays small


@dataclass
class Told:
    """What the writers said before they were killed."""

    asked: set[str] = field(default_factory=set)
    stored: dict[str, str] = field(default_factory=dict)  # key to turn id

    def take(self, lines: str) -> None:
        """Their output; a line that the kill has cut does not count."""
        for line in lines[: lines.rfind("\n") + 1].splitlines():
            verb, key, *turn_id = line.split(" ")
            if verb == "ask":
                self.asked.add(key)
            else:
                self.stored[key] = turn_id[0]

    @property
    def unanswered(self) -> set[str]:
        """Keys whose caller does not know whether they are stored."""
        return self.asked - self.stored.keys()


def start(path: Path, name: str, **given: object) -> subprocess.Popen[str]:
    asked = {"lanes": 4, "durability": "full", "reply_s": 0} | given
    arguments = [str(path), name, *map(str, asked.values())]
    command = [sys.executable, "-m", "tests.faults.store_writer", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def kill(processes: list[subprocess.Popen[str]], told: Told) -> None:
    """Kill them all at a random moment, but each after its first acknowledged write."""
    for process in processes:
        assert process.stdout is not None
        line = ""
        while not line.startswith("ok "):
            line = process.stdout.readline()
            assert line, "the writer ended by itself"
            told.take(line)
    time.sleep(random.uniform(0, 0.1))
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        with process:
            assert process.stdout is not None
            # Not communicate(): it reads past what readline() has put into its buffer.
            told.take(process.stdout.read())
        assert process.returncode == -signal.SIGKILL


async def verify(path: Path, told: Told) -> None:
    begun = time.monotonic()
    store = await open_sqlite(path, slicer=slices)
    assert time.monotonic() - begun < 1
    try:
        turns = {stored.turn_id for stored in await store.turns(ADA, TurnQuery())}
        assert set(told.stored.values()) <= turns
        assert turns <= told.asked
        assert all(check.ok for check in await store.check()), await store.check()
        stats = await store.stats(ADA)
        assert (stats.messages, stats.chunks, stats.jobs_waiting) == (
            stats.turns,
            stats.turns * CHUNKS,
            stats.turns * JOBS,
        )
    finally:
        await store.aclose()


@pytest.mark.parametrize("durability", ["full", "fast"])
@pytest.mark.parametrize("processes", [1, 2])
async def test_killed_writers_lose_nothing_acknowledged(
    tmp_path: Path, processes: int, durability: str
) -> None:  # F01: 1,000 kills a setting, half of them one at a time
    rounds, stored = figure(4, 500) // processes, 0
    for begun in range(0, rounds, ROUNDS_A_FILE):
        path, told = tmp_path / f"{begun}.db", Told()
        for number in range(begun, min(begun + ROUNDS_A_FILE, rounds)):
            running = [start(path, f"{number}-{which}", durability=durability) for which in range(processes)]
            kill(running, told)
            if FULL or number % 5 == 4:
                await verify(path, told)
        await verify(path, told)
        stored += len(told.stored)
    kills = rounds * processes
    print(f"F01: {kills} kills of {processes} at a time, {durability}: {stored} turns, 0 lost")


async def test_a_write_that_got_no_answer_is_repeated_without_a_double(db_path: Path) -> None:  # F03
    wanted = figure(6, 1000)  # keys that were committed and not answered
    committed = number = 0
    told = Told()
    while committed < wanted:
        kill([start(db_path, str(number), lanes=8, reply_s=0.02)], told)
        number += 1
        store = await open_sqlite(db_path, slicer=slices)
        committed += await repeat(store, told)
        await store.aclose()
    store = await open_sqlite(db_path, slicer=slices)
    turns = await store.turns(ADA, TurnQuery())
    assert {stored.turn_id for stored in turns} == set(told.stored.values())
    assert len({stored.messages[0].content for stored in turns}) == len(turns) == len(told.asked)
    assert all(check.ok for check in await store.check())
    await store.aclose()
    print(f"F03: {number} kills, {committed} keys committed but not answered, {len(turns)} turns")


async def repeat(store: SqliteStore, told: Told) -> int:
    """Say again what got no answer, twice, and what got one: one row, the same id. How many were there."""
    committed = 0
    for key in [*told.unanswered, *list(told.stored)[-3:]]:
        ids = [told.stored[key]] if key in told.stored else []
        for attempt in range(2):
            (added,) = await store.add_turns(ADA, [said(key, f"{key}-again-{attempt}")])
            assert added.created is (added.turn_id == f"{key}-again-0" and not ids)
            committed += not (ids or added.created)
            ids.append(added.turn_id)
        assert len(set(ids)) == 1
        told.stored[key] = ids[0]
    return committed
