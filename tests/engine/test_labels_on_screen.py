"""Nothing in the label of a topic acts on the screen on which it is listed."""

from __future__ import annotations

import unicodedata

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import InvalidInput
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
ACTING = ("\x1b", "\x07", "\x9b", "\u202e", "\u2066", "\u2028", "\n")


async def test_a_label_made_by_rule_has_no_control_characters(database: Place) -> None:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        text = "\x1b[31mRed\x1b[0m kayak \x07trip\x9b31m with \u202ereversed\u202c paddles"
        await hmlr.remember([Message(content=text)])
        assert await hmlr.flush(10)
        (block,) = await hmlr.blocks()
    assert "kayak" in block.label.lower()
    assert [char for char in block.label if unicodedata.category(char) == "Cc" or char in ACTING] == []


@pytest.mark.parametrize("character", ACTING)
async def test_a_label_of_the_users_own_may_have_none(database: Place, character: str) -> None:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        await hmlr.remember([Message(content="We plan a trip by kayak.")])
        assert await hmlr.flush(10)
        (block,) = await hmlr.blocks()
        with pytest.raises(InvalidInput, match="control character"):
            await hmlr.rename_block(block.block_id, f"Red{character}kayak")
        assert (await hmlr.rename_block(block.block_id, "Ürlaub 👩‍👩‍👧")).label == "Ürlaub 👩‍👩‍👧"
