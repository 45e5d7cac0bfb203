"""The user's arrangement of topics: undone, resumed, made again by a rebuild, and beside running chats."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.faults.doors import door, settled

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

TOPICS = (
    "sailing boat harbour", "tax return form", "tomato greenhouse soil", "guitar strings chords",
    "marathon training shoes", "passport visa embassy", "kitchen tiles grout", "violin lessons bow",
    "chess opening gambit", "beehive honey queen", "telescope mirror comet", "pottery kiln glaze",
    "falcon moulting glove", "drone battery rotor", "origami crane paper", "sourdough rye starter",
)  # fmt: skip


async def opened(hmlr: HMLRClient, *topics: str) -> None:
    """One block for each topic."""
    for number, topic in enumerate(topics):
        await hmlr.remember([Message(content=f"About {topic}.")], session_id=f"s{number}")
    await settled(hmlr)


async def test_a_merge_is_undone_by_a_split(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await opened(hmlr, *TOPICS[:2])
        late, early = await hmlr.blocks()
        (first,) = await hmlr.turns(block_id=early.block_id)
        (second,) = await hmlr.turns(block_id=late.block_id)
        # The merged block has the id that the second of its turns would open.
        await hmlr.merge_blocks(early.block_id, late.block_id)
        new = await hmlr.split_block(late.block_id, second.turn_id)
        assert new.block_id not in (early.block_id, late.block_id)
        places = {turn.turn_id: turn.block_id for turn in await hmlr.turns()}
        assert places == {first.turn_id: late.block_id, second.turn_id: new.block_id}
        await hmlr.rebuild()
        await settled(hmlr)
        assert {turn.turn_id: turn.block_id for turn in await hmlr.turns()} == places


async def test_a_pinned_turn_finds_a_block_that_is_long_past(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await opened(hmlr, *TOPICS)
        blocks = await hmlr.blocks()
        assert len(blocks) > 13
        newest, oldest = blocks[0], blocks[-1]
        await hmlr.merge_blocks(newest.block_id, oldest.block_id)
        await hmlr.rebuild()
        # A second rebuild in pieces: the pinned turn comes alone, when its block is among the old ones.
        await settled(hmlr)
        turn = (await hmlr.turns())[-1]
        assert turn.block_id == oldest.block_id
        assert (await hmlr.stats()).jobs_failed == 0


async def test_a_resumed_topic_is_taken_up_by_the_next_session(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await opened(hmlr, *TOPICS[:3])
        wanted = (await hmlr.blocks())[-1]
        assert (await hmlr.resume_block(wanted.block_id)).state == "ACTIVE"
        reply = await hmlr.chat("And then?", session_id="new")
        assert reply.block_id == wanted.block_id
        await hmlr.chat("Let us talk about volcanoes and lava instead.", session_id="other")
        await hmlr.rebuild()
        await settled(hmlr)
        (turn,) = await hmlr.turns(session_id="new")
        assert turn.block_id == wanted.block_id


async def test_blocks_are_renamed_beside_running_chats(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await opened(hmlr, TOPICS[0])
        (block,) = await hmlr.blocks()
        chats = [hmlr.chat(f"More about the sailing boat {n}.", session_id="s0") for n in range(20)]
        renames = [hmlr.rename_block(block.block_id, f"Boats {n}") for n in range(20)]
        await asyncio.gather(*chats, *renames)
        assert (await hmlr.blocks())[-1].label.startswith("Boats ")


async def test_a_label_is_the_same_from_one_process_and_from_many(db_path: Path, tmp_path: Path) -> None:
    texts = [
        "My sailing boat needs a new mast.",
        "The boat harbour raised its fee for the mast crane.",
        "Sailing season: boat paint, mast, harbour fee.",
        "The mast arrived at the harbour, paint too.",
        "Paint, paint, paint: the boat drinks paint.",
    ]
    many = tmp_path / "many.db"
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        for text in texts:
            await hmlr.chat(text)
        once = await hmlr.blocks()
    for text in texts:
        async with door(many, embedder=hash_embedder()) as hmlr:
            await hmlr.chat(text)
            blocks = await hmlr.blocks()
    assert [(b.label, b.keywords, b.turn_count) for b in blocks] == [
        (b.label, b.keywords, b.turn_count) for b in once
    ]
