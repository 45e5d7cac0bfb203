"""A garden run changes little of what was in order before it, whoever talked it into more (F33)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hmlr.memory.gardener.reach import FLOOR, SHARE
from hmlr.testing import ScriptedModel
from tests.faults.doors import Clock, door
from tests.faults.figures import figure
from tests.faults.test_gardening import truth, with_model
from tests.gardens import exported, places, plant, sow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


def river(number: int) -> tuple[dict[str, Any], str]:
    """A thing of its own, with a dossier of its own."""
    given = {"subject": f"River-{number}", "key": "limit", "value": f"{number} GB", "category": "entity"}
    return given, f"River-{number} has a limit of {number} GB"


def alias(one: int, other: int) -> tuple[dict[str, Any], str]:
    """The claim that two of them are one."""
    names = f"River-{one}", f"River-{other}"
    given = {"subject": names[0], "key": "also_called", "value": names[1], "category": "alias"}
    return given, f"{names[0]} is also called {names[1]}"


async def test_claims_that_join_everything_stop_the_run(db_path: Path) -> None:
    count, clock = figure(60, 600), Clock()
    most = max(FLOOR, int(SHARE * count))
    await plant(db_path, [[river(number)] for number in range(count)])
    async with door(db_path, clock=clock) as hmlr:
        await hmlr.garden()
        assert len(await hmlr.dossiers()) == count
    claims = [[alias(number, number + 1)] for number in range(0, count, 2)]
    await plant(db_path, claims, first=count + 1)
    before = await exported(db_path)
    async with door(db_path, clock=clock) as hmlr:
        report = await hmlr.garden()
        assert report.done.moved == report.done.closed == most
        assert report.pending == len(claims) - most
        assert "--allow-large" in report.stopped
        half = await exported(db_path)
        assert truth(half) == truth(before)
        again = await hmlr.garden()  # nor does the next run of the day
        assert (again.done.blocks, again.pending) == (0, report.pending)
        assert await exported(db_path) == half
        allowed = await hmlr.garden(allow_large=True)
        assert (allowed.pending, allowed.stopped) == (0, "")
        assert len(await hmlr.dossiers()) == count // 2
        assert (await hmlr.garden_runs())[0].large
        await hmlr.undo(allowed.run_id)
        assert await exported(db_path) == half
        clock.forward(timedelta(days=1, seconds=1).total_seconds())
        assert (await hmlr.garden()).done.moved > 0


async def test_what_was_allowed_does_not_count_against_the_next_run(db_path: Path) -> None:
    count, clock = 44, Clock()
    await plant(db_path, [[river(number)] for number in range(count)])
    async with door(db_path, clock=clock) as hmlr:
        await hmlr.garden()
    await plant(db_path, [[alias(n, n + 1)] for n in range(2, count, 2)], first=count + 1)
    async with door(db_path, clock=clock) as hmlr:
        assert (await hmlr.garden()).stopped
        clock.forward(60)
        assert not (await hmlr.garden(allow_large=True)).stopped
    await plant(db_path, [[alias(0, 1)]], first=3 * count)
    clock.forward(60)
    async with door(db_path, clock=clock) as hmlr:
        report = await hmlr.garden()
        assert (report.done.merged > 0, report.stopped) == (True, "")


async def test_one_claim_after_the_other_in_one_topic_is_one_step(db_path: Path) -> None:
    count = 40
    await plant(db_path, [[river(number)] for number in range(count)])
    async with door(db_path) as hmlr:
        await hmlr.garden()
    await plant(db_path, [[alias(0, number) for number in range(1, count)]], first=count + 1)
    async with door(db_path) as hmlr:
        report = await hmlr.garden()
        assert (report.done.facts, report.pending) == (0, 1)
        assert len(await hmlr.dossiers()) == count
        before = await exported(db_path)
        report = await hmlr.garden(allow_large=True)
        assert (report.done.merged, report.pending) == (count - 1, 0)
        assert all(len(held) == 1 for held in places(await exported(db_path)).values())
        await hmlr.undo(report.run_id)
    assert await exported(db_path) == before


async def test_a_model_that_finds_no_tags_any_more_takes_few_away(db_path: Path) -> None:
    await sow(db_path, 41)
    async with door(db_path) as hmlr:
        await hmlr.garden()
        assert (await hmlr.stats()).tags == 40
        for fact in {fact.turn_id: fact for fact in await hmlr.facts()}.values():  # one of each block
            await hmlr.retire(fact.fact_id, "no longer")
    blind = ScriptedModel({"tag_classification": {"tags": [], "section_rules": []}})
    async with with_model(db_path, blind) as hmlr:
        report = await hmlr.garden()
        assert report.done.untagged == FLOOR
        assert (await hmlr.stats()).tags == 40 - FLOOR
        assert "tags would have been taken away" in report.stopped
        await hmlr.undo(report.run_id)
        assert (await hmlr.stats()).tags == 40
