"""One turn through the client with a scripted model: order, parallel stages, failing stages."""

from __future__ import annotations

import asyncio
from itertools import product
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.errors import InvalidInput, ModelError, StorageBusy
from hmlr.llm.port import ModelRequest, ModelResponse
from hmlr.testing import ScriptedModel, hash_embedder
from tests.opening import Place
from tests.places import count

pytestmark = pytest.mark.anyio
NEW = {"action": "new", "label": "Steak house"}
SCRIPT: dict[str, Any] = {
    "routing": NEW,
    "memory_filter": {"keep": [1]},
    "fact_scrubbing": {"facts": []},
    "scribe": {"facts": []},
    "answer": "Have the salad.",
}


def client(database: Place, model: ScriptedModel | str, **given: Any) -> HMLRClient:
    return HMLRClient(database, "ada", model=model, embedder=hash_embedder(), **given)


def asked(model: ScriptedModel, task: str) -> list[ModelRequest]:
    return [request for request in model.requests if request.task == task]


async def test_the_message_is_on_disk_before_any_model_is_called(database: Place):
    seen: list[int] = []

    class Looking(ScriptedModel):
        async def complete(self, request: ModelRequest) -> ModelResponse:
            seen.append(await asyncio.to_thread(count, database, "messages"))
            return await super().complete(request)

    async with client(database, Looking(SCRIPT)) as hmlr:
        await hmlr.chat("I am hungry.")
    assert seen[0] == 1


async def test_the_reply_is_stored_with_its_block_and_label(database: Place):
    async with client(database, ScriptedModel(SCRIPT)) as hmlr:
        reply = await hmlr.chat("I am hungry.")
        assert (reply.text, reply.degraded) == ("Have the salad.", ())
        (turn,) = await hmlr.turns()
        assert [message.content for message in turn.messages] == ["I am hungry.", "Have the salad."]
        assert turn.block_id == reply.block_id
        assert [block.label for block in await hmlr.blocks()] == ["Steak house"]
        assert reply.usage.calls >= 2


async def test_streaming_gives_the_same_reply_in_pieces(database: Place):
    async with client(database, ScriptedModel(SCRIPT)) as hmlr:
        parts = [part async for part in hmlr.chat_stream("I am hungry.")]
        assert len(parts) > 3
        assert parts[-1].reply is not None
        assert parts[-1].reply.text == "Have the salad."
        assert len((await hmlr.turns())[0].messages) == 2


async def test_routing_and_search_run_together(database: Place):
    async with client(database, "offline") as hmlr:
        await hmlr.chat("I like mountains.")
    async with client(database, ScriptedModel(SCRIPT, delay_s=0.2)) as hmlr:
        took = (await hmlr.chat("I like mountains a lot.")).timings_ms
    assert min(took["routing"], took["recall"], took["answer"]) > 200
    # The critical path is max(route, search + filter) + answer; one after the other would be the sum.
    assert took["total"] < took["routing"] + took["recall"] + took["answer"] - 100


@pytest.mark.parametrize(
    ("task", "line"),
    [
        *product(["routing", "memory_filter"], [ModelError("down"), "{not json", '{"keep": [99]}', ""]),
        *product(["answer"], [ModelError("down"), ""]),
    ],
)
async def test_a_failing_model_costs_no_turn_and_is_named(database: Place, task: str, line: Any):
    async with client(database, "offline") as hmlr:
        await hmlr.chat("I live in Oslo.")
        await hmlr.flush(10)
    async with client(database, ScriptedModel({**SCRIPT, task: line})) as hmlr:
        reply = await hmlr.chat("Where do I live?")
        assert reply.text
        stage = {"memory_filter": "filter"}.get(task, task)
        assert any(each.startswith(stage) for each in reply.degraded), reply.degraded
        assert reply.block_id
        assert len(await hmlr.turns()) == 2


async def test_a_dead_search_is_named_and_recall_raises(database: Place, monkeypatch: pytest.MonkeyPatch):
    async with client(database, "offline") as hmlr:
        await hmlr.chat("I live in Oslo.")
        await hmlr.flush(10)

        async def busy(*_: object) -> None:
            raise StorageBusy("another process holds the database")

        monkeypatch.setattr(hmlr._member.services.store, "postings", busy)
        reply = await hmlr.chat("Where do I live?")
        assert any(each.startswith("recall: another process") for each in reply.degraded)
        assert "Oslo" in reply.text  # the facts are still there
        with pytest.raises(StorageBusy):
            await hmlr.recall("Where do I live?")


async def test_nothing_found_is_no_failure(database: Place):
    async with client(database, "offline") as hmlr:
        hits = await hmlr.recall("Where do I live?")
        assert (len(hits), hits.degraded) == (0, ())
        assert (await hmlr.chat("Where do I live?")).text == "I have nothing on that yet."


async def test_the_last_turns_are_in_every_prompt_across_a_change_of_topic(database: Place):
    model = ScriptedModel(SCRIPT)
    async with client(database, model) as hmlr:
        for text in ("I like sailing.", "My boat is called Marlin.", "Different topic: taxes."):
            await hmlr.chat(text)
        await hmlr.chat("When are they due?")
    prompt = asked(model, "answer")[-1].user
    assert all(text in prompt for text in ("I like sailing.", "Marlin", "taxes", "Have the salad."))


async def test_constraints_and_facts_reach_the_prompt_and_are_fenced(database: Place):
    async with client(database, "offline") as hmlr:
        await hmlr.chat("I am strictly vegetarian.", session_id="before")
        await hmlr.flush(10)
    model = ScriptedModel(SCRIPT)
    async with client(database, model) as hmlr:
        await hmlr.chat("Should I have the steak?")
    request = asked(model, "answer")[0]
    assert "strictly vegetarian" in request.user
    assert "vegetarian" not in request.system
    assert request.user.count("⟦") == 2 * request.user.count("⟦/")


async def test_hostile_answers_of_background_tasks_lose_nothing(database: Place):
    made_up = {"subject": "user", "key": "diet", "value": "meat", "category": "constraint", "quote": "no"}
    bad = [
        {"facts": [made_up]},
        '{"facts": [{"subject": "user", "key"',
        "Je ne sais pas.",
        {"facts": [{"subject": "x", "key": "NOT A KEY", "value": "", "category": "nonsense", "quote": ""}]},
    ]  # fmt: skip
    for number, line in enumerate(bad):
        model = ScriptedModel({**SCRIPT, "fact_scrubbing": line, "scribe": line})
        async with client(database, model) as hmlr:
            await hmlr.chat(f"I live in Oslo, number {number}.")
            assert await hmlr.flush(10)
            assert not [fact for fact in await hmlr.facts() if fact.value == "meat"]
            assert len(await hmlr.turns()) == number + 1


@pytest.mark.parametrize("model", ["offline", ScriptedModel(SCRIPT)])
async def test_a_reader_who_has_the_whole_text_has_left_a_stored_reply(database: Place, model: Any):
    async with client(database, model) as hmlr:
        text = ""
        async for part in hmlr.chat_stream("I am hungry."):
            text += part.text
            if text.strip().endswith("."):
                break
        (turn,) = await hmlr.turns()
        assert turn.messages[1].content.strip() == text.strip()


async def test_a_reply_of_which_a_part_was_read_is_not_stored(database: Place):
    async with client(database, ScriptedModel(SCRIPT)) as hmlr:
        async for _ in hmlr.chat_stream("I am hungry."):
            break
        assert len((await hmlr.turns())[0].messages) == 1


async def test_a_message_said_again_under_its_key_gets_the_reply_it_had(database: Place):
    model = ScriptedModel(SCRIPT)
    async with client(database, model) as hmlr:
        first = await hmlr.chat("I am hungry.", idempotency_key="k")
        asked_before = len(asked(model, "answer"))
        again = await hmlr.chat("I am hungry.", idempotency_key="k")
        assert (again.text, again.turn_id, again.block_id) == (first.text, first.turn_id, first.block_id)
        assert len(asked(model, "answer")) == asked_before
        assert len(await hmlr.turns()) == 1
        with pytest.raises(InvalidInput, match="used for other content"):
            await hmlr.chat("I am tired.", idempotency_key="k")


async def test_a_message_left_without_a_reply_is_answered_under_its_key(database: Place):
    async with client(database, ScriptedModel(SCRIPT, delay_s=0.2)) as hmlr:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hmlr.chat("I am hungry.", idempotency_key="k"), 0.1)
        reply = await hmlr.chat("I am hungry.", idempotency_key="k")
        assert (reply.text, reply.degraded) == ("Have the salad.", ())
        await hmlr.flush(10)
        (turn,) = await hmlr.turns()
        assert [message.content for message in turn.messages] == ["I am hungry.", "Have the salad."]
        assert [block.turn_count for block in await hmlr.blocks()] == [1]
