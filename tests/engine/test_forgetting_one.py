"""Forgetting one turn, session or fact leaves the replies of all others alone."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio


async def _replies(hmlr: HMLRClient) -> dict[str, str]:
    return {turn.messages[0].content: turn.messages[-1].content for turn in await hmlr.turns()}


@pytest.mark.parametrize("what", ["turn", "session"])
async def test_the_rules_own_words_are_no_words_of_what_is_forgotten(database: Place, what: str):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        await hmlr.chat("I planted tulips by the shed.", session_id="keep")
        await hmlr.chat("What is my blood type?", session_id="keep")
        gone = await hmlr.chat("The parcel is in locker 7781.", session_id="gone")
        await hmlr.chat("What is my passport number?", session_id="gone")
        await hmlr.chat("Where is the parcel?", session_id="keep")
        await hmlr.flush(10)
        before = await _replies(hmlr)
        await hmlr.forget(**({"turn_id": gone.turn_id} if what == "turn" else {"session_id": "gone"}))
        after = await _replies(hmlr)
        assert after["I planted tulips by the shed."] == before["I planted tulips by the shed."]
        assert after["What is my blood type?"] == before["What is my blood type?"]
        assert "7781" in before["Where is the parcel?"]
        assert "7781" not in " ".join(after.values())
