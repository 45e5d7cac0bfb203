"""A hit that says what is no longer so tells it: the fact, since when, and what took its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from hmlr import HMLRClient
from hmlr.cli.recall import _hit
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import START, Clock, door
from tests.opening import Place

pytestmark = pytest.mark.anyio
MOVED = START + timedelta(days=-300)


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        await say(client, "I live in Uppsala. My birthday is 4 March.", "My shoe size is 43.")
        await say(client, "I moved to Stockholm.", session="later", days=100)
        yield client


async def test_a_superseded_fact_marks_the_hit_with_its_words(hmlr: HMLRClient) -> None:
    hits = {hit.text: hit for hit in await hmlr.recall("Do I live in Uppsala or in Stockholm?")}
    (gone,) = hits["I live in Uppsala. My birthday is 4 March."].outdated
    (now,) = await hmlr.facts(key="lives_in")
    assert (gone.statement, gone.state, gone.superseded_by) == (
        "You live in Uppsala",
        "superseded",
        now.fact_id,
    )
    assert gone.until == MOVED
    assert hits["I moved to Stockholm."].outdated == ()
    shown = _hit(1, hits["I live in Uppsala. My birthday is 4 March."])
    assert f"no longer so since {MOVED:%Y-%m-%d}: You live in Uppsala (now: Stockholm)" in shown


async def test_a_corrected_fact_never_was_so(hmlr: HMLRClient) -> None:
    (size,) = await hmlr.facts(key="shoe_size")
    await hmlr.correct(size.fact_id, "44")
    (hit, *_) = [hit for hit in await hmlr.recall("my shoe size") if "43" in hit.text]
    assert [(gone.state, gone.until) for gone in hit.outdated] == [("invalidated", None)]
    assert "never was so" in _hit(1, hit)


async def test_what_is_asked_of_then_is_not_marked(hmlr: HMLRClient) -> None:
    early = await hmlr.recall("live in Uppsala", as_of=MOVED - timedelta(days=1))
    late = await hmlr.recall("live in Uppsala", as_of=MOVED + timedelta(days=1))
    assert [bool(hits[0].outdated) for hits in (early, late)] == [False, True]


async def test_what_was_learned_later_is_not_told(hmlr: HMLRClient) -> None:
    (home,) = await hmlr.facts(key="lives_in")
    before = home.recorded_at - timedelta(microseconds=1)
    assert all(not hit.outdated for hit in await hmlr.recall("live in Uppsala", known_at=before))
    known = await hmlr.recall("live in Uppsala", known_at=home.recorded_at)
    assert known[0].outdated


async def test_a_sentence_beside_it_is_not_marked(hmlr: HMLRClient) -> None:
    hits = await hmlr.recall("When is my birthday?", kinds=["sentence"])
    assert hits[0].text == "My birthday is 4 March."
    assert hits[0].outdated == ()


async def test_a_restored_fact_marks_nothing(hmlr: HMLRClient) -> None:
    (gone,) = await hmlr.facts(key="lives_in", states=["superseded"])
    await hmlr.restore(gone.fact_id)
    hits = {hit.text: hit for hit in await hmlr.recall("Do I live in Uppsala or in Stockholm?")}
    assert hits["I live in Uppsala. My birthday is 4 March."].outdated == ()
    assert hits["I moved to Stockholm."].outdated
