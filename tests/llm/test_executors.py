"""Executors: the two that come along, and one of one's own."""

from __future__ import annotations

import asyncio

import pytest
from llmock.testing import LLMockServer

from hmlr.errors import ClosedError, ConfigurationError, InvalidInput, ToolLoopExceeded
from hmlr.llm import AgentExecutor, Completion, Executor, SimpleExecutor
from tests.llm.conftest import Settings
from tests.llm.play import bodies, calls, says, script, words

MODEL = "openai:m1"


def double(number: int) -> int:
    """Double a number."""
    return number * 2


async def test_a_simple_executor_answers_each_query_by_itself(
    llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("one", "two"))
    async with SimpleExecutor(MODEL, settings=settings(), system="Be brief.", seed=3) as executor:
        answers = [(await executor.execute(query)).text for query in ("first", "second")]
    assert answers == ["one", "two"]
    assert [words(body) for body in bodies(llm_server)] == [["Be brief.", "first"], ["Be brief.", "second"]]
    assert [body["seed"] for body in bodies(llm_server)] == [3, 3]


async def test_an_agent_uses_its_tools(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, calls(("double", {"number": 21})), *says("42"))
    async with AgentExecutor(MODEL, tools=[double], settings=settings()) as executor:
        answer = await executor.execute("twice 21?")
    assert (answer.text, [call.name for call in answer.tool_calls]) == ("42", ["double"])


async def test_an_agent_stops_after_its_rounds(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *[calls(("double", {"number": 1}))] * 2)
    async with AgentExecutor(MODEL, tools=[double], max_rounds=1, settings=settings()) as executor:
        with pytest.raises(ToolLoopExceeded):
            await executor.execute("go on")


async def test_concurrent_queries(llm_server: LLMockServer, settings: Settings) -> None:
    async with SimpleExecutor(MODEL, settings=settings()) as executor:
        answers = await asyncio.gather(*(executor.execute(f"query {number}") for number in range(20)))
    assert len({answer.text for answer in answers}) > 1
    assert all(len(body["messages"]) == 1 for body in bodies(llm_server))


async def test_an_executor_of_ones_own() -> None:
    class Echo(Executor):
        async def execute(self, query: str) -> Completion:
            return Completion(text=query, model="echo", finish_reason="stop")

    async with Echo() as executor:
        assert (await executor.execute("hello")).text == "hello"


async def test_a_closed_executor_refuses_queries(settings: Settings) -> None:
    async with SimpleExecutor(MODEL, settings=settings()) as executor:
        with pytest.raises(InvalidInput):
            await executor.execute(" ")
    with pytest.raises(ClosedError):
        await executor.execute("hello")


def test_without_a_model_the_error_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        AgentExecutor(tools=[double])
