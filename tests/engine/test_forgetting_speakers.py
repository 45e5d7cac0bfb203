"""What a speaker said is forgotten as one: a roll-back by source, for all time or for a span of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import InvalidInput, NotFound
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door, said, settled
from tests.opening import Place
from tests.places import holds

OWN = "My sister Wilhelmina lives in Molde."


def day(number: int) -> datetime:
    return datetime(2026, 2, number, tzinfo=UTC)


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        await client.remember(
            [
                Message(content=OWN, occurred_at=day(1)),
                Message(content="The kestrel tariff is 7 euros.", speaker="Page", occurred_at=day(2)),
                Message(content="The plover tariff is 8 euros.", speaker="page", occurred_at=day(3)),
                Message(content="The heron tariff is 9 euros.", role="tool", occurred_at=day(3)),
                Message(content="Osprey: 5 euros.", role="tool", speaker="PAGE", occurred_at=day(4)),
                Message(content="The page was about birds.", occurred_at=day(5)),
            ]
        )
        await settled(client)
        yield client


async def test_all_that_a_speaker_said_goes_in_any_case_of_the_name(
    hmlr: HMLRClient, database: Place
) -> None:
    certificate = await hmlr.forget(speaker="pAge")
    assert (certificate.scope, certificate.turns, certificate.verified) == ("speaker", 3, True)
    assert await said(hmlr) == [OWN, "The heron tariff is 9 euros.", "The page was about birds."]
    assert [word for word in ("kestrel", "plover", "osprey") if holds(database, word)] == []
    assert {fact.quote for fact in await hmlr.facts()} == {OWN}


async def test_a_span_of_time_bounds_it(hmlr: HMLRClient) -> None:
    certificate = await hmlr.forget(speaker="page", since=day(3), until=day(4))
    assert certificate.turns == 1
    assert [text for text in await said(hmlr) if "plover" in text] == []
    assert len(await said(hmlr)) == 5


async def test_a_role_means_those_of_it_without_a_name(hmlr: HMLRClient) -> None:
    assert (await hmlr.forget(speaker="tool")).turns == 1
    assert [text for text in await said(hmlr) if "heron" in text] == []


async def test_a_reply_to_the_owner_is_not_taken_for_what_the_assistant_opened(hmlr: HMLRClient) -> None:
    await hmlr.remember([Message(content="I am a poem about terns.", role="assistant")])
    await hmlr.chat("Where does my sister live?")
    assert (await hmlr.forget(speaker="assistant")).turns == 1
    last = (await hmlr.turns())[-1]
    assert [message.role for message in last.messages] == ["user", "assistant"]


async def test_an_older_export_brings_none_of_it_back(hmlr: HMLRClient, tmp_path: Path) -> None:
    await hmlr.export(tmp_path / "old.jsonl")
    await hmlr.forget(speaker="page")
    left = await said(hmlr)
    await hmlr.export(tmp_path / "new.jsonl")
    await hmlr.import_(tmp_path / "old.jsonl")
    await settled(hmlr)
    assert await said(hmlr) == left
    async with hmlr.as_user("bob") as bob:  # whose memory knows of no tombstone yet
        await bob.import_(tmp_path / "new.jsonl")
        await bob.import_(tmp_path / "old.jsonl")
        assert await said(bob) == left


@pytest.mark.parametrize(
    "wrong",
    [
        {"speaker": "page", "turn_id": "t"},
        {"speaker": "page", "everything": True},
        {"speaker": ""},
        {"speaker": "page", "since": datetime(2026, 2, 1)},  # noqa: DTZ001 - that is what is wrong
        {"session_id": "default", "since": day(1)},
        {"everything": True, "until": day(9)},
        {"since": day(1)},
    ],
)
async def test_what_is_unclear_erases_nothing(hmlr: HMLRClient, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await hmlr.forget(**wrong)
    assert len(await said(hmlr)) == 6


@pytest.mark.parametrize(
    "nothing", [{"speaker": "nobody"}, {"speaker": "system"}, {"speaker": "page", "since": day(9)}]
)
async def test_nothing_of_a_speaker_is_not_found(hmlr: HMLRClient, nothing: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        await hmlr.forget(**nothing)
    assert len(await said(hmlr)) == 6
