"""Background work outlives its process, is retried, parked and seen (E4, F35)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.core.tasks.fact_scrubbing import task as scrubbing
from hmlr.errors import ClosedError, StorageError
from hmlr.store.sqlite.store import SqliteStore
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door, said, settled
from tests.faults.figures import figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(figure(120, 3600))]

ROOT = Path(__file__).parents[2]
RULE = scrubbing.FACT_SCRUBBING.offline
# Says "stored" once all messages have their receipt, and works until it is killed.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from hmlr import Message
from hmlr.errors import ClosedError, StorageError
from hmlr.store.sqlite.store import SqliteStore
from hmlr.testing import hash_embedder
from tests.faults.doors import door

async def main():
    async with door(Path(sys.argv[1]), embedder=hash_embedder(delay_s=0.02)) as hmlr:
        names = range(int(sys.argv[2]), int(sys.argv[3]))
        await hmlr.remember([Message(content=f"The API key for service{n} is key-{n}-abc.") for n in names])
        print("stored", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def start(path: Path, first: int, last: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(path), str(first), str(last)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


async def test_the_next_process_finishes_what_a_killed_one_left(db_path: Path) -> None:
    """Killed while its jobs are waiting or running; each fact is there once."""
    rounds, size = figure(2, 300), figure(40, 14)
    for lap in range(rounds):
        process = start(db_path, lap * size, (lap + 1) * size)
        assert process.stdout is not None
        assert process.stdout.readline() == "stored\n"
        time.sleep(0.03 * (lap % 10))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    clock = Clock()
    async with door(db_path, embedder=hash_embedder()) as now:
        clock.now = (await now.turns())[-1].recorded_at
    clock.forward(3600)  # past every lease of the dead
    async with door(db_path, embedder=hash_embedder(), clock=clock) as hmlr:
        await settled(hmlr, clock)
        total = rounds * size
        stats = await hmlr.stats()
        assert (stats.turns, stats.vectors, stats.jobs_waiting, stats.jobs_failed) == (total, total, 0, 0)
        values = Counter(fact.value for fact in await hmlr.facts())
        assert values == Counter(f"key-{number}-abc" for number in range(total))
        assert all(fact.confirmations == 0 for fact in await hmlr.facts())
        assert all(turn.block_id for turn in await hmlr.turns())
        assert sum(block.turn_count for block in await hmlr.blocks()) == total
        assert (await hmlr.health()).ok


@pytest.fixture
def poison() -> Iterator[list[str]]:
    """Makes the fact scrubber's rule fail on messages that hold the word; the calls it got."""
    calls: list[str] = []

    def failing(given: scrubbing.ScrubInput) -> object:
        calls.append(given.message.content)
        if "poison" in given.message.content:
            raise ZeroDivisionError("it stumbled")
        return RULE(given)

    set_rule(failing)
    yield calls
    set_rule(RULE)


def set_rule(rule: Callable[[scrubbing.ScrubInput], object]) -> None:
    object.__setattr__(scrubbing.FACT_SCRUBBING, "offline", rule)  # a task is frozen


async def fed(hmlr: HMLRClient, texts: Sequence[str]) -> None:
    """Remember texts, and wait until at most the job of a poisoned one is left."""
    await hmlr.remember([Message(content=text) for text in texts])
    await hmlr.flush(0.5)
    while (await hmlr.stats()).jobs_waiting > 1:
        await hmlr.flush(0.5)


async def test_a_poison_turn_stops_no_other(db_path: Path, poison: list[str]) -> None:
    texts = [f"The API key for service{number} is key-{number}-abc." for number in range(10)]
    async with door(db_path, clock=Clock()) as hmlr:
        await fed(hmlr, [*texts[:5], "This is poison.", *texts[5:]])
        assert len(await hmlr.facts()) == 10
        stats = await hmlr.stats()
        assert stats.jobs_waiting == 1
        await fed(hmlr, ["The API key for late is key-late-abc."])
        assert len(await hmlr.facts()) == 11


async def test_a_failing_job_backs_off_is_parked_shown_and_made_due(db_path: Path, poison: list[str]) -> None:
    clock = Clock()
    async with door(db_path, clock=clock) as hmlr:
        await fed(hmlr, ["This is poison."])
        attempts = [len(poison)]
        await hmlr.flush(0.2)
        assert len(poison) == attempts[0]  # not again before its time
        for wait_s in (1, 5, 30, 300, 3600):
            clock.forward(wait_s - 0.5)
            await hmlr.flush(0.1)
            assert len(poison) == attempts[-1]
            clock.forward(0.6)
            await hmlr.flush(0.2)
            attempts.append(len(poison))
            assert attempts[-1] > attempts[-2]
        stats = await hmlr.stats()
        assert (stats.jobs_waiting, stats.jobs_failed) == (0, 1)
        assert await hmlr.flush() is False  # not all is done, and waiting won't do it
        clock.forward(1e6)
        await hmlr.flush(0.1)
        assert len(poison) == attempts[-1]
        (check,) = [check for check in (await hmlr.health()).checks if check.name == "background"]
        assert not check.ok
        assert "1 failed" in check.detail
        assert "ZeroDivisionError" in check.detail
        assert "retry" in check.remedy
        assert await hmlr.retry() == 1
        await hmlr.flush(0.2)
        assert len(poison) > attempts[-1]


async def test_parked_work_is_done_once_the_cause_is_gone(db_path: Path, poison: list[str]) -> None:
    clock = Clock()
    text = "The API key for poison is key-1-abc."
    async with door(db_path, clock=clock) as hmlr:
        await fed(hmlr, [text])
        for _ in range(8):
            clock.forward(4000)
            await hmlr.flush(0.1)
        assert (await hmlr.stats()).jobs_failed == 1
    set_rule(RULE)
    async with door(db_path, clock=clock) as hmlr:
        assert await hmlr.retry() == 1
        await settled(hmlr, clock)
        assert [fact.value for fact in await hmlr.facts()] == ["key-1-abc"]
        assert (await hmlr.health()).ok


async def test_two_processes_do_each_job_once(db_path: Path) -> None:
    other = start(db_path, 0, 100)
    assert other.stdout is not None
    assert other.stdout.readline() == "stored\n"
    try:
        async with door(db_path, embedder=hash_embedder()) as hmlr:
            await hmlr.remember(
                [Message(content=f"The API key for service{n} is key-{n}-abc.") for n in range(100, 200)]
            )
            assert await hmlr.flush(20)
            values = Counter(fact.value for fact in await hmlr.facts())
            assert values == Counter(f"key-{number}-abc" for number in range(200))
            assert [block.state for block in await hmlr.blocks()].count("ACTIVE") == 1
            assert len(await said(hmlr)) == 200
    finally:
        other.kill()
        other.communicate()


async def test_a_database_that_fails_for_a_while_does_not_end_background_work(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, broken = SqliteStore.claim, True

    async def failing(self: SqliteStore, *args: object, **given: object) -> object:
        if broken:
            raise StorageError("the disk stumbles")
        return await claim(self, *args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteStore, "claim", failing)
    async with door(db_path) as hmlr:
        await hmlr.remember([Message(content="The API key for service1 is key-1-abc.")])
        assert not await hmlr.flush(0.2)
        broken = False
        assert await hmlr.flush(5)
        assert [fact.value for fact in await hmlr.facts()] == ["key-1-abc"]


async def test_work_that_meets_any_error_goes_on_later(
    db_path: Path, poison: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a store that can't take a job back nor a bug ends the task; a wait for it does not hang."""
    fail, errors = SqliteStore.fail, [ZeroDivisionError("a bug"), StorageError("the disk stumbles")]

    async def failing(self: SqliteStore, *args: object, **given: object) -> object:
        if errors:
            raise errors.pop()
        return await fail(self, *args, **given)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteStore, "fail", failing)
    clock = Clock()
    async with door(db_path, clock=clock) as hmlr:
        await hmlr.remember([Message(content="This is poison.")])
        for _ in range(20):
            await hmlr.flush(0.2)
            clock.forward(200)
        assert not errors
        set_rule(RULE)
        clock.forward(10_000)
        await hmlr.retry()
        await settled(hmlr, clock)
        assert await hmlr.flush() is True


async def test_a_wait_ends_when_nobody_works_any_more(db_path: Path, poison: list[str]) -> None:
    async with door(db_path, clock=Clock()) as hmlr:
        await fed(hmlr, ["This is poison."])
        background = hmlr._member.background
        assert background._task is not None
        background._task.cancel()
        with pytest.raises(ClosedError):
            await hmlr.flush()
