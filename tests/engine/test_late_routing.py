"""A turn whose process died before it was routed, while the conversation went on elsewhere."""

from __future__ import annotations

from hmlr.records import Block, UserId
from tests.faults.doors import Clock, door, settled
from tests.opening import Place
from tests.store.making import message, turn

OF_GARDEN = "The tomatoes in my garden have greenfly on their leaves."
LATE = "The tomatoes in my garden get soap water for the greenfly."
OF_BOAT = "My sailing boat needs a new mast before the regatta."
NEW = "The dentist pulled a wisdom tooth and the jaw is swollen."


async def routed_late(database: Place, late: str) -> list[Block]:
    """The topics, the one with the latest turn first, after a turn was routed once two others had come."""
    clock = Clock()
    async with door(database, clock=clock) as hmlr:
        await hmlr.chat(OF_GARDEN)
        said = turn(message(late), session_id="s2", jobs=("route",), held=("route",))
        await hmlr._member.services.store.add_turns(UserId("ada"), [said])
        await hmlr.chat(OF_BOAT)
        clock.forward(4000)  # the lease of the process that stored it is over
        await settled(hmlr, clock)
        blocks = await hmlr.blocks()
        assert sum(block.turn_count for block in blocks) == 3
        return blocks


async def test_it_makes_no_older_topic_the_one_that_is_talked_of(database: Place) -> None:
    boat, garden = await routed_late(database, LATE)
    assert (boat.state, garden.state, garden.turn_count) == ("ACTIVE", "PAUSED", 2)


async def test_a_topic_that_it_opens_is_finished(database: Place) -> None:
    boat, dentist, garden = await routed_late(database, NEW)
    assert [each.state for each in (boat, dentist, garden)] == ["ACTIVE", "PAUSED", "PAUSED"]
    assert "tooth" in dentist.keywords
