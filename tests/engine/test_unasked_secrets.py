"""A secret is told to who asks for it: it is in no prompt, context or answer of anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hmlr import HMLRClient
from hmlr.testing import ScriptedModel, hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import door
from tests.opening import Place

pytestmark = pytest.mark.anyio
SECRETS = ("Tulip-4821-xyz", "7391", "Rose-9911-abc")
TOLD = (
    "The wifi password at home is Tulip-4821-xyz and my bank PIN is 7391.",
    "I like to cook pasta. My sister Ida swims in the sea at home every week.",
    "The wifi password at home is now Rose-9911-abc.",
    "I plan to paint the fence next week.",
    "Once more, so that it is written down: my bank PIN is 7391.",
)
UNASKED = (
    "What should I cook?",
    "Write a poem about the sea",
    "Help me plan my week at home",
    "What do you know about me?",
    "What did I plan?",
)
ASKED = {
    "What is my bank PIN?": {"7391"},
    "What is the wifi password at home?": {"Rose-9911-abc"},
    "What was my old wifi password?": {"Tulip-4821-xyz"},
}


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, embedder=hash_embedder()) as client:
        for number, text in enumerate(TOLD):
            await say(client, text, session=f"s{number}", days=number)
        yield client


def told(text: object) -> set[str]:
    return {secret for secret in SECRETS if secret in str(text)}


@pytest.mark.parametrize("budget", [300, 4000])
@pytest.mark.parametrize("question", UNASKED)
async def test_a_context_tells_no_secret_that_is_not_asked_for(
    hmlr: HMLRClient, question: str, budget: int
) -> None:
    assert not told(await hmlr.context(question, budget_tokens=budget))


@pytest.mark.parametrize("question", ASKED)
async def test_a_context_tells_the_secret_that_is_asked_for_and_no_other(
    hmlr: HMLRClient, question: str
) -> None:
    assert told((await hmlr.context(question)).text) >= ASKED[question]
    if "old" not in question:
        assert told(await hmlr.context(question)) == ASKED[question]


async def test_what_else_was_said_with_a_secret_is_kept(hmlr: HMLRClient) -> None:
    text = (await hmlr.context("What about my bank?", budget_tokens=4000)).text
    assert "The wifi password at home is ██████████████ and my bank PIN is ████." in text


@pytest.mark.parametrize("question", UNASKED)
async def test_an_answer_by_rule_tells_none(hmlr: HMLRClient, question: str) -> None:
    assert not told(await hmlr.chat(question, session_id="new"))


async def test_days_tell_none(hmlr: HMLRClient) -> None:
    day = (await hmlr.days())[-1].date
    reply = await hmlr.chat(f"What did we talk about on {day.day} {day:%B %Y}?", session_id="new")
    assert "wifi password" in reply.text
    assert not told(reply)


async def test_a_search_shows_what_was_said(hmlr: HMLRClient) -> None:
    found = " ".join(hit.text for hit in await hmlr.recall("password at home"))
    assert told(found) >= {"Tulip-4821-xyz", "Rose-9911-abc"}


@pytest.mark.parametrize("kinds", [("fact",), ("dossier",), ("fact", "dossier")])
async def test_facts_and_dossiers_of_a_search_tell_none(hmlr: HMLRClient, kinds: tuple[str, ...]) -> None:
    await hmlr.garden(include_active=True)
    for question in ("What should I do at home about the bank?", *UNASKED):
        assert not told(await hmlr.recall(question, kinds=kinds))
        assert not told((await hmlr.context(question, budget_tokens=4000)).text)


async def test_deep_recall_tells_none(hmlr: HMLRClient) -> None:
    assert not told(await hmlr.deep_recall("What about home and the bank?"))
    assert "7391" in (await hmlr.deep_recall("What is my bank PIN?")).text


async def test_no_prompt_of_another_turn_tells_one(database: Place) -> None:
    async with door(database, embedder=hash_embedder()) as client:
        for number, text in enumerate(TOLD):
            await say(client, text, session=f"s{number}", days=number)
    model = ScriptedModel({"answer": "All right."})
    async with HMLRClient(database, "ada", model=model, embedder=hash_embedder()) as client:
        for question in (*UNASKED, "I was at home and at the bank."):
            await client.chat(question, session_id=question, occurred_at=datetime(2026, 3, 1, tzinfo=UTC))
        await client.flush()
        assert {"answer", "memory_filter"} <= {request.task for request in model.requests}
        assert not [request.task for request in model.requests if told(request)]
        model.requests.clear()
        await client.chat("What is my bank PIN?", session_id="asked")
        assert told([each for each in model.requests if each.task == "answer"]) == {"7391"}
