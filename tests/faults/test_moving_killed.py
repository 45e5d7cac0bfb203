"""A move that is killed again and again: users are there wholly or not at all, and in the end all are."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmlr import move
from tests.faults.figures import figure
from tests.gardens import sow
from tests.moving import tallies
from tests.postgres import running

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
PEOPLE = 6


@pytest.fixture
def url() -> Iterator[str]:
    with running() as server:
        yield server.database()


@pytest.fixture(scope="module")
def sown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sown") / "memory.db"

    async def fill() -> None:
        for number in range(PEOPLE):
            await sow(path, figure(2, 10), user=f"user{number}", seed=number)

    asyncio.run(fill())
    return path


def killed(source: str, target: str, after: int) -> bool:
    """Kill a move when so many steps are done; whether it was at work still."""
    command = [sys.executable, "-m", "tests.faults.move_worker", source, target]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line == "done\n" or int(line) >= after:
                break
        time.sleep(random.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read()
    return "done" not in line + rest and process.returncode == -signal.SIGKILL


async def finished(source: Path | str, target: Path | str, kills: int) -> int:
    """Move with so many kills at random moments; how many users a kill found copied."""
    wanted = await tallies(source)
    steps = 3 * sum(tally.rows for tally in wanted.values())
    found = hits = 0
    for _ in range(kills):
        hits += await asyncio.to_thread(killed, str(source), str(target), random.randrange(steps * 9 // 10))
        there = await tallies(target)
        assert there.items() <= wanted.items()
        found += len(there)
    assert hits, "no kill met a move at work"
    assert (await move(source, target)).left == ()
    assert await tallies(target) == wanted == await tallies(source)
    return found


async def test_killed_moves_are_finished_by_the_next(sown: Path, tmp_path: Path, url: str) -> None:
    back = tmp_path / "back.db"
    kills = (figure(2, 10), figure(1, 10))
    there = await finished(sown, url, kills[0])
    here = await finished(url, back, kills[1])
    print(f"move: {kills[0]} kills there and {kills[1]} back; users found copied: {there + here}")
