"""Rebuild, export and import, day by day, the synchronous client."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hmlr.sync import HMLRClient
from hmlr.testing import hash_embedder
from tests.acceptance.conftest import call, chat, days_ago

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

READS = [
    call("recall", "Where do I live and what do I bake?"),
    call("facts", states=["active", "superseded", "invalidated"]),
    call("blocks"),
]


def timeless(facts: list[dict]) -> list[dict]:
    """Facts without the time of learning, which a rebuild can't give again, in the order of their ids."""
    kept = [{name: value for name, value in fact.items() if name != "recorded_at"} for fact in facts]
    return sorted(kept, key=lambda fact: fact["fact_id"])


def test_a_rebuild_gives_the_same_memory_with_the_users_edits(sit):
    *replies, _ = sit(
        chat("I live in Oslo.", occurred_at=days_ago(9)),
        chat("Different topic: I want to bake sourdough bread.", occurred_at=days_ago(8)),
        chat("My dough is too sticky.", occurred_at=days_ago(7)),
        chat("I moved to Bergen.", occurred_at=days_ago(6)),
        chat("My favourite colour is green.", occurred_at=days_ago(5)),
        call("stats"),
    )
    (facts,) = sit(call("facts"))
    colour = next(fact for fact in facts if fact["value"] == "green")
    bread = replies[1]["block_id"]
    sit(
        call("correct", colour["fact_id"], "teal"),
        call("rename_block", bread, "Bread"),
        call("merge_blocks", replies[0]["block_id"], bread),
    )
    before = sit(*READS)
    sit(call("rebuild"))
    after = sit(*READS)
    assert "teal" in str(after[1])
    assert timeless(before[1]) == timeless(after[1])
    assert [hit["turn_ids"] for hit in before[0]["items"]] == [hit["turn_ids"] for hit in after[0]["items"]]
    (block,) = (block for block in after[2] if block["block_id"] == bread)
    assert block["label"] == "Bread"
    (turns,) = sit(call("turns", block_id=bread))
    assert {reply["turn_id"] for reply in replies[:2]} <= {turn["turn_id"] for turn in turns}


def test_a_rebuild_keeps_corrections_of_corrections_and_what_was_said_after(sit):
    sit(chat("I live in Oslo."), chat("My favourite colour is green."))
    (facts,) = sit(call("facts"))
    ids = {fact["value"]: fact["fact_id"] for fact in facts}
    bergen, teal = sit(call("correct", ids["Oslo"], "Bergen"), call("correct", ids["green"], "teal"))
    sit(call("correct", teal["fact_id"], "mauve"))
    sit(chat("I moved to Tromso."))
    every = call("facts", states=["active", "superseded", "invalidated"])
    (before,) = sit(every)
    sit(call("rebuild"))
    (after,) = sit(every)
    assert timeless(before) == timeless(after)
    assert {fact["value"] for fact in after if fact["state"] == "active"} == {"Tromso", "mauve"}
    _, facts = sit(call("restore", bergen["fact_id"]), call("facts"))
    assert sorted(fact["value"] for fact in facts) == ["Bergen", "mauve"]


def test_what_was_known_at_a_time_leaves_out_what_was_never_right(sit):
    sit(chat("I live in Oslo."))
    (facts,) = sit(call("facts"))
    sit(call("correct", facts[0]["fact_id"], "Bergen"))
    (hits,) = sit(call("recall", "Where do I live?", kinds=["fact"], known_at=days_ago(-1)))
    assert [hit["text"] for hit in hits["items"]] == ["You live in Bergen"]


def test_a_rebuild_makes_the_same_blocks(sit):
    *_, before = sit(
        chat("I want to bake sourdough bread at home."),
        chat("My sourdough dough is too sticky."),
        chat("Different topic: the tax return for my freelance work is due in April."),
        call("blocks"),
    )
    sit(call("rebuild"))
    assert sit(call("blocks")) == [before]


def test_export_import_export_is_equal_and_answers_the_same(sit, tmp_path: Path):
    sit(
        chat("I live in Oslo."),
        chat("My API key for the weather service is WX-1."),
        chat("I live in Rome now."),
    )
    first, second = tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    sit(call("export", str(first)))
    count, again = sit(call("import_", str(first)), call("import_", str(first)), user="copy")
    assert count > 0
    assert again == 0
    sit(call("export", str(second)), user="copy")
    assert first.read_text() == second.read_text()
    assert first.stat().st_mode & 0o777 == 0o600
    here, there = (sit(call("recall", "Where do I live?"), user=user)[0]["items"] for user in ("ada", "copy"))
    assert [hit["text"] for hit in here] == [hit["text"] for hit in there]


def test_a_day_can_be_walked_and_asked_for(sit):
    tuesday = datetime(2026, 3, 10, 9, tzinfo=UTC)
    sit(
        chat("We talked through the budget of the choir.", occurred_at=tuesday.isoformat()),
        chat("I fixed the bicycle.", occurred_at="2026-03-12T09:00:00+00:00"),
        chat("I bought seeds.", occurred_at="2026-02-03T09:00:00+00:00"),
    )
    day, hits = sit(
        call("turns", since="2026-03-10T00:00:00+00:00", until="2026-03-11T00:00:00+00:00"),
        call("recall", "What did we talk about on 10 March 2026?"),
    )
    assert [turn["messages"][0]["content"] for turn in day] == ["We talked through the budget of the choir."]
    assert day[0]["block_id"]
    assert "choir" in hits["items"][0]["text"]


def test_the_synchronous_client_is_the_same_door(tmp_path: Path):
    with HMLRClient(tmp_path / "s.db", "ada", model="offline", embedder=hash_embedder()) as hmlr:
        reply = hmlr.chat("I live in Oslo.")
        assert hmlr.flush(10)
        assert [fact.value for fact in hmlr.facts()] == ["Oslo"]
        parts = list(hmlr.chat_stream("Where do I live?"))
        assert "Oslo" in "".join(part.text for part in parts)
        assert hmlr.turns()[0].turn_id == reply.turn_id
