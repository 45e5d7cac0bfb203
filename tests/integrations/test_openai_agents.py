"""The session of the OpenAI Agents SDK on HMLR, with its own runner and a model of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from agents import (
    Agent,
    Model,
    ModelResponse,
    RunConfig,
    Runner,
    Session,
    SessionSettings,
    SQLiteSession,
    Usage,
    function_tool,
)
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
    ResponseReasoningItem,
)

from hmlr import HMLRClient, Message
from hmlr.errors import ClosedError, InvalidInput
from hmlr.integrations.openai_agents import HMLRSession

pytestmark = pytest.mark.anyio
QUIET = RunConfig(tracing_disabled=True)
ITEMS: list[Any] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": "I live in Oslo."},
    {
        "type": "message",
        "role": "user",
        "content": [
            {"type": "input_text", "text": "What is this?"},
            {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "auto"},
        ],
    },
    {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA", "status": None},
    {
        "type": "function_call",
        "call_id": "c1",
        "name": "weather",
        "arguments": '{"city":"Oslo"}',
        "id": "fc_1",
    },
    {"type": "function_call_output", "call_id": "c1", "output": "4 °C, " + "rain " * 20_000},
    {"role": "user", "content": ""},
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "A cat.", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "No more."},
        ],
    },
]


class Weatherman(Model):
    """Thinks and asks for the weather, then tells it."""

    async def get_response(self, *args: Any, **kwargs: Any) -> ModelResponse:
        items: list[Any] = args[1] if len(args) > 1 else kwargs["input"]
        if items[-1].get("type") == "function_call_output":
            text = ResponseOutputText(
                text=f"It is {items[-1]['output']}.", type="output_text", annotations=[]
            )
            said = ResponseOutputMessage(
                id="m1", type="message", role="assistant", status="completed", content=[text]
            )
            return ModelResponse(output=[said], usage=Usage(), response_id=None)
        call_id = f"call-{len(items)}"
        thought = ResponseReasoningItem(id="r1", type="reasoning", summary=[], encrypted_content="secret")
        call = ResponseFunctionToolCall(
            type="function_call", call_id=call_id, name="weather", arguments='{"city":"Oslo"}'
        )
        return ModelResponse(output=[thought, call], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        raise NotImplementedError


@function_tool
async def weather(city: str) -> str:
    """The weather of a city."""
    return f"raining in {city}"


AGENT = Agent(name="Weatherman", model=Weatherman(), tools=[weather])


@pytest.fixture
def session(hmlr: HMLRClient) -> HMLRSession:
    return HMLRSession(hmlr, "s1")


async def test_it_is_a_session(session: HMLRSession):
    assert isinstance(session, Session)


async def test_a_runner_finds_the_items_that_the_sdk_s_own_session_would_give_it(
    hmlr: HMLRClient, session: HMLRSession
):
    own = SQLiteSession("s1")
    for question in ("What is the weather? I live in Oslo.", "And now?"):
        ours = await Runner.run(AGENT, question, session=session, run_config=QUIET)
        theirs = await Runner.run(AGENT, question, session=own, run_config=QUIET)
        assert ours.final_output == theirs.final_output == "It is raining in Oslo."
    found = await session.get_items()
    assert found == await own.get_items()
    assert len(found) == 10
    own.close()
    turns = await hmlr.turns(session_id="s1")
    assert [turn.messages[0].role for turn in turns[:5]] == ["user", "tool", "tool", "tool", "assistant"]
    assert turns[2].messages[0].content == 'weather({"city":"Oslo"})'
    assert turns[3].messages[0].content == "raining in Oslo"
    assert turns[4].messages[0].content == "It is raining in Oslo."


async def test_items_come_back_exactly(session: HMLRSession):
    await session.add_items(ITEMS)
    assert await session.get_items() == ITEMS


async def test_memory_learns_from_what_the_user_says(hmlr: HMLRClient, session: HMLRSession):
    await session.add_items([{"role": "user", "content": "I am strictly vegetarian."}])
    assert await hmlr.flush(10)
    assert [fact.category for fact in await hmlr.facts()] == ["constraint"]


@pytest.mark.parametrize(("limit", "first"), [(None, 0), (3, 5), (100, 0), (0, 8), (-1, 8)])
async def test_a_limit_gives_the_last_items(session: HMLRSession, limit: int | None, first: int):
    await session.add_items(ITEMS)
    assert await session.get_items(limit) == ITEMS[first:]


async def test_the_settings_limit_what_a_runner_sees(hmlr: HMLRClient, session: HMLRSession):
    await session.add_items(ITEMS)
    few = HMLRSession(hmlr, "s1", session_settings=SessionSettings(limit=2))
    assert await few.get_items() == ITEMS[-2:]
    assert await few.get_items(limit=4) == ITEMS[-4:]


async def test_pop_gives_and_forgets_exactly_the_last_item(hmlr: HMLRClient, session: HMLRSession):
    assert await session.pop_item() is None
    await session.add_items(ITEMS[4:])
    assert await session.pop_item() == ITEMS[-1]
    assert await session.get_items() == ITEMS[4:-1]
    assert not [hit for hit in await hmlr.recall("A cat") if "cat" in hit.text]
    assert await session.pop_item() == ITEMS[-2]
    assert await session.get_items() == ITEMS[4:-2]


async def test_pops_at_once_give_each_item_once(hmlr: HMLRClient, session: HMLRSession):
    items: list[Any] = [{"role": "user", "content": f"Message {number}."} for number in range(6)]
    await session.add_items(items)
    popped = await asyncio.gather(*(session.pop_item() for _ in range(4)))
    assert sorted(map(str, popped)) == sorted(map(str, items[2:]))
    assert await session.get_items() == items[:2]


async def test_nothing_is_lost_when_many_add_at_once(session: HMLRSession):
    pairs: list[Any] = [
        [{"role": "user", "content": f"Q{number}?"}, {"role": "assistant", "content": f"A{number}."}]
        for number in range(20)
    ]
    await asyncio.gather(*map(session.add_items, pairs))
    found = await session.get_items()
    assert sorted(map(str, zip(found[::2], found[1::2], strict=True))) == sorted(map(str, map(tuple, pairs)))


async def test_clearing_forgets_this_session_of_this_user_alone(hmlr: HMLRClient, session: HMLRSession):
    await session.clear_session()
    other = HMLRSession(hmlr, "s2")
    async with hmlr.as_user("bob") as bob:
        theirs = HMLRSession(bob, "s1")
        for each in (session, other, theirs):
            await each.add_items(ITEMS[:2])
        await session.clear_session()
        assert await session.get_items() == []
        assert await other.get_items() == await theirs.get_items() == ITEMS[:2]
    assert len(await hmlr.turns()) == 2


async def test_what_is_no_item_is_not_given_and_not_popped(hmlr: HMLRClient, session: HMLRSession):
    await session.add_items(ITEMS[:1])
    await hmlr.remember([Message(content="Said elsewhere.")], session_id="s1")
    assert await session.get_items() == ITEMS[:1] == [await session.pop_item()]
    assert len(await hmlr.turns(session_id="s1")) == 1


async def test_errors_of_hmlr_come_through_and_store_nothing(hmlr: HMLRClient, session: HMLRSession):
    with pytest.raises(InvalidInput, match="NUL"):
        await session.add_items([*ITEMS[:2], {"role": "user", "content": "a\x00b"}])
    assert await session.get_items() == []
    await hmlr.aclose()
    with pytest.raises(ClosedError):
        await Runner.run(AGENT, "Hello.", session=session, run_config=QUIET)
