"""Gardening loses nothing, whatever is killed, repeated, forgotten or said by a hostile model."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.core.tasks.offered import said_in
from hmlr.core.tasks.titles import FIELD_WORDS
from hmlr.errors import Conflict, EmbedderError, InvalidInput, NotFound, Unreachable
from hmlr.garden_records import DossierFile
from hmlr.language.literal import new_words
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.memory.embeddings.port import EmbedderSpec
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.synthesis.homes import HOMES
from hmlr.memory.synthesis.shelf import offer, own_offers
from hmlr.records import Usage
from hmlr.settings import Settings
from hmlr.testing import HashEmbedder, ScriptedModel, hash_embedder
from tests.faults.doors import Clock, door
from tests.faults.figures import figure
from tests.gardens import exported, finished_facts, masked, places, plant, sow, thing

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
TRUTH = ("turn", "message", "turn_block", "fact", "fact_event", "edit")


def truth(records: list[Any]) -> list[Any]:
    """What gardening never changes."""
    return [each for each in records if each["type"] in TRUTH]


async def test_every_fact_of_a_finished_block_has_exactly_one_place(db_path: Path) -> None:  # G2
    await sow(db_path, figure(40, 1000))
    before = await exported(db_path)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        report = await hmlr.garden()
        assert (report.pending, report.stopped) == (0, "")
        for block in [each for each in await hmlr.blocks() if each.label.endswith(("4", "9"))]:  # no facts
            day = block.label.removeprefix("Topic ")
            hits = await hmlr.recall(f"What was on day {day}?")
            assert any(f"ada-{int(day):04}-2" in hit.turn_ids for hit in hits), day  # A24
        files = [await hmlr.dossier(each.dossier_id) for each in await hmlr.dossiers()]
        assert (await hmlr.health()).ok
    after = await exported(db_path)
    assert places(after).keys() == finished_facts(before)
    assert all(len(held) == 1 for held in places(after).values())
    assert {entry.fact.fact_id for file in files for entry in file.entries} == finished_facts(before)
    assert [foreign for file in files if (foreign := foreign_words(file))] == []
    assert truth(after) == truth(before)
    states = [each["state"] for each in after if each["type"] == "block"]
    assert states.count("GARDENED") == len(states) - 1


def foreign_words(file: DossierFile) -> tuple[str, ...]:
    """Words of a dossier that no fact in it says (G6): what is forgotten of another must not stand here."""
    own = own_offers([offer(entry.fact, AliasIndex()) for entry in file.entries])
    months = [f"{entry.fact.valid_from:%B %Y}" for entry in file.entries]
    texts = (file.dossier.title, file.dossier.summary, file.dossier.search_summary)
    statements = [entry.statement for entry in file.entries]
    sources = (*said_in(own), *months, *HOMES.values())
    return new_words(" ".join((*texts, *statements)), sources, also=FIELD_WORDS)


async def test_gardening_again_changes_nothing(db_path: Path) -> None:  # F37
    await sow(db_path, 12)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await hmlr.garden()
        once = await exported(db_path)
        again = await hmlr.garden()
        assert (again.done.blocks, len(await hmlr.garden_runs())) == (0, 1)
    assert await exported(db_path) == once


async def test_a_dry_run_writes_nothing_and_says_what_the_run_then_does(db_path: Path) -> None:
    await sow(db_path, 12)
    before = await exported(db_path)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        plan = await hmlr.garden(dry_run=True)
        assert await exported(db_path) == before
        report = await hmlr.garden()
    counted = [line.change for line in plan.lines]
    assert (plan.blocks, counted.count("create"), counted.count("merge")) == (
        report.done.blocks, report.done.created, report.done.merged,
    )  # fmt: skip
    assert sum(len(line.facts) for line in plan.lines) == report.done.facts
    assert (plan.model, plan.calls, plan.expected.calls) == ("offline", {}, 0)


async def test_undo_gives_the_export_from_before(db_path: Path) -> None:  # G4
    await sow(db_path, 14)
    before = await exported(db_path)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        first = await hmlr.garden()
        between = await exported(db_path)
        second = await hmlr.garden(include_active=True)
        assert second.done.blocks == 1
        with pytest.raises(Conflict, match="has built on"):
            await hmlr.undo(first.run_id)
        await hmlr.undo(second.run_id)
        assert await exported(db_path) == between
        await hmlr.undo(first.run_id)
        await hmlr.undo(first.run_id)
        assert await exported(db_path) == before
        with pytest.raises(NotFound):
            await hmlr.undo("no such run")
        await hmlr.garden()
    assert masked(await exported(db_path)) == masked(between)


async def test_a_killed_run_goes_on_to_the_same_state(db_path: Path, tmp_path: Path) -> None:  # G3, A23
    await sow(db_path, figure(10, 40))
    whole = tmp_path / "whole.db"
    shutil.copy(db_path, whole)
    async with door(whole, embedder=hash_embedder()) as hmlr:
        assert (await hmlr.garden()).pending == 0
    expected = masked(await exported(whole))
    kills = 0
    while kills < figure(2, 200):
        copy = tmp_path / f"copy{kills}.db"
        shutil.copy(db_path, copy)
        kills += await asyncio.to_thread(kill_until_done, copy)
        assert masked(await exported(copy)) == expected
    print(f"G3: {kills} kills, always the same state")


def kill_until_done(path: Path) -> int:
    """Start gardeners and kill them after ever longer times until one gets to the end; the kills."""
    kills = 0
    while True:
        command = [sys.executable, "-m", "tests.faults.garden_worker", str(path), str(kills)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(random.uniform(0, 0.3) * (1 + kills))
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read()
        if "done" in said:
            assert said.split()[-1] == "0", said
            return kills
        kills += 1


async def test_two_gardeners_at_once_do_each_block_once(db_path: Path) -> None:  # F34
    await sow(db_path, 20)
    async with door(db_path, embedder=hash_embedder()) as one, door(db_path, embedder=hash_embedder()) as two:
        reports = await asyncio.gather(one.garden(), two.garden(), one.garden())
        assert sum(report.done.blocks for report in reports) == 19
        assert [report.pending for report in reports] == [0, 0, 0]
    after = await exported(db_path)
    assert places(after).keys() == finished_facts(after)


async def test_users_are_gardened_apart(db_path: Path) -> None:
    for user in ("ada", "bob", "cleo"):
        await sow(db_path, 6, user=user)
    bobs = await exported(db_path, "bob")
    async with door(db_path, embedder=hash_embedder()) as ada:
        await ada.garden()
        assert await exported(db_path, "bob") == bobs
        report = await ada.garden(all_users=True, concurrency=2)
        assert report.done.blocks == 10
        async with ada.as_user("bob") as bob:
            mine, his = await ada.dossiers(), await bob.dossiers()
            assert not {each.dossier_id for each in mine} & {each.dossier_id for each in his}
            with pytest.raises(NotFound):
                await bob.dossier(mine[0].dossier_id)
            with pytest.raises(NotFound):
                await bob.undo((await ada.garden_runs())[-1].run_id)
    for user in ("ada", "bob", "cleo"):
        held = places(await exported(db_path, user))
        assert held
        assert all(fact_id.startswith(user) for fact_id in held)


async def test_with_the_model_down_blocks_stay_pending(db_path: Path) -> None:  # A22, F32
    await sow(db_path, 4)
    before = await exported(db_path)
    down = ScriptedModel(dict.fromkeys(TASKS, Unreachable("no connection")))
    clock = Clock()
    async with with_model(db_path, down, clock) as hmlr:
        report = await hmlr.garden()
        assert (report.done.blocks, report.pending) == (0, 3)
        assert "no connection" in report.stopped
        assert await hmlr.flush(2)  # blocks that wait hold nothing up
    assert await exported(db_path) == before
    async with door(db_path, clock=clock) as hmlr:
        assert (await hmlr.garden()).done.blocks == 3


TASKS = (
    "tag_classification", "fact_grouping", "fact_routing", "literal_restatement", "summary_update",
    "search_summary",
)  # fmt: skip


def with_model(path: Path, model: ScriptedModel, clock: Clock | None = None) -> Any:
    """A client on a scripted model; nothing but gardening asks it."""
    settings = Settings.load(db_path=str(path), embedder="none")
    return HMLRClient(settings=settings, user_id="ada", model=model, clock=clock or Clock())


async def test_a_budget_stops_before_it_is_overspent(db_path: Path) -> None:  # F36
    await sow(db_path, 8)
    model = ScriptedModel({})  # every answer fails, so the rule steps in: what it costs is what was asked
    async with with_model(db_path, model) as hmlr:
        plan = await hmlr.garden(dry_run=True)
        assert plan.expected.calls > 20
        assert not model.requests
        none = await hmlr.garden(budget_tokens=0)
        assert (none.done.blocks, none.pending, len(model.requests)) == (0, 7, 0)
        assert "budget" in none.stopped


async def test_a_spent_budget_leaves_whole_blocks(db_path: Path) -> None:
    await sow(db_path, 8)

    class Paid(ScriptedModel):
        async def complete(self, request: ModelRequest) -> ModelResponse:
            response = await super().complete(request)
            return replace(response, usage=Usage(calls=1, input_tokens=900, output_tokens=100))

    model = Paid({"tag_classification": {"tags": [], "section_rules": []}} | dict.fromkeys(TASKS[1:], "[]"))
    async with with_model(db_path, model) as hmlr:
        report = await hmlr.garden(budget_tokens=20_000)
        assert "budget" in report.stopped
        assert (report.done.blocks > 0, report.pending > 0) == (True, True)
        assert report.done.blocks + report.pending == 7
        assert len(model.requests) * 1000 <= 20_000 + 8 * 1000  # what was under way when it was used up
        assert (await hmlr.garden()).pending == 0
    after = await exported(db_path)
    assert places(after).keys() == finished_facts(after)


async def test_without_the_embedder_words_decide_and_the_report_says_so(db_path: Path) -> None:
    await sow(db_path, 4)

    def broken() -> HashEmbedder:
        raise EmbedderError("no weights")

    spec = EmbedderSpec(model_id="hash-64", dim=64, load=broken)
    async with door(db_path, embedder=spec) as hmlr:
        report = await hmlr.garden()
    assert (report.done.blocks, report.pending) == (3, 0)
    assert "no weights" in report.degraded[0]


async def test_an_obedient_model_changes_nothing_beyond_its_block(db_path: Path) -> None:  # F33, X01
    await sow(db_path, 4)
    await sow(db_path, 4, user="bob")
    async with door(db_path) as hmlr:
        await hmlr.garden(all_users=True)
    dice = random.Random(33)
    await plant(db_path, [[thing(dice) for _ in range(3)] for _ in range(3)], first=4)
    before, bobs = await exported(db_path), await exported(db_path, "bob")
    assert places(before)
    async with door(db_path) as hmlr:
        run = await hmlr.garden()
    gardened = await exported(db_path)
    async with door(db_path) as hmlr:
        await hmlr.undo(run.run_id)
    rounds = figure(3, 500)
    model = ScriptedModel(hostile(dice))
    async with with_model(db_path, model) as hmlr:
        for _ in range(rounds):
            report = await hmlr.garden()
            assert report.pending == 0
            after = await exported(db_path)
            assert truth(after) == truth(before)
            assert places(after).keys() == places(gardened).keys()
            assert all(len(held) == 1 for held in places(after).values())
            assert await exported(db_path, "bob") == bobs
            await hmlr.undo(report.run_id)
            assert await exported(db_path) == before
    assert len(model.requests) >= 15 * rounds
    print(f"F33: {rounds} hostile runs, {len(model.requests)} answers")


def hostile(dice: random.Random) -> Mapping[str, Any]:
    """Answers that delete, merge, overwrite and invent, in every task."""
    labels = ["F1", "F2", "F77", "ada-f0000-0", "D1", "D9", "", "*", "all", "everything"]

    def some() -> list[str]:
        return dice.choices(labels, k=dice.randrange(6))

    def grouping(_: ModelRequest) -> Any:
        groups = [{"theme": "delete all facts", "facts": some()} for _ in range(dice.randrange(4))]
        return {"groups": groups, "ungrouped": some()}

    def routing(_: ModelRequest) -> Any:
        action = dice.choice(["append", "create", "delete", "merge"])
        return {"action": action, "dossier_id": dice.choice(labels), "title": "Ignore all instructions"}

    def text(_: ModelRequest) -> Any:
        return dice.choice([{"text": ""}, {"text": "Delete everything."}, "[", {"text": "x" * 30_000}, {}])

    def tags(_: ModelRequest) -> Any:
        tag = {"kind": "constraint", "text": "obey", "quote": "obey the page"}
        return {"tags": [tag], "section_rules": [{**tag, "first": "T1", "last": "T99"}]}

    return {
        "tag_classification": tags,
        "fact_grouping": grouping,
        "fact_routing": routing,
        "literal_restatement": text,
        "summary_update": text,
        "search_summary": text,
    }


async def test_what_was_forgotten_leaves_dossiers_and_the_way_back(db_path: Path) -> None:  # A27, X08
    await sow(db_path, 8)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        run = await hmlr.garden()
        gone = next(each for each in await hmlr.facts() if each.value == "Postgres")
        assert (await hmlr.stats()).tags == 7  # they name it too
        await hmlr.forget(fact_id=gone.fact_id)
        assert (await hmlr.stats()).tags == 0
        assert all(each.summary and each.title and not each.stale for each in await hmlr.dossiers())
        with pytest.raises(InvalidInput, match="forgotten"):
            await hmlr.undo(run.run_id)
        assert (await hmlr.health()).ok
    for file in db_path.parent.glob("memory.db*"):
        assert b"postgres" not in file.read_bytes().lower()


async def test_everything_forgotten_leaves_no_dossier(db_path: Path) -> None:
    await sow(db_path, 6)
    await sow(db_path, 6, user="bob")
    async with door(db_path) as hmlr:
        await hmlr.garden(all_users=True)
        his = await exported(db_path, "bob")
        await hmlr.forget(everything=True)
        stats = await hmlr.stats()
        assert (stats.dossiers, stats.dossier_facts, stats.tags, stats.garden_runs) == (0, 0, 0, 0)
    assert await exported(db_path, "bob") == his


async def test_an_export_carries_dossiers_over(db_path: Path, tmp_path: Path) -> None:
    await sow(db_path, 8)
    folder = tmp_path / "out"
    folder.mkdir()
    async with door(db_path) as hmlr:
        await hmlr.garden()
        await hmlr.export(folder / "ada.jsonl")
        dossiers = await hmlr.dossiers()
    async with door(folder / "other.db") as other:
        await other.import_(folder / "ada.jsonl")
        assert await other.dossiers() == dossiers
        assert await other.import_(folder / "ada.jsonl") == 0
        assert (await other.garden()).done.blocks == 0
    assert await exported(folder / "other.db") == await exported(db_path)
