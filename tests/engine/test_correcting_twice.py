"""A correction to what an active fact says already leaves one fact, and can be taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr import HMLRClient
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import Clock, door
from tests.opening import Place

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        yield client


async def values(hmlr: HMLRClient, key: str) -> list[str]:
    return sorted(fact.value for fact in await hmlr.facts(key=key))


CASES = {
    "birthday": ("My birthday is 4 March 1984.", "My birthday is 14 March 1984."),
    "allergy": ("I'm allergic to walnuts.", "I'm allergic to hazelnuts."),
}


@pytest.mark.parametrize("key", CASES)
async def test_the_standing_fact_takes_the_place_of_the_wrong_one(hmlr: HMLRClient, key: str) -> None:
    for session, text in enumerate(CASES[key]):
        await say(hmlr, text, session=f"s{session}", days=session)
    first, second = await hmlr.facts(key=key)
    turns = len(await hmlr.turns())
    assert await hmlr.correct(second.fact_id, first.value.upper()) == first
    (gone,) = await hmlr.facts(key=key, states=["invalidated"])
    assert (gone.fact_id, gone.superseded_by) == (second.fact_id, first.fact_id)
    assert len(await hmlr.turns()) == turns
    await hmlr.rebuild()
    assert await hmlr.flush(10)
    assert await values(hmlr, key) == [first.value]


async def test_taking_it_back_keeps_both(hmlr: HMLRClient) -> None:
    await say(hmlr, *CASES["allergy"])
    first, second = await hmlr.facts(key="allergy")
    await hmlr.correct(second.fact_id, first.value)
    await hmlr.restore(second.fact_id)
    for _ in range(2):
        assert await values(hmlr, "allergy") == ["hazelnuts", "walnuts"]
        await hmlr.rebuild()
        assert await hmlr.flush(10)


async def test_a_value_that_stands_nowhere_makes_a_fact_as_before(hmlr: HMLRClient) -> None:
    await say(hmlr, *CASES["allergy"])
    first, second = await hmlr.facts(key="allergy")
    new = await hmlr.correct(second.fact_id, "peanuts")
    assert new.fact_id not in {first.fact_id, second.fact_id}
    assert await values(hmlr, "allergy") == ["peanuts", "walnuts"]
