"""Killed and contending processes: what was acknowledged is there, nothing half written (F01, F03, F06)."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hmlr.store.records import TurnQuery
from hmlr.store.sqlite import open_sqlite
from tests.store.making import ADA, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def start(path: Path, name: str, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.store_writer", str(path), name, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.stderr and process.stderr.read()
    return process


def acknowledged(lines: str) -> dict[str, str]:
    """Key to turn id; a line cut by the kill does not count."""
    whole = lines[: lines.rfind("\n") + 1].split("\n")
    return dict(line.split(" ") for line in whole if line and not line.startswith("worst"))


async def verify(path: Path, told: dict[str, str]) -> None:
    begun = time.monotonic()
    store = await open_sqlite(path, slicer=slices)
    assert time.monotonic() - begun < 1
    try:
        turns = {stored.turn_id: stored for stored in await store.turns(ADA, TurnQuery())}
        assert set(told.values()) <= set(turns)
        assert all(check.ok for check in await store.check()), await store.check()
        stats = await store.stats(ADA)
        assert (stats.messages, stats.chunks, stats.jobs_waiting) == (
            stats.turns,
            stats.turns * 4,
            stats.turns * 2,
        )
        # The caller who got no answer asks again with the key, and so does one who got it (F03).
        for key in list(told)[-3:]:
            given = turn(f"Turn {key} word\nSecond", idempotency_key=key)
            (again,) = await store.add_turns(ADA, [given])
            assert (again.turn_id, again.created) == (told[key], False)
    finally:
        await store.aclose()


@pytest.mark.parametrize("processes", [1, 2])
async def test_killed_writers_lose_nothing_acknowledged(db_path: Path, full: bool, processes: int) -> None:
    told: dict[str, str] = {}
    for number in range((300 if full else 20) // 2):
        running = [start(db_path, f"{number}-{which}", 60) for which in range(processes)]
        time.sleep(random.uniform(0.005, 0.15))
        for process in running:
            process.send_signal(signal.SIGKILL)
        for process in running:
            told |= acknowledged(process.communicate()[0])
        if number % 5 == 4 or full:
            await verify(db_path, told)
    assert told
    await verify(db_path, told)


async def test_processes_share_a_file_without_errors(db_path: Path, full: bool) -> None:  # F06
    running = [start(db_path, str(which), 60 if full else 3) for which in range(8 if full else 2)]
    told: dict[str, str] = {}
    for process in running:
        out, err = process.communicate()
        assert (process.returncode, err) == (0, "")
        told |= acknowledged(out)
        assert float(out.strip().rpartition("worst ")[2]) < 10
    store = await open_sqlite(db_path, slicer=slices)
    turns = await store.turns(ADA, TurnQuery())
    assert {stored.turn_id for stored in turns} == set(told.values())
    assert [stored.seq for stored in turns] == list(range(1, len(turns) + 1))
    assert all(check.ok for check in await store.check())
    await store.aclose()
