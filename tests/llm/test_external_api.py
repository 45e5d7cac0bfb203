"""The engine's entry: one reply shape for every provider, asynchronous and blocking."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from llmock.scenarios import Delay, Fail, Match
from llmock.testing import LLMockServer
from openai.types.chat import ChatCompletion as OpenAIChatCompletion
from pydantic import BaseModel

from hmlr.core.external_api_client import ExternalAPIClient
from hmlr.errors import (
    BudgetExceeded,
    ClosedError,
    ConfigurationError,
    InvalidAnswer,
    InvalidInput,
    Overloaded,
)
from hmlr.llm import ChatMessage
from hmlr.llm.chat_completion import ChatCompletion
from tests.llm.conftest import Settings
from tests.llm.play import PROVIDERS, bodies, calls, says, script

MODEL = "openai:m1"


class Number(BaseModel):
    """A number."""

    number: int


def double(number: int) -> int:
    """Double a number."""
    raise AssertionError("tools are offered here, not run")


def same(reply: ChatCompletion) -> dict[str, Any]:
    """What of a reply does not change from call to call."""
    given = reply.model_dump()
    return {name: given[name] for name in given if name not in ("id", "created")}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_provider_answers_in_one_shape(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("four"))
    async with ExternalAPIClient(f"{provider}:m1", settings()) as client:
        reply = await client.query_external_api_async("two and two?")
    assert same(reply) == {
        "object": "chat.completion",
        "model": f"{provider}:m1",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "four", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 1,
            "total_tokens": 4,
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }
    OpenAIChatCompletion.model_validate(json.loads(reply.model_dump_json()), strict=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tool_calls_are_in_the_reply(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, calls(("double", {"number": 21})))
    async with ExternalAPIClient(f"{provider}:m1", settings()) as client:
        reply = await client.query_external_api_async("twice 21?", tools=[double], tool_choice="required")
    given = json.loads(reply.model_dump_json())
    (choice,) = given["choices"]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert (call["type"], call["function"]["name"]) == ("function", "double")
    assert json.loads(call["function"]["arguments"]) == {"number": 21}
    OpenAIChatCompletion.model_validate(given, strict=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_messages_in_openais_shape_go_to_every_provider(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "double", "arguments": '{"number": 21}'}}
    messages: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        ChatMessage(role="user", content="twice 21?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "forty-two"}]},
    ]
    async with ExternalAPIClient(f"{provider}:m1", settings()) as client:
        await client.query_external_api_async(messages, tools=[double])
    sent = json.dumps(bodies(llm_server)[0])
    assert all(words in sent for words in ("Be brief.", "twice 21?", "double", "forty-two"))
    if provider == "gemini":
        assert '"functionResponse": {"id": "c1", "name": "double"' in sent


@pytest.mark.parametrize(
    "messages",
    [
        [],
        " ",
        [{"role": "user", "content": ""}],
        [{"content": "hi"}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}],
    ],
)
async def test_what_is_no_prompt_is_refused(
    messages: Any, llm_server: LLMockServer, settings: Settings
) -> None:
    async with ExternalAPIClient(MODEL, settings()) as client:
        with pytest.raises(InvalidInput):
            await client.query_external_api_async(messages)
    assert bodies(llm_server) == []


async def test_options_reach_the_request(llm_server: LLMockServer, settings: Settings) -> None:
    async with ExternalAPIClient(MODEL, settings()) as client:
        await client.query_external_api_async("hi", temperature=0.2, max_tokens=9, task="answer", user="ada")
        assert [(entry.task, entry.user, entry.usage.calls) for entry in client.ledger] == [
            ("answer", "ada", 1)
        ]
    (body,) = bodies(llm_server)
    assert (body["temperature"], body["max_tokens"]) == (0.2, 9)


async def test_a_form_is_repaired(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says("four", '{"number": 4}'))
    async with ExternalAPIClient(MODEL, settings()) as client:
        reply = await client.query_external_api_async("two and two?", response_format=Number)
    assert reply.choices[0].message.content == '{"number": 4}'
    assert reply.usage.completion_tokens == sum(len(text) // 4 for text in ("four", '{"number": 4}'))


async def test_a_form_that_never_fits_is_an_error(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says(*["four"] * 4))
    async with ExternalAPIClient(MODEL, settings()) as client:
        with pytest.raises(InvalidAnswer):
            await client.query_external_api_async("two and two?", response_format=Number)


async def test_a_model_that_calls_a_tool_before_it_fills_a_form(
    llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, calls(("double", {"number": 21})))
    async with ExternalAPIClient(MODEL, settings()) as client:
        reply = await client.query_external_api_async("twice 21?", tools=[double], response_format=Number)
    assert reply.choices[0].finish_reason == "tool_calls"


async def test_another_model_for_one_call_shares_the_budget(
    llm_server: LLMockServer, settings: Settings
) -> None:
    async with ExternalAPIClient(MODEL, settings(budget_tokens=1000)) as client:
        reply = await client.query_external_api_async("hi", model="anthropic:m2")
        assert reply.model == "anthropic:m2"
        await client.query_external_api_async("hi")
        assert {entry.model for entry in client.ledger} == {MODEL, "anthropic:m2"}
        with pytest.raises(BudgetExceeded):
            await client.query_external_api_async("x" * 4000, model="grok:m3")
        with pytest.raises(ConfigurationError):
            await client.query_external_api_async("hi", model="offline")


# the blocking twin


def test_the_blocking_twin_without_a_loop(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says("four"))
    with ExternalAPIClient(MODEL, settings()) as client:
        reply = client.query_external_api("two and two?", temperature=0.3)
    assert reply.choices[0].message.content == "four"
    assert bodies(llm_server)[0]["temperature"] == 0.3


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_both_twins_give_the_same_within_a_loop(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("four", "four"))
    async with ExternalAPIClient(f"{provider}:m1", settings()) as client:
        blocking = client.query_external_api("two and two?")
        assert same(await client.query_external_api_async("two and two?")) == same(blocking)
        assert [entry.usage.calls for entry in client.ledger] == [1, 1]
    first, second = bodies(llm_server)
    assert first == second


def test_the_blocking_twin_keeps_one_loop(llm_server: LLMockServer, settings: Settings) -> None:
    before = set(threading.enumerate())
    with ExternalAPIClient(MODEL, settings()) as client:
        for _ in range(5):
            client.query_external_api("hi")
        loops = {thread.name for thread in set(threading.enumerate()) - before if "portal" in thread.name}
        assert len(loops) <= 1
    assert not any(thread.is_alive() for thread in set(threading.enumerate()) - before)


def test_the_blocking_twin_from_many_threads(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Delay(0.3, times=None))
    with ExternalAPIClient(MODEL, settings()) as client, ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda number: client.query_external_api(f"query {number}"), range(8)))
    assert len({reply.id for reply in replies}) == 8


def test_errors_are_the_same(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Fail(503, retry_after=0, times=None, match=Match(provider="openai")))
    with ExternalAPIClient(MODEL, settings(attempts=2)) as client, pytest.raises(Overloaded) as caught:
        client.query_external_api("hi")
    assert (caught.value.calls, caught.value.status) == (2, 503)


def test_a_closed_client_refuses_calls(settings: Settings) -> None:
    with ExternalAPIClient(MODEL, settings()) as client:
        pass
    client.close()
    with pytest.raises(ClosedError):
        client.query_external_api("hi")
    with pytest.raises(ClosedError):
        asyncio.run(client.query_external_api_async("hi"))


def test_without_a_key_the_error_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        ExternalAPIClient()
