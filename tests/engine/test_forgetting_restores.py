"""Erasing what had taken a fact's place makes that one hold again, and says so; a secret stays retired."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr import HMLRClient
from hmlr.cli.care import _active_again
from hmlr.records import Fact
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import door
from tests.opening import Place

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, embedder=hash_embedder()) as client:
        await say(client, "I live in Oslo.", "My bank PIN is 7391.", "I work at Google.", session="old")
        yield client


async def one(hmlr: HMLRClient, value: str) -> Fact:
    every = await hmlr.facts(states=("active", "superseded"))
    return next(fact for fact in every if fact.value == value)


@pytest.mark.parametrize("what", ["fact", "turn"])
async def test_the_older_value_is_named(hmlr: HMLRClient, what: str) -> None:
    await say(hmlr, "I moved to Bergen.", session="new", days=9)
    old, new = await one(hmlr, "Oslo"), await one(hmlr, "Bergen")
    named = {"fact_id": new.fact_id} if what == "fact" else {"turn_id": new.turn_id}
    certificate = await hmlr.forget(**named)
    assert certificate.facts_restored == (old.fact_id,)
    assert await _active_again(hmlr, certificate) == [f"active again: You live in Oslo ({old.fact_id})"]


async def test_what_an_erased_turn_had_ended_is_named(hmlr: HMLRClient) -> None:
    (turn_id,) = await say(hmlr, "I no longer work at Google.", session="new", days=9)
    certificate = await hmlr.forget(turn_id=turn_id)
    assert certificate.facts_restored == ((await one(hmlr, "Google")).fact_id,)


async def test_nothing_is_named_when_nothing_comes_back(hmlr: HMLRClient) -> None:
    certificate = await hmlr.forget(fact_id=(await one(hmlr, "Oslo")).fact_id)
    assert certificate.facts_restored == ()
    assert await _active_again(hmlr, certificate) == []


@pytest.mark.parametrize("what", ["fact", "turn"])
async def test_a_retired_secret_does_not_come_back(hmlr: HMLRClient, what: str) -> None:
    await say(hmlr, "My bank PIN is now 2468.", session="new", days=9)
    old, new = await one(hmlr, "7391"), await one(hmlr, "2468")
    named = {"fact_id": new.fact_id} if what == "fact" else {"turn_id": new.turn_id}
    assert (await hmlr.forget(**named)).facts_restored == ()
    kept = await one(hmlr, "7391")
    assert (old.state, kept.state, kept.superseded_by) == ("superseded", "superseded", None)
    await hmlr.rebuild()
    await hmlr.flush()
    assert (await one(hmlr, "7391")).state == "superseded"
    assert (await hmlr.restore(kept.fact_id)).state == "active"  # the user may still say so
