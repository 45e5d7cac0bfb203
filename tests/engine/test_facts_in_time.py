"""Facts through the public door: chains, contradictions, what was known when, timelines, undo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import InvalidInput
from hmlr.records import Fact
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio

FIRST = datetime(2025, 1, 6, 9, tzinfo=UTC)
ALL = ("active", "superseded", "invalidated")
NAMES = (
    "Project Cerberus will use Legacy-Phi (codename LΦ-88).",
    'LΦ-88 is the old "Phoenix" cipher of 2019.',
    "Phoenix was renamed Aether in 2021.",
    "Aether is identical to today's K-12.",
    "K-12 is now called Styx.",
    "Styx is the official name of what legal calls River-9.",
    "River-9 is the marketing name for Charon.",
    "Charon is the production name for Tartarus-v3.",
)
NINE = ("Legacy-Phi", "LΦ-88", "Phoenix", "Aether", "K-12", "Styx", "River-9", "Charon", "Tartarus-v3")


class _Clock:
    def __init__(self) -> None:
        self.now = FIRST

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
async def hmlr(database: Place, clock: _Clock) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder(), clock=clock) as opened:
        yield opened


async def _tell(hmlr: HMLRClient, texts: Sequence[str], days: int = 10) -> None:
    await hmlr.remember(
        [
            Message(content=text, occurred_at=FIRST - timedelta(days=days * (len(texts) - number)))
            for number, text in enumerate(texts)
        ]
    )
    assert await hmlr.flush(20)


def _states(facts: Sequence[Fact]) -> dict[str, str]:
    return {fact.subject: fact.state for fact in facts}


async def test_a_chain_of_versions(hmlr: HMLRClient):
    await _tell(
        hmlr,
        (
            "Policy v6: limit 400,000 records per day.",
            "Policy v7 supersedes v6: at most 900 records per day.",
            "Policy v8: v7 was issued by a rogue employee, revert to v6.",
        ),
    )
    states = _states(await hmlr.facts(key="policy", states=ALL))
    assert (states["v6"], states["v7"]) == ("active", "invalidated")
    then = await hmlr.facts(key="policy", as_of=FIRST - timedelta(days=25))
    assert "v7" not in _states(then), "what was never valid held at no time"


@pytest.mark.parametrize("name", ["Legacy-Phi", "Aether", "tartarus-v3"])
async def test_all_names_and_facts_from_any_name(hmlr: HMLRClient, name: str):
    await _tell(
        hmlr, (*NAMES, "The limit of Styx is 500 TiB per day.", "The limit of Ember is 3 GB per day.")
    )
    found = await hmlr.timeline(name)
    assert set(NINE) <= set(found.names)
    assert [fact.value for fact in found.facts if fact.key == "limit"] == ["500 TiB per day"]
    assert [fact.valid_from for fact in found.facts] == sorted(fact.valid_from for fact in found.facts)
    assert all(fact.quote and fact.turn_id for fact in found.facts)
    assert [fact.value for fact in await hmlr.facts(subject=name, key="limit")] == ["500 TiB per day"]


async def test_a_timeline_shows_every_state(hmlr: HMLRClient):
    await _tell(hmlr, ("Mei lives in Oslo.", "Mei has moved to Bergen.", "My boss is Mei."))
    found = await hmlr.timeline("mei")
    assert [(fact.key, fact.value, fact.state) for fact in found.facts] == [
        ("lives_in", "Oslo", "superseded"),
        ("lives_in", "Bergen", "active"),
        ("boss", "Mei", "active"),
    ]
    with pytest.raises(InvalidInput):
        await hmlr.timeline(" ")


async def test_contradictions_until_one_is_retired(hmlr: HMLRClient):
    await _tell(hmlr, ("My birthday is 4 May.", "My birthday is 5 May."))
    (found,) = await hmlr.contradictions()
    assert (found.one.quote, found.other.quote) == ("My birthday is 4 May.", "My birthday is 5 May.")
    assert found.one.turn_id != found.other.turn_id
    await hmlr.retire(found.one.fact_id, "a slip")
    assert await hmlr.contradictions() == []
    await hmlr.restore(found.one.fact_id)
    held = {fact.value: fact.state for fact in await hmlr.facts(key="birthday", states=ALL)}
    assert held["4 May"] == "active"


async def test_what_was_known_then_survives_a_rebuild(hmlr: HMLRClient, clock: _Clock):
    await hmlr.chat("I live in Oslo.")
    assert await hmlr.flush(20)
    before = clock.now
    clock.now += timedelta(days=30)
    await hmlr.chat("I moved to Bergen.")
    assert await hmlr.flush(20)
    for _ in range(2):
        assert [fact.value for fact in await hmlr.facts(key="lives_in")] == ["Bergen"]
        (known,) = await hmlr.facts(key="lives_in", known_at=before)
        assert (known.value, known.state, known.valid_to) == ("Oslo", "active", None)
        assert await hmlr.facts(known_at=FIRST - timedelta(days=1)) == []
        clock.now += timedelta(days=30)
        await hmlr.rebuild()
        assert await hmlr.flush(20)


async def test_undo_leads_back_to_the_same_state(hmlr: HMLRClient):
    await _tell(hmlr, ("I live in Oslo.", "I moved to Bergen.", "I take ibuprofen until 30 January."))
    before = await hmlr.facts(states=ALL)
    medicine = next(fact for fact in before if fact.key == "medication")
    assert medicine.valid_to is not None
    await hmlr.retire(medicine.fact_id, "stopped early")
    await hmlr.restore(medicine.fact_id)
    old, new = (fact for fact in before if fact.key == "lives_in")
    await hmlr.restore(old.fact_id)
    await hmlr.restore(new.fact_id)
    after = await hmlr.facts(states=ALL)
    parts = [(f.fact_id, f.state, f.superseded_by, f.valid_from, f.valid_to) for f in after]
    assert parts == [(f.fact_id, f.state, f.superseded_by, f.valid_from, f.valid_to) for f in before]


async def test_a_project_is_one_thing_with_the_word_and_without(hmlr: HMLRClient):
    said = (
        "Project Kestrel uses Postgres 14.",
        "Project Kestrel was renamed Project Osprey.",
        "Project Osprey is now called Kingfisher.",
        "The limit of Kingfisher is 3 GB per day.",
    )
    await _tell(hmlr, said)
    for name in ("Kestrel", "Project Kestrel", "project osprey", "Kingfisher"):
        found = await hmlr.timeline(name)
        assert set(found.names) == {"Kestrel", "Osprey", "Kingfisher"}
        assert {fact.value for fact in found.facts} >= {"Postgres 14", "3 GB per day"}
        assert [fact.value for fact in await hmlr.facts(subject=name, key="uses")] == ["Postgres 14"]
