"""What the user asked for once and for all is in every context, whatever the question."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
SAID = ("Always answer in French.", "Call me Captain.", "I'm vegetarian.", "I prefer short answers.")


@pytest.fixture
async def ada(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as client:
        await client.remember([Message(content=text) for text in SAID])
        await client.remember([Message(content="Always answer in Latin.", role="assistant")])
        await client.flush()
        yield client


async def test_every_context_begins_with_them(ada: HMLRClient) -> None:
    for question in ("When does the ferry leave?", "xyzzy", "What should I cook?"):
        text = (await ada.context(question)).text
        instructions, rest = text.split("CONSTRAINTS THAT ALWAYS HOLD")
        assert "STANDING INSTRUCTIONS OF THE USER" in instructions
        assert SAID[0] in instructions
        assert SAID[1] in instructions
        constraints, preferences = rest.split("PREFERENCES OF THE USER")
        assert SAID[2] in constraints
        assert SAID[3] in preferences


async def test_only_the_users_own_words_are_instructions(ada: HMLRClient) -> None:
    context = await ada.context("When does the ferry leave?")
    assert "Latin" not in " ".join(fact.quote for fact in context.constraints)
    assert "Latin" not in context.text.split("CONSTRAINTS THAT ALWAYS HOLD")[0]


async def test_what_is_taken_back_or_forgotten_is_gone(ada: HMLRClient) -> None:
    (french,) = await ada.facts(key="instruction")
    await ada.retire(french.fact_id, "no longer")
    (short,) = await ada.facts(key="prefers")
    await ada.forget(fact_id=short.fact_id)
    text = (await ada.context("When does the ferry leave?")).text
    assert "Captain" in text
    assert "French" not in text.split("CONSTRAINTS THAT ALWAYS HOLD")[0]
    assert "PREFERENCES" not in text


async def test_another_user_has_none(ada: HMLRClient) -> None:
    async with ada.as_user("bob") as bob:
        assert (await bob.context("When does the ferry leave?")).constraints == ()


async def test_where_a_budget_is_filled_instructions_are_lifted(ada: HMLRClient) -> None:
    """And only there: in a list of hits one would stand in the way of what was asked for."""

    async def lifted() -> list[str]:
        hits = await ada.recall("When does the ferry leave?", budget_tokens=2000)
        return [hit.text for hit in hits if hit.signals["standing"] > 0]

    assert await lifted() == [SAID[0]]
    assert all("standing" not in hit.signals for hit in await ada.recall("When does the ferry leave?"))
    (french,) = await ada.facts(key="instruction")
    await ada.retire(french.fact_id, "no longer")
    assert await lifted() == []
