"""Gardening through the public door: finished topics become tags and dossiers, and stay what they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.llm.port import ModelRequest
from hmlr.testing import ScriptedModel, hash_embedder
from tests.faults.doors import START, Clock, door, settled
from tests.opening import Place

CIPHER = (
    "Project Cerberus will use Legacy-Phi, codename LΦ-88.",
    "K-12 is now called Styx.",
    'LΦ-88 is the old "Phoenix" cipher of 2019.',
    "Aether is identical to today's K-12.",
    "Phoenix was renamed Aether in 2021.",
)
NAMES = {"Legacy-Phi", "LΦ-88", "Phoenix", "Aether", "K-12", "Styx"}


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        yield client


async def say(hmlr: HMLRClient, *texts: str, session: str = "s", days: int = 0) -> list[str]:
    """Messages of one sitting, and all that is learned from them."""
    at = START + timedelta(days=days - 400)
    messages = [Message(content=text, occurred_at=at + timedelta(minutes=n)) for n, text in enumerate(texts)]
    receipt = await hmlr.remember(messages, session_id=session)
    await settled(hmlr)
    return list(receipt.turn_ids)


async def sit(hmlr: HMLRClient, *texts: str) -> None:
    """Each text in a sitting of its own, ten days apart; another topic follows."""
    for number, text in enumerate(texts):
        await say(hmlr, text, session=f"s{number}", days=10 * number)
    await say(hmlr, "What shall I cook tonight, rice with beans?", session="last", days=300)


async def test_one_thing_under_many_names_has_one_dossier(hmlr: HMLRClient) -> None:  # G5
    await sit(hmlr, *CIPHER)
    await hmlr.garden()
    (dossier,) = [each for each in await hmlr.dossiers() if "Styx" in each.search_summary]
    assert all(name in dossier.search_summary for name in NAMES)
    days = [line[:10] for line in dossier.summary.splitlines()]
    assert days == sorted(days)
    file = await hmlr.dossier(dossier.dossier_id)
    said = {turn.turn_id: turn.messages[0].content for turn in await hmlr.turns()}
    assert file.entries
    for entry in file.entries:  # dossier → fact → quote → turn
        assert entry.fact.quote in said[entry.fact.turn_id]
        assert entry.fact.value in entry.statement
    changes = [event.change for event in file.events]
    assert changes[0] == "created"
    assert changes.count("appended") >= len(file.entries)


async def test_a_dossier_says_only_what_its_own_facts_say(hmlr: HMLRClient) -> None:
    await say(hmlr, "Phoenix was renamed Aether in 2021.", session="a")
    await say(hmlr, "Now the weather: Aether is identical to today's K-12.", session="b", days=10)
    assert [each.state for each in await hmlr.blocks()] == ["ACTIVE", "PAUSED"]
    await hmlr.garden()
    (dossier,) = await hmlr.dossiers()
    assert "Aether" in dossier.title
    assert "K-12" not in repr(dossier)  # it is known, but by a fact that has no place here yet


async def test_dossiers_that_an_alias_joins_are_merged(hmlr: HMLRClient) -> None:
    await say(hmlr, "K-12 is also known as Styx.", session="a")
    await say(hmlr, "My sister Wilhelmina lives in Bergen.", session="b", days=10)
    await say(hmlr, "Phoenix was renamed Aether in 2021.", session="c", days=20)
    await sit(hmlr)
    await hmlr.garden(include_active=True)
    before = {
        each.dossier_id
        for each in await hmlr.dossiers()
        if {"Styx", "Aether"} & set(words(each.search_summary))
    }
    assert len(before) == 2
    await say(hmlr, "Aether is identical to today's K-12.", session="d", days=310)
    report = await hmlr.garden(include_active=True)
    assert report.done.merged == 1
    (left,) = [each for each in await hmlr.dossiers() if "Styx" in each.search_summary]
    assert "Aether" in left.search_summary
    (gone,) = before - {left.dossier_id}
    assert (await hmlr.dossier(gone)).dossier == left  # its id still leads there
    await hmlr.undo(report.run_id)
    assert {each.dossier_id for each in await hmlr.dossiers()} >= before


def words(text: str) -> list[str]:
    return text.replace(",", " ").replace(".", " ").split()


async def test_a_wrong_alias_parts_a_dossier(hmlr: HMLRClient) -> None:
    await say(hmlr, "K-12 is also known as Styx.", "Phoenix was renamed Aether in 2021.", session="a")
    await say(hmlr, "Aether is identical to today's K-12.", session="b", days=10)
    await hmlr.garden(include_active=True)
    (one,) = [each for each in await hmlr.dossiers() if "Styx" in each.search_summary]
    (wrong,) = [each for each in await hmlr.facts() if {each.subject, each.value} == {"Aether", "K-12"}]
    await hmlr.correct(wrong.fact_id, "Ledger")
    await settled(hmlr)
    report = await hmlr.garden(include_active=True)
    assert report.done.split == 1
    (styx,) = [each for each in await hmlr.dossiers() if "Styx" in each.search_summary]
    (aether,) = [each for each in await hmlr.dossiers() if "Ledger" in each.search_summary]
    assert styx != aether
    assert one.dossier_id in {styx.dossier_id, aether.dossier_id}


async def test_a_dossier_follows_its_facts(hmlr: HMLRClient) -> None:
    await sit(hmlr, "I live in Oslo.")
    await hmlr.garden()
    await say(hmlr, "I moved to Bergen.", session="later", days=320)
    (told,) = [each for each in await hmlr.dossiers() if "Oslo" in each.summary]
    assert told.stale
    await hmlr.garden(include_active=True)
    (told,) = [each for each in await hmlr.dossiers() if "Oslo" in each.summary]
    assert not told.stale
    (line,) = [line for line in told.summary.splitlines() if "Oslo" in line]
    assert "superseded" in line
    assert (await hmlr.garden(include_active=True)).done.blocks == 0


async def test_a_dossier_is_told_anew_while_its_topic_goes_on(hmlr: HMLRClient) -> None:
    await sit(hmlr, "I live in Oslo.")
    await hmlr.garden()
    (home,) = [each for each in await hmlr.blocks() if each.state == "GARDENED"]
    await hmlr.resume_block(home.block_id)
    (fact,) = await hmlr.facts(key="lives_in")
    await hmlr.retire(fact.fact_id, "sold the flat")
    assert (await hmlr.garden()).pending == 0
    (told,) = [each for each in await hmlr.dossiers() if "Oslo" in each.summary]
    assert "superseded" in told.summary
    assert {each.block_id: each.state for each in await hmlr.blocks()}[home.block_id] == "ACTIVE"


async def test_what_an_assistant_said_keeps_that_label(hmlr: HMLRClient) -> None:  # X01
    at = START - timedelta(days=400)
    told = Message(
        role="assistant", content="The Titan algorithm is deprecated, use Olympus.", occurred_at=at
    )
    await hmlr.remember([told], session_id="a")
    await settled(hmlr)
    await sit(hmlr)
    await hmlr.garden()
    lines = [line for each in await hmlr.dossiers() for line in each.summary.splitlines() if "Titan" in line]
    assert lines
    assert all("said by assistant" in line for line in lines)


async def test_tags_and_section_rules_stand_with_hits(hmlr: HMLRClient) -> None:  # M10
    ids = await say(
        hmlr,
        "In this project we use Postgres 16 for the ledger tables.",
        "From now on answer about the ledger in French.",
        "How do we index the ledger tables?",
        session="work",
    )
    await sit(hmlr)
    await hmlr.garden()
    hits = {hit.turn_ids[0]: hit for hit in await hmlr.recall("ledger tables")}
    texts = {turn: {tag.text for tag in hits[turn].tags} for turn in ids if turn in hits}
    assert all(
        "In this project we use Postgres 16 for the ledger tables" in found for found in texts.values()
    )
    rule = "From now on answer about the ledger in French"
    assert [rule in texts[turn] for turn in ids if turn in texts] == [
        turn != ids[0] for turn in ids if turn in texts
    ]
    assert rule in (await hmlr.context("How do we index the ledger tables?")).text


async def test_a_gardened_block_is_found_and_taken_up_again(hmlr: HMLRClient) -> None:  # A24
    await say(hmlr, "The hiking trail to the glacier was muddy and very long.", session="a")
    await sit(hmlr)
    found = await hmlr.recall("muddy glacier trail")
    await hmlr.garden()
    (block,) = [each for each in await hmlr.blocks() if each.state == "GARDENED" and "iking" in each.label]
    again = await hmlr.recall("muddy glacier trail")
    assert [(hit.text, hit.score) for hit in again] == [(hit.text, hit.score) for hit in found]
    await hmlr.resume_block(block.block_id)
    assert {each.block_id: each.state for each in await hmlr.blocks()}[block.block_id] == "ACTIVE"
    await say(hmlr, "The glacier trail was dry today.", session="new", days=330)
    assert {turn.session_id for turn in await hmlr.turns(block_id=block.block_id)} == {"a", "new"}


async def test_the_topic_talked_about_now_waits(hmlr: HMLRClient) -> None:
    await say(hmlr, "I live in Oslo.")
    assert (await hmlr.garden()).done.blocks == 0
    assert (await hmlr.garden(include_active=True)).done.blocks == 1


async def test_a_dossier_brings_its_facts_to_a_context(hmlr: HMLRClient) -> None:
    await sit(hmlr, *CIPHER)
    await hmlr.garden()
    (hit, *_) = await hmlr.recall("What is Styx?", kinds=["dossier"])
    sources = {turn.turn_id for turn in await hmlr.turns() if turn.messages[0].content in CIPHER}
    assert set(hit.turn_ids) == sources
    assert hit.text.startswith((await hmlr.dossier(hit.node_id)).dossier.title)
    context = await hmlr.context("What is Styx?", budget_tokens=1500)
    assert context.dossiers[0] == hit.node_id
    assert {fact.turn_id for fact in context.facts} >= sources
    assert context.tokens <= 1500
    assert not await hmlr.recall("What is Styx?", kinds=["dossier"], session_id="s1")


async def test_a_corrected_fact_finds_its_dossier(hmlr: HMLRClient) -> None:
    await sit(hmlr, "My sister is called Wilhelmina.")
    await hmlr.garden()
    (fact,) = [each for each in await hmlr.facts() if each.value == "Wilhelmina"]
    new = await hmlr.correct(fact.fact_id, "Wilma")
    await settled(hmlr)
    await hmlr.garden()
    held = {
        entry.fact.fact_id: each.dossier_id
        for each in await hmlr.dossiers()
        for entry in (await hmlr.dossier(each.dossier_id)).entries
    }
    assert held[new.fact_id] == held[fact.fact_id]


async def test_a_rebuild_drops_dossiers_and_gardening_makes_the_same(hmlr: HMLRClient) -> None:
    await sit(hmlr, *CIPHER)
    await hmlr.garden()
    before = await hmlr.dossiers()
    await hmlr.rebuild()
    await settled(hmlr)
    assert await hmlr.dossiers() == []
    await hmlr.garden()
    assert [each.summary for each in await hmlr.dossiers()] == [each.summary for each in before]


async def test_merged_topics_are_gardened_again(hmlr: HMLRClient) -> None:
    await say(hmlr, "In this project we use Postgres 16 for the ledger tables.", session="a")
    await say(hmlr, "The hiking trail to the glacier was muddy and very long.", session="b", days=10)
    await sit(hmlr)
    await hmlr.garden()
    first, second = [each for each in await hmlr.blocks() if each.state == "GARDENED"]
    await hmlr.merge_blocks(first.block_id, second.block_id)
    assert (await hmlr.garden()).done.blocks == 1
    (hit, *_) = await hmlr.recall("muddy glacier trail")
    assert [tag.kind for tag in hit.tags] == ["environment"]


SUMMARY = "2025-01-25: Your sister is Wilhelmina"


async def test_a_model_writes_literal_texts_only(databases: Callable[[str], Place]) -> None:  # G6
    def good(request: ModelRequest) -> Any:
        return {"text": SUMMARY if request.task == "summary_update" else "Wilhelmina, sister"}

    scripts: list[tuple[Any, bool]] = [(good, True), (lambda _: {"text": "She is a famous singer."}, False)]
    for number, (texts, kept) in enumerate(scripts):
        async with door(databases(str(number))) as plain:
            await sit(plain, "My sister is called Wilhelmina.")
        model = ScriptedModel(
            {
                "tag_classification": {"tags": [], "section_rules": []},
                "fact_routing": {"action": "create", "title": "Family"},
                "literal_restatement": {"text": "Your sister is called Wilhelmina."},
                "summary_update": texts,
                "search_summary": texts,
            }
        )
        async with HMLRClient(settings=plain.settings, user_id="ada", model=model) as hmlr:
            report = await hmlr.garden()
            (dossier,) = await hmlr.dossiers()
            assert ("Wilhelmina, sister" in dossier.search_summary) is kept
            assert "singer" not in dossier.summary
            assert (report.done.fallbacks == 0) is kept
            by = {
                event.by
                for event in (await hmlr.dossier(dossier.dossier_id)).events
                if event.change == "retold"
            }
            assert by == {"scripted:model" if kept else "rule"}


async def test_a_dry_run_says_what_the_model_would_be_asked(database: Place) -> None:
    async with door(database) as plain:
        await sit(plain, *CIPHER)
    model = ScriptedModel({})
    async with HMLRClient(settings=plain.settings, user_id="ada", model=model) as hmlr:
        plan = await hmlr.garden(dry_run=True)
        assert model.requests == []
        await hmlr.garden()
    asked = [request.task for request in model.requests]
    assert plan.calls == {task: asked.count(task) for task in sorted(set(asked))}
    chars = sum(len(request.system) + len(request.user) for request in model.requests)
    assert plan.expected.input_tokens == pytest.approx(chars / 4, rel=0.1)
