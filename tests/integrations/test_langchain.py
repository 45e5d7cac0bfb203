"""The chat history of LangChain on HMLR."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.runnables.history import RunnableWithMessageHistory

from hmlr import HMLRClient, sync
from hmlr.errors import InvalidInput, TooLarge
from hmlr.integrations.langchain import HMLRChatMessageHistory
from hmlr.testing import hash_embedder

pytestmark = pytest.mark.anyio
CALL = {"name": "weather", "args": {"city": "Oslo"}, "id": "call-1", "type": "tool_call"}
SAID: list[BaseMessage] = [
    SystemMessage("Be brief."),
    HumanMessage("I live in Oslo.", name="Ada", id="h1"),
    AIMessage(
        "", tool_calls=[CALL], usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3}
    ),
    ToolMessage('{"celsius": 4.0}', tool_call_id="call-1", artifact={"raw": [1, None, 2.5]}),
    AIMessage([{"type": "text", "text": "It is 4 °C."}, {"type": "text", "text": "Take a coat."}]),
    HumanMessage(["Two", {"type": "text", "text": "pieces"}, {"type": "image_url", "image_url": "data:x"}]),
    ChatMessage(" \n", role="critic"),
    HumanMessage("x" * 70_000),
]
ROLES = ["system", "user", "assistant", "tool", "assistant", "user", "tool", "user"]


@pytest.fixture
def history(hmlr: HMLRClient) -> HMLRChatMessageHistory:
    return HMLRChatMessageHistory(hmlr, "s1")


async def test_messages_come_back_as_they_were(hmlr: HMLRClient, history: HMLRChatMessageHistory):
    await history.aadd_messages(SAID)
    assert await history.aget_messages() == SAID
    turns = await hmlr.turns(session_id="s1")
    stored = [turn.messages[0] for turn in turns]
    assert [each.role for each in stored] == ROLES
    assert [each.content for each in stored[1:6]] == [
        "I live in Oslo.",
        'weather({"city": "Oslo"})',
        '{"celsius": 4.0}',
        "It is 4 °C.\nTake a coat.",
        "Two\npieces",
    ]
    assert stored[1].speaker == "Ada"


async def test_memory_learns_from_the_history(hmlr: HMLRClient, history: HMLRChatMessageHistory):
    await history.aadd_messages([HumanMessage("I am strictly vegetarian.")])
    assert await hmlr.flush(10)
    assert [fact.category for fact in await hmlr.facts()] == ["constraint"]


async def test_sessions_and_users_stay_apart(hmlr: HMLRClient, history: HMLRChatMessageHistory):
    await history.aadd_messages([HumanMessage("Mine.")])
    assert await HMLRChatMessageHistory(hmlr, "s2").aget_messages() == []
    async with hmlr.as_user("bob") as bob:
        assert await HMLRChatMessageHistory(bob, "s1").aget_messages() == []


async def test_a_message_with_an_id_is_stored_once(history: HMLRChatMessageHistory):
    said = [HumanMessage("Yes.", id="1"), HumanMessage("Yes."), HumanMessage("Yes.")]
    for _ in range(2):
        await history.aadd_messages(said[:1])
    await history.aadd_messages(said[1:])
    await history.aadd_messages([HumanMessage("No.", id="1")])
    assert await history.aget_messages() == [*said, HumanMessage("No.", id="1")]


async def test_nothing_is_lost_when_many_add_at_once(history: HMLRChatMessageHistory):
    pairs = [[HumanMessage(f"Question {number}?"), AIMessage(f"Answer {number}.")] for number in range(20)]
    await asyncio.gather(*map(history.aadd_messages, pairs))
    found = await history.aget_messages()
    assert sorted(map(str, zip(found[::2], found[1::2], strict=True))) == sorted(map(str, map(tuple, pairs)))


async def test_clear_forgets_the_session_and_what_was_learned(
    hmlr: HMLRClient, history: HMLRChatMessageHistory
):
    await history.aclear()
    await history.aadd_messages([HumanMessage("I am strictly vegetarian.")])
    await HMLRChatMessageHistory(hmlr, "s2").aadd_messages([HumanMessage("Good morning.")])
    await hmlr.flush(10)
    await history.aclear()
    assert await history.aget_messages() == []
    assert await hmlr.facts() == []
    assert len(await HMLRChatMessageHistory(hmlr, "s2").aget_messages()) == 1


async def test_what_was_said_through_another_door_is_there_too(
    hmlr: HMLRClient, history: HMLRChatMessageHistory
):
    reply = await hmlr.chat("Hello there.", session_id="s1")
    found = await history.aget_messages()
    assert [(message.type, message.content) for message in found] == [
        ("human", "Hello there."),
        ("ai", reply.text),
    ]


async def test_errors_of_hmlr_come_through(history: HMLRChatMessageHistory):
    with pytest.raises(TooLarge, match="metadata is larger"):
        await history.aadd_messages(
            [HumanMessage("fine"), ToolMessage("x", tool_call_id="1", artifact="y" * 70_000)]
        )
    assert await history.aget_messages() == []


async def test_the_asynchronous_client_refuses_blocking_calls(history: HMLRChatMessageHistory):
    for use in (lambda: history.messages, lambda: history.add_messages([]), history.clear):
        with pytest.raises(InvalidInput, match="aget_messages"):
            use()


def test_the_synchronous_client_serves_both_kinds(tmp_path: Path):
    with sync.HMLRClient(tmp_path / "m.db", "ada", model="offline", embedder=hash_embedder()) as client:
        history = HMLRChatMessageHistory(client, "s1")
        history.add_messages(SAID[:2])
        asyncio.run(history.aadd_messages(SAID[2:4]))
        assert history.messages == SAID[:4] == asyncio.run(history.aget_messages())
        assert "I live in Oslo." in str(history)
        history.clear()
        assert history.messages == []
        asyncio.run(history.aclear())


@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory is deprecated")
async def test_a_chain_with_history_keeps_its_sessions(hmlr: HMLRClient):
    chain = RunnableWithMessageHistory(
        FakeListChatModel(responses=["One.", "Two."]), lambda session: HMLRChatMessageHistory(hmlr, session)
    )
    config: Any = {"configurable": {"session_id": "s1"}}
    await chain.ainvoke("First?", config)
    await chain.ainvoke("Second?", config)
    found = await HMLRChatMessageHistory(hmlr, "s1").aget_messages()
    assert [message.text for message in found] == ["First?", "One.", "Second?", "Two."]
