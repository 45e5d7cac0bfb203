"""What is forgotten while a slow model answers does not come back with the answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.testing import ScriptedModel, hash_embedder
from tests.opening import Place
from tests.places import holds

pytestmark = pytest.mark.anyio
SCRIPT: dict[str, Any] = {
    "routing": {"action": "new", "label": "Locker"},
    "memory_filter": {"keep": [1]},
    "fact_scrubbing": {"facts": []},
    "scribe": {"facts": []},
    "answer": "It is 7781-kestrel.",
}


@dataclass
class Slow(ScriptedModel):
    """A model that has read its prompt and answers when it is told to."""

    reading: asyncio.Event = field(default_factory=asyncio.Event)
    speak: asyncio.Event = field(default_factory=asyncio.Event)

    async def complete(self, request: ModelRequest) -> ModelResponse:
        if request.task == "answer":
            self.reading.set()
            await self.speak.wait()
        return await super().complete(request)


@pytest.mark.parametrize("scope", ["turn", "own turn", "session", "own session", "everything"])
async def test_an_answer_that_repeats_it_is_given_but_not_stored(database: Place, scope: str):
    model = Slow(SCRIPT)
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        told = await hmlr.chat("My locker code is 7781-kestrel.", session_id="told")
        assert await hmlr.flush(10)
    async with HMLRClient(database, "ada", model=model, embedder=hash_embedder()) as hmlr:
        chat = asyncio.create_task(hmlr.chat("What is my code?", session_id="asked"))
        await model.reading.wait()
        named: dict[str, Any] = {
            "turn": {"turn_id": told.turn_id},
            "own turn": {"turn_id": (await hmlr.turns())[-1].turn_id},
            "session": {"session_id": "told"},
            "own session": {"session_id": "asked"},
            "everything": {"everything": True},
        }
        certificate = await hmlr.forget(**named[scope])
        assert certificate.verified
        model.speak.set()
        reply = await chat
        assert reply.text == "It is 7781-kestrel."
        assert any(each.startswith("store_reply: ") and "forgotten" in each for each in reply.degraded)
        await hmlr.flush(5)
        assert "It is 7781-kestrel." not in str(await hmlr.turns())
    assert ("own" in scope) == holds(database, "kestrel")  # the told turn itself is still there


async def test_the_next_answer_is_stored_again(database: Place):
    async with HMLRClient(database, "ada", model=ScriptedModel(SCRIPT), embedder=hash_embedder()) as hmlr:
        first = await hmlr.chat("My locker code is 7781-kestrel.")
        await hmlr.forget(turn_id=first.turn_id)
        assert not [each for each in (await hmlr.chat("Hello")).degraded if each.startswith("store_reply")]
        assert len((await hmlr.turns())[0].messages) == 2
