"""A day's budget holds over crashes, schedules, users and callers at once (F36)."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from hmlr.errors import InvalidInput
from hmlr.llm.settings import Price
from tests.faults.budget_worker import MODEL, asking
from tests.faults.doors import Clock, settled
from tests.faults.figures import figure
from tests.gardens import exported, finished_facts, places, sow
from tests.scripted.server import Asked, Says, TaskServer, serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

CALL = 15  # tokens that the server says a call took
A_DAY = 50  # calls: enough for a topic, not for all
MARCH_1 = date(2026, 3, 1)  # of the tests' clock


@pytest.fixture
def server() -> Iterator[TaskServer]:
    with serving({}) as model:
        yield model


async def test_a_crash_loop_spends_no_more_than_the_day_has(db_path: Path) -> None:
    await sow(db_path, 8)
    budget = figure(2, 120)
    dice = random.Random(36)
    kills = await asyncio.to_thread(crash_until_stopped, db_path, budget, dice)
    later = Clock()
    later.forward(12 * 3600 - 1)  # leases of the killed are over
    async with asking(db_path, "http://127.0.0.1:9/v1", clock=later) as hmlr:
        (day,) = (await hmlr.stats()).days
        assert (day.day, day.calls) == (MARCH_1, budget)
        assert (await hmlr.garden()).pending
    print(f"F36: {kills} kills, {budget} calls a day")


def crash_until_stopped(path: Path, budget: int, dice: random.Random) -> int:
    """Start gardeners, each killed while a call of it is under way; the kills until the budget stops one."""
    asked = threading.Semaphore(0)

    def slow(_: Asked) -> Says:
        asked.release()
        threading.Event().wait(0.05)
        return "{broken"

    with serving(dict.fromkeys(("tag_classification", "fact_grouping", "fact_routing"), slow)) as server:
        for kills in range(budget + 2):
            arguments = [str(path), server.url, str(budget), str(kills)]
            command = [sys.executable, "-m", "tests.faults.budget_worker", *arguments]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                for _ in range(dice.randrange(1, figure(2, 4))):
                    while not asked.acquire(timeout=0.1) and process.poll() is None:
                        pass
                process.send_signal(signal.SIGKILL)
                said = process.stdout.read()
            assert len(server.asked) <= budget
            if said:
                assert "the day's budget" in said
                return kills
    raise AssertionError("the budget stopped none of them")


async def test_a_schedule_stops_at_the_day_s_budget_and_goes_on_tomorrow(
    db_path: Path, server: TaskServer
) -> None:
    await sow(db_path, 5)
    clock = Clock()
    for day in range(1, 30):
        left = 0
        for _ in range(2):  # runs a day
            async with asking(db_path, server.url, clock=clock, daily_calls=A_DAY) as hmlr:
                report = await hmlr.garden()
                left = report.pending
        assert len(server.asked) <= day * A_DAY
        if not left:
            break
        assert f"the day's budget of {A_DAY} calls is used up" in report.stopped
        clock.forward(24 * 3600)
    assert day > 1
    after = await exported(db_path)
    assert places(after).keys() == finished_facts(after)
    async with asking(db_path, server.url, clock=clock) as hmlr:
        days = (await hmlr.stats()).days
    # What was under way when the budget stopped the run counts, too, as expected.
    assert sum(each.calls for each in days) >= len(server.asked)
    assert sum(each.tokens for each in days) >= len(server.asked) * CALL
    assert [each.day for each in days] == sorted((each.day for each in days), reverse=True)


async def test_each_user_has_a_day_of_his_own(db_path: Path, server: TaskServer) -> None:
    await sow(db_path, 4)
    await sow(db_path, 2, user="bob")
    async with asking(db_path, server.url, daily_calls=40) as hmlr:
        report = await hmlr.garden(all_users=True)
        assert "the day's budget" in report.stopped
        async with hmlr.as_user("bob") as bob:
            assert (await bob.garden()).pending == 0
            assert (await bob.stats()).days[0].calls < 40
            assert (await hmlr.stats()).days[0].calls <= 40


async def test_without_a_limit_the_day_is_counted_all_the_same(db_path: Path, server: TaskServer) -> None:
    await sow(db_path, 3)
    async with asking(db_path, server.url) as hmlr:
        report = await hmlr.garden()
        (day,) = (await hmlr.stats()).days
    assert (day.calls, day.tokens) == (len(server.asked), CALL * len(server.asked))
    assert day.calls == report.done.usage.calls


async def test_callers_at_once_share_the_day(db_path: Path, server: TaskServer) -> None:
    async with (
        asking(db_path, server.url, daily_calls=5) as one,
        asking(db_path, server.url, daily_calls=5) as two,
    ):
        replies = await asyncio.gather(*(client.chat(f"Say {n}.") for n in range(8) for client in (one, two)))
        assert all(reply.text for reply in replies)  # by rule, when the model may not be asked
        assert any("day's budget" in each for reply in replies for each in reply.degraded)
        assert len(server.asked) == 5
        assert len(await one.turns()) == 16


async def test_learning_waits_for_tomorrow_and_is_not_parked(db_path: Path, server: TaskServer) -> None:
    clock = Clock()
    async with asking(db_path, server.url, clock=clock, daily_calls=1) as hmlr:
        await hmlr.chat("My sister is called Wilhelmina.")
        for _ in range(12):
            await hmlr.flush(0.1)
            clock.forward(3600 - 1)
        stats = await hmlr.stats()
        assert stats.jobs_failed == 0
        assert stats.jobs_waiting > 0
        assert len(server.asked) == 1
    clock.forward(12 * 3600)
    async with asking(db_path, server.url, clock=clock) as hmlr:
        await settled(hmlr)
        assert (await hmlr.stats()).jobs_waiting == 0
        assert len(server.asked) > 1


async def test_gardening_may_leave_a_part_of_the_day_to_talk(db_path: Path, server: TaskServer) -> None:
    await sow(db_path, 4)
    async with asking(db_path, server.url, daily_tokens=1_000_000) as hmlr:
        report = await hmlr.garden(daily_tokens=1000)  # all of it takes 1,110
        assert "the day's budget of 1000 tokens" in report.stopped
        assert len(server.asked) * CALL <= 1000
        before = len(server.asked)
        await hmlr.chat("Say hello.")
        assert len(server.asked) > before
        with pytest.raises(InvalidInput, match="daily_tokens"):
            await hmlr.garden(daily_tokens=-1)


async def test_a_day_s_dollars_need_a_price(db_path: Path, server: TaskServer) -> None:
    await sow(db_path, 4)
    async with asking(db_path, server.url, daily_usd=1.0) as hmlr:
        report = await hmlr.garden()
        assert "price" in report.stopped
        assert not server.asked
    price = {MODEL: Price(input_usd=1, output_usd=10_000)}  # a call of the server costs 0.05001
    async with asking(db_path, server.url, daily_usd=2.7, prices=price) as hmlr:
        report = await hmlr.garden()
        assert "the day's budget of $2.7000" in report.stopped
        (day,) = (await hmlr.stats()).days
        assert day.cost_usd == pytest.approx(0.05001 * len(server.asked))
        assert 2 < day.cost_usd <= 2.7


async def test_forgetting_everything_begins_no_new_budget(db_path: Path, server: TaskServer) -> None:
    async with asking(db_path, server.url, daily_calls=2) as hmlr:
        await hmlr.chat("Say hello.")
        await hmlr.chat("Say hello again.")
        await hmlr.forget(everything=True)
        await hmlr.chat("Say hello.")
        assert len(server.asked) == 2
