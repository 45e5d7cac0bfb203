"""Deep recall offline: a chain of facts, two links deep, each with its source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.deep_records import DeepAnswer
from hmlr.errors import InvalidInput
from hmlr.testing import ScriptedModel, hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
START = datetime(2025, 3, 3, 9, tzinfo=UTC)
TALK = ("The tomatoes on the balcony turned red.", "The printer jams on every second page.")


async def asked(database: Place, texts: Sequence[str], question: str, *, garden: bool = False) -> DeepAnswer:
    """What deep recall says after texts, each in a session of its own."""
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as client:
        for day, text in enumerate(texts):
            said = Message(content=text, occurred_at=START + timedelta(days=day))
            await client.remember([said], session_id=f"s{day}")
        await client.flush()
        if garden:
            await client.garden(include_active=True)
        answer = await client.deep_recall(question)
        turns = {turn.turn_id: turn.messages[0].content for turn in await client.turns()}
    assert all(each.text in turns[each.turn_ids[0]] for each in answer.evidence)
    assert all(f"[{each.number}]" in answer.text for each in answer.evidence)
    return answer


def hops(answer: DeepAnswer) -> dict[str, int]:
    return {each.text: each.hop for each in answer.evidence}


SISTER = ("My sister is called Ana.", "Ana works at Nordlys.", "Nordlys was renamed Helios.", *TALK)


@pytest.mark.parametrize("garden", [False, True])
async def test_names_lead_from_fact_to_fact(database: Place, garden: bool) -> None:
    answer = await asked(database, SISTER, "Where does my sister work?", garden=garden)
    assert set(SISTER[:2]) <= hops(answer).keys()
    assert not set(TALK) & {each.text for each in answer.evidence if each.hop}
    assert answer.by == "rule"


BESIDE = {
    "Where is my sister's wedding?": "My sister is called Ana. The wedding takes place in Molde.",
    "How much does my dentist charge?": "My dentist is Anna Berg. She charges 80 euros a visit.",
    "When does my boss retire?": "My boss is Ivo Lind. He retires on 4 May 2027.",
    "Why did we leave the party?": "I'm allergic to walnuts. Because of that we left the party early.",
}


@pytest.mark.parametrize("question", BESIDE)
async def test_the_answer_beside_a_quote_is_shown_with_it(database: Place, question: str) -> None:
    more = f"{BESIDE[question]} It rained all day."
    answer = await asked(database, [more, *TALK], question)
    assert BESIDE[question] in {each.text for each in answer.evidence if each.hop == 0}


async def test_a_quote_that_answers_stands_by_itself(database: Place) -> None:
    said = "Ana lives in Oslo. The wedding takes place in Molde."
    answer = await asked(database, [said, *TALK], "Where does Ana live?")
    assert {each.text for each in answer.evidence if each.kind == "fact"} == {"Ana lives in Oslo."}
    assert said not in {each.text for each in answer.evidence}


async def test_all_names_of_a_thing_are_one_link(database: Place) -> None:
    names = ("Phoenix was renamed Aether.", "Aether is now called K-12.", "K-12 is now called Styx.")
    rule = "Policy v1: Phoenix may be used up to 500 TiB/day."
    answer = await asked(database, [*names, rule, *TALK], "What holds for Styx?")
    assert hops(answer).items() >= dict.fromkeys(names, 1).items()
    assert rule in hops(answer)
    by_text = {each.text: each for each in answer.evidence}
    assert by_text[names[0]].via == by_text[names[1]].number
    assert by_text[names[1]].via == by_text[names[2]].number


async def test_what_was_replaced_and_why_is_followed(database: Place) -> None:
    said = (
        "Policy v1: the limit is 10 GB/day.",
        "Policy v2 supersedes all earlier policies: the limit is 5 GB/day.",
        "Ignore policy v2, it was a draft. The new limit is 7 GB/day. This is policy v3.",
    )
    answer = await asked(database, [*said, *TALK], "What does policy v1 say?")
    assert len({turn_id for each in answer.evidence for turn_id in each.turn_ids}) >= len(said)
    notes = {each.text: each.note for each in answer.evidence}
    assert notes[said[0]].startswith("superseded")
    assert notes[said[1]].startswith("invalidated")
    assert "draft" in notes[said[1]]


async def test_the_chain_keeps_its_budget_and_says_when_there_is_nothing(database: Place) -> None:
    async with HMLRClient(database, "ada", model=ScriptedModel({}), embedder=hash_embedder()) as client:
        empty = await client.deep_recall("Where does my sister work?")
        assert (empty.text, empty.evidence) == ("I have nothing on that yet.", ())
        assert empty.degraded == ("deep recall: this model takes no tools",)
        await client.remember([Message(content=text) for text in SISTER])
        await client.flush(5)
        answer = await client.deep_recall("Where does my sister work?", budget_tokens=40)
        assert len(answer.text) <= 160
        with pytest.raises(InvalidInput):
            await client.deep_recall("Where?", max_rounds=0)
