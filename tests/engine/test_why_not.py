"""Why a turn is not found: its place in the ranking, and what keeps it out."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import NotFound
from tests.faults.doors import door
from tests.opening import Place


async def told(client: HMLRClient, *texts: str) -> list[str]:
    said = [Message(content=text) for text in texts]
    return list((await client.remember(said, session_id="s")).turn_ids)


async def test_a_hit_is_said_to_be_one(database: Place) -> None:
    async with door(database) as hmlr:
        (boat,) = await told(hmlr, "The boat is green.")
        miss = await hmlr.why_not("what colour is the boat?", boat)
    assert (miss.rank, miss.of, miss.reason) == (1, 1, "it is hit number 1")


async def test_a_place_beyond_the_limit_is_named_with_both_scores(database: Place) -> None:
    async with door(database) as hmlr:
        *_, far = await told(hmlr, "The boat is green.", "A green boat.", "Lunch is at noon.")
        miss = await hmlr.why_not("the green boat", far, limit=1)
        (hit,) = await hmlr.recall("the green boat", limit=1)
    assert miss.rank == miss.of == 3
    assert miss.score == pytest.approx(sum(miss.signals.values()), abs=0.001)
    assert f"beyond the first 1: it scores {miss.score:.2f}, the last hit {hit.score:.2f}" in miss.reason


async def test_a_filter_is_named(database: Place) -> None:
    async with door(database) as hmlr:
        (boat,) = await told(hmlr, "The boat is green.")
        await hmlr.remember([Message(content="Noon.")], session_id="other")
        miss = await hmlr.why_not("boat", boat, speaker="Ann")
    assert (miss.rank, miss.of) == (None, 0)
    assert "filter" in miss.reason


async def test_a_repetition_is_named(database: Place) -> None:
    async with door(database) as hmlr:
        _, again = await told(hmlr, "The boat is green.", "The boat is green.")
        miss = await hmlr.why_not("boat", again)
    assert "repeats" in miss.reason


async def test_a_reply_made_of_memories_is_not_searched(database: Place) -> None:
    async with door(database) as hmlr:
        await hmlr.chat("I live in Oslo.")
        reply = await hmlr.chat("Where do I live?")
        assert "Oslo" in reply.text
        miss = await hmlr.why_not("Oslo", reply.turn_id)
    assert miss.rank is not None  # the question in it is; the reply has no paragraph of its own


async def test_an_unknown_turn_is_an_error(database: Place) -> None:
    async with door(database) as hmlr, door(database, user="bob") as other:
        (boat,) = await told(hmlr, "The boat is green.")
        with pytest.raises(NotFound):
            await other.why_not("boat", boat)
