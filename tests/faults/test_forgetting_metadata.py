"""A forgotten fact is gone from metadata and from names of speakers, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.faults.doors import door, settled
from tests.faults.test_forgetting import traces

pytestmark = [pytest.mark.faults, pytest.mark.security]


async def forget_home(hmlr: HMLRClient, *said: Message) -> None:
    await hmlr.remember([Message(content="I live in Molde."), *said])
    await settled(hmlr)
    (fact,) = await hmlr.facts(subject="user", key="lives_in")
    assert (await hmlr.forget(fact_id=fact.fact_id)).verified
    await settled(hmlr)


async def test_it_is_blanked_wherever_it_stands_in_metadata(db_path: Path) -> None:
    metadata = {
        "place": "MOLDE", "tags": ["sea", {"near molde": 1}], "Molde": True, "note": "Moldefjord", "n": 7,
    }  # fmt: skip
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await forget_home(hmlr, Message(content="A picture.", metadata=metadata))
        (_, picture) = await hmlr.turns()
        blanked = "█" * 5
        assert picture.messages[0].metadata == {
            "place": blanked, "tags": ["sea", {f"near {blanked}": 1}], blanked: True, "note": "Moldefjord",
            "n": 7,
        }  # fmt: skip
        assert picture.messages[0].content == "A picture."
        hits = await hmlr.recall("picture", metadata={"note": "Moldefjord"})
        assert [hit.text for hit in hits] == ["A picture."]
        assert (await hmlr.health()).ok


async def test_no_byte_of_it_is_left(db_path: Path) -> None:
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await forget_home(
            hmlr,
            Message(content="A picture.", metadata={"place": "Molde", "deep": [[{"molde": "MOLDE"}]]}),
            Message(content="I like the sea.", speaker="Molde Maria"),
            Message(content="Noted.", role="assistant", metadata={"about": "molde"}),
        )
        assert traces(db_path, "molde") == []


async def test_a_speaker_of_that_name_is_blanked(db_path: Path) -> None:
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        said = Message(content="It rains a lot up here.", speaker="Molde Maria")
        await forget_home(hmlr, said, Message(content="I live in Bergen.", speaker="Maria"))
        assert traces(db_path, "molde") == []
        blanked = "█" * 5 + " Maria"
        assert [turn.messages[0].speaker for turn in await hmlr.turns()] == [None, blanked, "Maria"]
        assert (await hmlr.recall("rain", speaker=blanked))[0].text == said.content


async def test_a_number_that_is_the_forgotten_value_is_blanked(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await hmlr.remember(
            [Message(content="My locker code is 778199.", metadata={"code": 778199, "n": 7, "yes": True})]
        )
        await settled(hmlr)
        (fact,) = await hmlr.facts()
        await hmlr.forget(fact_id=fact.fact_id)
        assert traces(db_path, "778199") == []
        assert (await hmlr.turns())[0].messages[0].metadata == {"code": "█" * 6, "n": 7, "yes": True}
