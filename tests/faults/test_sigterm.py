"""SIGTERM while a command or the server works: it ends within its grace and leaves no job leased (F23)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.memory import background
from hmlr.testing import ScriptedModel, hash_embedder
from tests import gardens
from tests.faults.doors import door, said, settled
from tests.faults.figures import figure
from tests.faults.jobs import left_doing, sql
from tests.processes import MAIN, ROOT
from tests.server.serving import server
from tests.server.test_killed import talk

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

RUNS = figure(1, 50)  # of each command
GRACE_S = 10
LOOK_S = 0.1
MESSAGES = figure(500, 2000)


@contextmanager
def command(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "HMLR_EMBEDDER": "none", "HMLR_MODEL": "offline", "PYTHONPATH": str(ROOT)}
    environment["PYTHONFAULTHANDLER"] = "1"
    whole = [sys.executable, MAIN, *arguments, "--db", "memory.db", "--user", "ada"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        whole, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def terminate(process: subprocess.Popen[str], db: Path, within_s: float) -> None:
    """SIGTERM within so many seconds; it ends in time, by itself, without noise and with nothing left."""
    time.sleep(random.uniform(0, within_s))
    process.send_signal(signal.SIGTERM)
    errors = ended(process)
    assert process.returncode in (0, 143, -signal.SIGTERM), errors  # 0, -15: it had ended its work
    assert "Traceback" not in errors
    assert left_doing(db) == 0


def ended(process: subprocess.Popen[str]) -> str:
    """What it says on stderr until it ends, within its grace; if it does not end, where it hangs.

    The grace is counted in looks: time in which this test stood still itself is not the command's.
    """
    for _ in range(int(GRACE_S / LOOK_S)):
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=LOOK_S)[1]
    process.send_signal(signal.SIGABRT)  # faulthandler writes the stacks
    raise AssertionError(process.communicate()[1])


def wait_for(db: Path, query: str) -> None:
    """Until the command works."""
    ending = time.monotonic() + 30
    while not sql(db, query):
        assert time.monotonic() < ending
        time.sleep(0.01)


async def whole(db: Path) -> list[str]:
    """What is stored; everything is learned from it by the next process without a wait for leases."""
    async with door(db) as hmlr:
        assert await hmlr.flush(60)
        assert all(turn.block_id for turn in await hmlr.turns())
        return await said(hmlr)


async def test_remember(tmp_path: Path) -> None:
    texts = [f"Note {number}: the ferry leaves at noon." for number in range(MESSAGES)]
    lines = "".join(json.dumps({"content": text}) + "\n" for text in texts)
    (tmp_path / "talk.jsonl").write_text(lines, encoding="utf-8")
    db = tmp_path / "memory.db"
    for _ in range(RUNS):
        for file in tmp_path.glob("memory.db*"):
            file.unlink()
        with command(tmp_path, "remember", "talk.jsonl", "--wait") as process:
            wait_for(db, "SELECT count(*) FROM turns")
            terminate(process, db, 0.6)
    stored = await whole(db)
    assert stored == texts[: len(stored)]
    print(f"F23: {RUNS} times `remember`, 0 stuck")


async def test_chat(tmp_path: Path) -> None:
    db, asked = tmp_path / "memory.db", 0
    for _ in range(RUNS):
        with command(tmp_path, "chat") as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.writelines(f"Note {asked + n}: the boat is green.\n" for n in range(200))
            process.stdin.flush()
            asked += 200
            process.stdout.readline()
            terminate(process, db, 0.3)
    stored = await whole(db)
    assert len(stored) == len(set(stored)) >= RUNS
    print(f"F23: {RUNS} times `chat`, 0 stuck")


async def test_garden(tmp_path: Path) -> None:
    for number in range(RUNS):
        folder = tmp_path / str(number)
        folder.mkdir()
        db = folder / "memory.db"
        await gardens.sow(db, 30)
        with command(folder, "garden") as process:
            wait_for(db, "SELECT count(*) FROM jobs WHERE kind = 'garden'")
            terminate(process, db, 0.4)
        async with door(db) as hmlr:
            assert (await hmlr.garden()).pending == 0
    print(f"F23: {RUNS} times `garden`, 0 stuck")


async def test_the_server(tmp_path: Path) -> None:
    db, answered = tmp_path / "memory.db", list[str]()
    for life in range(RUNS):
        with server(db) as up:
            talkers = [threading.Thread(target=talk, args=(up, f"{life}.{n}", answered)) for n in range(4)]
            for each in talkers:
                each.start()
            before = len(answered)
            while len(answered) < before + 4:
                await asyncio.sleep(0.02)
            await asyncio.sleep(random.uniform(0, 0.3))
            begun = time.monotonic()
            assert up.stop() == 0
            assert time.monotonic() - begun < GRACE_S
            for each in talkers:
                each.join()
        assert left_doing(db) == 0
    async with HMLRClient(db, model="offline", embedder=hash_embedder()) as hmlr:
        await settled(hmlr)
        assert set(answered) <= set(await said(hmlr))
    print(f"F23: {RUNS} times `serve`, {len(answered)} answers, 0 lost, 0 stuck")


async def test_a_model_that_does_not_answer_holds_up_no_end(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "STOP_S", 0.3)
    model = ScriptedModel({}, delay_s=60)
    async with door(db_path, model=model) as hmlr:
        await hmlr.remember([Message(content="My sister Ruth plays the bassoon.")] * 3)
        while not model.requests:
            await asyncio.sleep(0.01)
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    assert left_doing(db_path) == 0
    async with door(db_path) as hmlr:
        assert await hmlr.flush(5)
