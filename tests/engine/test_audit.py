"""The audit finds what is wrong, and nothing where nothing is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hmlr import HMLRClient, Message
from hmlr.core.tasks.drafts import FactDraft
from hmlr.memory.auditing import audit
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.make import pin
from hmlr.records import UserId
from hmlr.store.records import PutFact
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio

ADA = UserId("ada")


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, ADA, model="offline", embedder=hash_embedder()) as opened:
        yield opened


async def _counts(hmlr: HMLRClient) -> dict[str, int]:
    return {check.name: check.count for check in (await hmlr.audit()).checks}


async def test_a_sound_memory(hmlr: HMLRClient):
    said = ("I live in Oslo.", "I live in Oslo.", "My favourite tea is Assam.", "K-12 is now called Styx.")
    for text in said:
        await hmlr.chat(text)
    for _ in range(5):  # the offline reply repeats what was told: an echo, which teaches nothing
        await hmlr.chat("Where do I live?")
    assert await hmlr.flush(20)
    found = await hmlr.audit()
    assert (found.turns, found.facts) == (9, 3)
    assert {check.name: check.count for check in found.checks} == {
        "duplicate": 0,
        "contradiction": 0,
        "stale": 0,
        "echo": 0,
        "unsourced": 0,
        "secret": 0,
    }


async def test_what_is_wrong_is_counted_with_examples(hmlr: HMLRClient):
    at = datetime(2025, 1, 2, tzinfo=UTC)
    told = (
        "My birthday is 4 May.",
        "My birthday is 5 May.",
        "The wifi password is QX7-4410-ZP.",
        "I take ibuprofen until 30 January.",
    )
    receipt = await hmlr.remember([Message(content=text, occurred_at=at) for text in told])
    assert await hmlr.flush(20)
    store = hmlr._member.services.store
    (turn,) = [turn for turn in await hmlr.turns() if turn.turn_id == receipt.turn_ids[0]]
    draft = FactDraft(subject="user", key="likes", value="May", category="preference", quote="4 May")
    fact = pin(draft, turn.messages[0], recorded_at=at)
    assert fact is not None
    twin = replace(fact, fact_id="0" * 36, value="the may")
    broken = replace(fact, fact_id="1" * 36, value="June", start=0, end=5)
    await store.apply(ADA, [PutFact(fact=each) for each in (fact, twin, broken)])
    counts = await _counts(hmlr)
    assert counts == {
        "duplicate": 1,
        "contradiction": 1,
        "stale": 1,
        "echo": 0,
        "unsourced": 1,
        "secret": 1,
    }
    secret = next(check for check in (await hmlr.audit()).checks if check.name == "secret")
    assert "QX7" not in secret.examples[0].text
    assert secret.rate == pytest.approx(1 / 7)


async def test_what_an_assistant_says_again_is_an_echo(hmlr: HMLRClient):
    """The guard is off here: an imported log in which a recalled memory was learned from a reply."""
    said = "The Titan algorithm is deprecated, use Olympus."
    await hmlr.remember([Message(content=said), Message(content=said, role="assistant")])
    assert await hmlr.flush(20)
    turn = (await hmlr.turns())[-1]
    draft = FactDraft(subject="Titan", key="status", value="deprecated", category="policy", quote=said)
    fact = pin(draft, turn.messages[0], recorded_at=turn.recorded_at)
    assert fact is not None
    store = hmlr._member.services.store
    await store.apply(ADA, [PutFact(fact=replace(fact, fact_id="2" * 36))])
    found = await audit(store, ADA, AliasIndex(), lambda: turn.recorded_at)
    assert [check.count for check in found.checks if check.name == "echo"] == [1]
