"""A memory that takes in its own export holds nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr import HMLRClient
from hmlr.errors import InvalidInput
from tests.faults.doors import Clock, door, settled
from tests.opening import Place


async def test_edits_by_hand_are_known_again(database: Place, tmp_path: Path) -> None:
    async with door(database, clock=Clock()) as hmlr:
        await hmlr.chat("My dentist is Ingrid Dahl. I live in Oslo. I like tea.")
        await settled(hmlr)
        await edit(hmlr)
        before, after = tmp_path / "before.jsonl", tmp_path / "after.jsonl"
        await hmlr.export(before)
        assert await hmlr.import_(before) == 0
        await hmlr.export(after)
    assert after.read_bytes() == before.read_bytes()


async def edit(hmlr: HMLRClient) -> None:
    """One of each: a correction, a retirement, a restoration, a name and a place of a topic."""
    facts = {fact.value: fact.fact_id for fact in await hmlr.facts()}
    await hmlr.correct(facts["Oslo"], "Bergen")
    await hmlr.retire(facts["Ingrid Dahl"], "moved away")
    await hmlr.restore(facts["Ingrid Dahl"])
    (block,) = await hmlr.blocks()
    await hmlr.rename_block(block.block_id, "Home")


async def test_an_export_replaces_an_export_and_no_other_file(db_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    async with door(db_path) as hmlr:
        await hmlr.chat("I live in Oslo.")
        path.write_text("")
        first = await hmlr.export(path)
        await hmlr.chat("I like tea.")
        assert await hmlr.export(path) > first
        path.write_text("My own notes\n")
        with pytest.raises(InvalidInput, match="no export"):
            await hmlr.export(path)
    assert path.read_text() == "My own notes\n"
