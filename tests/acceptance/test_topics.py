"""A14 Continue and shift, A15 New, continue, shift, resume."""

from __future__ import annotations

import json

import pytest

from tests import processes
from tests.acceptance.conftest import call, chat

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


def test_a14_a_detail_continues_the_topic(sit):
    _, _, blocks = sit(
        chat("I'm planning a hiking trip in the mountains next month."),
        chat("What camera settings should I use for mountain landscapes on the hike?"),
        call("blocks"),
    )
    assert len(blocks) == 1
    assert blocks[0]["turn_count"] == 2


def test_a14_another_subject_opens_a_block_and_pauses_the_first(sit):
    _, _, blocks = sit(
        chat("I'm planning a hiking trip in the mountains next month."),
        chat("Help me debug this Python error: IndexError, list index out of range."),
        call("blocks"),
    )
    assert [block["state"] for block in blocks] == ["ACTIVE", "PAUSED"]
    assert "hiking" in blocks[1]["label"].lower()


def test_a15_new_continue_shift_resume(sit):
    *replies, blocks = sit(
        chat("I want to learn to bake sourdough bread at home."),
        chat("How long should the sourdough dough rise before I bake the bread?"),
        chat("Different topic: the tax return for my freelance work is due in April."),
        chat("Which receipts do I need for the freelance tax return?"),
        chat("Back to the sourdough bread: my dough is too sticky."),
        call("blocks"),
    )
    ids = [reply["block_id"] for reply in replies]
    assert ids[0] == ids[1] == ids[4]
    assert ids[2] == ids[3] != ids[0]
    counts = {block["block_id"]: block["turn_count"] for block in blocks}
    assert counts == {ids[0]: 3, ids[2]: 2}
    assert [block["state"] for block in blocks] == ["ACTIVE", "PAUSED"]


def test_a12_the_header_gathers_words_of_several_turns(sit):
    *_, blocks = sit(
        chat("I'm designing REST APIs for an invoice service."),
        chat("Should the REST APIs use cursor pagination or offset pagination?"),
        chat("And how do I version the REST API endpoints?"),
        chat("The invoice API endpoints need authentication with OAuth tokens."),
        chat("What about rate limiting for the API?"),
        chat("Should those API errors follow the problem details format?"),
        call("blocks"),
    )
    assert len(blocks) == 1
    words = {word.lower() for word in blocks[0]["keywords"]}
    assert {"rest", "invoice", "pagination"} <= words
    assert any(word in blocks[0]["label"].lower() for word in ("rest", "api", "invoice"))


def test_a_user_arranges_blocks(sit):
    *replies, _ = sit(
        chat("I want to learn to bake sourdough bread at home."),
        chat("Different topic: the tax return for my freelance work is due in April."),
        call("blocks"),
    )
    bread, tax = (reply["block_id"] for reply in replies)
    renamed, resumed, blocks = sit(
        call("rename_block", bread, "Bread"), call("resume_block", bread), call("blocks")
    )
    assert renamed["label"] == "Bread"
    assert resumed["state"] == "ACTIVE"
    assert [block["block_id"] for block in blocks if block["state"] == "ACTIVE"] == [bread]
    merged, after = sit(call("merge_blocks", tax, bread), call("blocks"))
    assert merged["turn_count"] == 2
    assert [block["label"] for block in after] == ["Bread"]
    split, blocks = sit(call("split_block", bread, replies[1]["turn_id"]), call("blocks"))
    assert split["turn_count"] == 1
    assert len(blocks) == 2


def test_blocks_are_arranged_on_the_command_line(sit, environment, database, tmp_path):
    (reply,) = sit(chat("I want to bake sourdough bread."))

    def run(*words: str) -> processes.Done:
        env = {**environment, "HMLR_DB_PATH": database, "HMLR_USER": "ada"}
        return processes.run([processes.MAIN, "blocks", *words], env=env, cwd=tmp_path)

    renamed = run("--rename", reply["block_id"], "--label", "Bread", "--json")
    assert [block["label"] for block in json.loads(renamed.stdout)] == ["Bread"]
    assert run("--rename", "nonsense", "--label", "x").returncode == 1
    wrong = run("--rename", reply["block_id"])
    assert (wrong.returncode, "needs --label" in wrong.stderr) == (2, True)
    assert run("--label", "x").returncode == 2
