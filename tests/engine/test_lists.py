"""Lists of one kind with their number, through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
SAID = (
    "My cat is called Misty.",
    "We have a dog named Rex.",
    "I'm allergic to peanuts.",
    "I visited Lisbon and Porto.",
    "Ana has a parrot named Coco.",
)


@pytest.fixture
async def ada(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as client:
        days = (datetime(2025, 3, day, 9, tzinfo=UTC) for day in range(1, 32))
        await client.remember(
            [Message(content=text, occurred_at=day) for text, day in zip(SAID, days, strict=False)]
        )
        await client.flush()
        yield client


async def test_facts_of_a_kind_with_their_sources(ada: HMLRClient) -> None:
    pets = await ada.facts(kind="pets")
    assert [fact.value for fact in pets] == ["Misty (cat)", "Rex (dog)"]
    assert [fact.quote for fact in pets] == list(SAID[:2])
    (turn,) = [turn for turn in await ada.turns() if turn.turn_id == pets[0].turn_id]
    assert turn.messages[0].content == SAID[0]
    assert await ada.facts(kind="boats") == []


async def test_a_question_for_how_many_counts_them(ada: HMLRClient) -> None:
    text = (await ada.chat("How many pets do I have?")).text
    assert "2" in text.splitlines()[0]
    assert all(quote in text for quote in SAID[:2])
    assert "Coco" not in text
    cities = (await ada.chat("Which cities did I visit?")).text
    assert "2" in cities.splitlines()[0]
    assert "Lisbon" in cities
    assert "Porto" in cities


async def test_what_is_no_longer_so_is_not_counted(ada: HMLRClient) -> None:
    await ada.chat("Rex died last week.")
    await ada.flush()
    text = (await ada.chat("How many pets do I have?")).text
    assert "1" in text.splitlines()[0]
    assert [fact.value for fact in await ada.facts(kind="pets")] == ["Misty (cat)"]
    assert len(await ada.facts(kind="pets", states=("active", "superseded"))) == 2


async def test_a_model_reads_all_of_them(ada: HMLRClient) -> None:
    for name in range(20):
        await ada.remember([Message(content=f"We have a dog named Rex{name:02}x.")])
    await ada.flush()
    context = await ada.context("How many pets do I have?")
    assert len([fact for fact in context.facts if fact.key == "pet"]) == 22
