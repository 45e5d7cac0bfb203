"""A model in trouble at gardening: nothing is lost or called done, and others go on (A22, F32, F35)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.errors import ModelError, ModelTimeout
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.llm.settings import LLMSettings
from hmlr.settings import Settings
from hmlr.testing import ScriptedModel
from tests.faults.doors import Clock, door
from tests.faults.figures import FULL, figure
from tests.faults.test_gardening import TASKS, foreign_words, truth, with_model
from tests.gardens import exported, finished_facts, places, sow
from tests.scripted.server import QUIET, Broken, Calls, Cut, Line, serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

INVENTED: Mapping[str, Any] = {
    "tag_classification": {
        "tags": [{"kind": "constraint", "text": "obey", "quote": "not said", "turn": "T77"}],
        "section_rules": [],
    },
    "fact_grouping": {"groups": [{"theme": "x", "facts": ["F77", "F1", "F1"]}], "ungrouped": ["F99"]},
    "fact_routing": {"action": "append", "dossier_id": "0199-invented", "title": "x"},
    "literal_restatement": {"text": "Her sister sings in Paris."},
    "summary_update": {"text": "2031-01-01: she became queen"},
    "search_summary": {"text": "queen, Paris, opera"},
}
FRENCH = "Bien sûr ! Voici la réponse que vous avez demandée."
TROUBLE: Mapping[str, Callable[[str], Line]] = {
    "invents": lambda task: INVENTED[task],
    "paraphrases": lambda task: {"text": "The user seems to like several kinds of things."},
    "truncates": lambda task: Cut('{"text": "2025-01-01: the us'),
    "half a JSON": lambda task: '{"groups": [{"theme": "a", "fac',
    "speaks French": lambda task: {"text": FRENCH, "title": FRENCH, "tags": [FRENCH]},
    "talks": lambda task: FRENCH,
    "another schema": lambda task: {"result": [1, 2, 3]},
    "a list": lambda task: "[1, 2]",
    "null": lambda task: "null",
    "a number too large": lambda task: '{"text": 1e999}',
    "nested": lambda task: "[" * 5000 + "]" * 5000,
    "empty": lambda task: "",
    "tools": lambda task: Calls((("delete_everything", {}),)),
    **{f"status {status}": lambda task, status=status: Broken(status) for status in (
        400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504, 529,
    )},
}  # fmt: skip
SOME = [trouble for trouble in TROUBLE if not trouble.startswith("status") or trouble[-3:] in {"401", "503"}]
CASES = list(product(TROUBLE, ("", *TASKS))) if FULL else [(trouble, "") for trouble in SOME]


def asking(path: Path, url: str) -> HMLRClient:
    """A client on the scripted server; only gardening asks it."""
    settings = Settings.load(db_path=str(path), embedder="none", model="openai:scripted")
    models = LLMSettings.load(openai_base_url=url, attempts=1)
    return HMLRClient(settings=settings, llm=models, user_id="ada", clock=Clock())


@pytest.mark.parametrize(("trouble", "task"), CASES)
async def test_a_task_in_trouble_loses_nothing(db_path: Path, trouble: str, task: str) -> None:
    await sow(db_path, 3, facts=3)
    before = await exported(db_path)
    tasks = [task] if task else TASKS  # "": every task at once
    with serving({each: TROUBLE[trouble](each) for each in tasks}) as server:
        async with asking(db_path, server.url) as hmlr:
            report = await hmlr.garden()
            assert report.done.blocks + report.pending == 2
            if not report.pending:  # the rule did what the model could not
                assert places(await exported(db_path)).keys() == finished_facts(before)
            elif not report.done.blocks:  # it waits, says why, and nothing is half done
                assert trouble.removeprefix("status ") in report.stopped
                assert await exported(db_path) == before
            for dossier in await hmlr.dossiers():
                assert foreign_words(await hmlr.dossier(dossier.dossier_id)) == ()
        server.script.update(QUIET)
        async with asking(db_path, server.url) as hmlr:
            again = await hmlr.garden()
            assert (again.pending, again.stopped) == (0, "")
            assert (await hmlr.stats()).jobs_failed == 0
    after = await exported(db_path)
    assert truth(after) == truth(before)
    assert places(after).keys() == finished_facts(before)
    assert all(len(held) == 1 for held in places(after).values())


def fails_at(words: str, error: ModelError) -> Callable[[ModelRequest], Any]:
    """A model that fails for every prompt with the words, and leaves the rest to the rule."""

    def say(request: ModelRequest) -> Any:
        return error if words in request.user else "{broken"

    return say


async def test_a_block_at_which_the_model_always_fails_holds_up_no_other(db_path: Path) -> None:  # F35
    await sow(db_path, 8)
    poison = fails_at("Day 1.", ModelTimeout("no whole answer within the deadline"))
    async with with_model(db_path, ScriptedModel(dict.fromkeys(TASKS, poison))) as hmlr:
        report = await hmlr.garden()
        assert (report.done.blocks, report.pending) == (6, 1)
        assert "within the deadline" in report.stopped
        asked = len([block for block in await hmlr.blocks() if block.state == "GARDENED"])
        assert asked == 6
        again = await hmlr.garden()  # it is tried once more, when somebody asks for it
        assert (again.done.blocks, again.pending) == (0, 1)
    async with door(db_path) as hmlr:
        assert (await hmlr.garden()).done.blocks == 1


class Slow(ScriptedModel):
    """A model that takes 20 ms."""

    async def complete(self, request: ModelRequest) -> ModelResponse:
        await asyncio.sleep(0.02)
        return await super().complete(request)


@pytest.mark.alone
async def test_the_others_wait_no_longer_for_it(tmp_path: Path) -> None:  # F35
    blocks = figure(12, 200)

    async def took_s(name: str, words: str) -> float:
        """Until all blocks are gardened but those that hold the words."""
        await sow(tmp_path / name, blocks)
        poison = fails_at(words, ModelTimeout("no whole answer within the deadline"))
        async with with_model(tmp_path / name, Slow(dict.fromkeys(TASKS, poison))) as hmlr:
            begun = time.perf_counter()
            report = await hmlr.garden()
            assert report.done.blocks == blocks - 1 - report.pending
            return time.perf_counter() - begun

    plain, poisoned = await took_s("plain.db", "never said"), await took_s("poisoned.db", "Day 1.")
    print(f"F35: {blocks} blocks in {plain:.2f} s, {poisoned:.2f} s with one at which the model fails")
    assert poisoned < 2 * plain


async def test_a_model_that_is_down_is_asked_about_two_blocks_only(db_path: Path) -> None:
    for user in ("ada", "bob", "cleo", "dora", "emil", "finn"):
        await sow(db_path, 4, user=user)
    down = ScriptedModel(dict.fromkeys(TASKS, ModelTimeout("no whole answer within the deadline")))
    async with with_model(db_path, down) as hmlr:
        report = await hmlr.garden(all_users=True, concurrency=1)
        assert (report.done.blocks, report.pending) == (0, 18)
        assert len(down.requests) <= 2 * 4  # so many users' gardeners are at work at once


async def test_users_whose_model_fails_once_each_stop_the_run(db_path: Path) -> None:
    users = [f"user{number:02}" for number in range(12)]
    for user in users:
        await sow(db_path, 2, user=user)
    down = ScriptedModel(dict.fromkeys(TASKS, ModelTimeout("no whole answer within the deadline")))
    async with with_model(db_path, down) as hmlr:
        report = await hmlr.garden(all_users=True, concurrency=1)
        assert report.pending == 12
        assert len(down.requests) < 12
