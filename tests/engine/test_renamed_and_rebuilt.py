"""A topic that the user has named keeps its name and its turns through a rebuild."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient
from hmlr.records import BlockId
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio


async def _topics(hmlr: HMLRClient) -> dict[str, set[str]]:
    found = {}
    for block in await hmlr.blocks():
        turns = await hmlr.turns(block_id=block.block_id)
        found[block.label] = {turn.messages[0].content for turn in turns}
    return found


async def test_a_rebuild_keeps_a_renamed_topic(database: Place):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        first = await hmlr.chat("I want to bake sourdough bread.", session_id="a")
        await hmlr.chat("The sourdough bread needs more salt.", session_id="a")
        other = await hmlr.chat("Different topic: my tax return is due in April.", session_id="a")
        await hmlr.flush(10)
        assert other.block_id is not None
        await hmlr.rename_block(other.block_id, "Money")
        # What opened the topic goes to another one, as a router of a later version might decide.
        await hmlr.forget(turn_id=first.turn_id)
        before = await _topics(hmlr)
        await hmlr.rebuild()
        await hmlr.flush(10)
        after = await _topics(hmlr)
        assert after["Money"] == before["Money"] == {"Different topic: my tax return is due in April."}
        assert BlockId(other.block_id) in {block.block_id for block in await hmlr.blocks()}


async def test_a_renamed_topic_survives_the_loss_of_its_first_turn(database: Place):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        first = await hmlr.chat("I want to bake sourdough bread.", session_id="a")
        await hmlr.chat("The sourdough bread needs more salt.", session_id="a")
        await hmlr.flush(10)
        assert first.block_id is not None
        await hmlr.rename_block(first.block_id, "Bread")
        await hmlr.forget(turn_id=first.turn_id)
        await hmlr.rebuild()
        await hmlr.flush(10)
        assert await _topics(hmlr) == {"Bread": {"The sourdough bread needs more salt."}}
