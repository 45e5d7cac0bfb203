"""The real OpenAI SDK, unchanged, against the server: memory by base URL and key (D4)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from hmlr import HMLRClient
from hmlr.records import Turn
from tests.scripted.server import Asked, Broken, Calls, Says, TaskServer, serving
from tests.server.serving import Served, server

pytestmark = pytest.mark.timeout(120)

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def relayed(asked: Asked) -> Says:
    """A model that uses the tool it is offered, fails when it is told to, and repeats what it remembers."""
    said = asked.user.rpartition("The message to answer:\n")[2]
    if "fail" in said:
        return Broken(500)
    if asked.body.get("tools") and asked.body["messages"][-1]["role"] == "user":
        return Calls((("weather", {"city": "Oslo"}),))
    if asked.body["messages"][-1]["role"] == "tool":
        return f"It is {asked.body['messages'][-1]['content']} there."
    return "You live in Oslo." if "Oslo" in asked.user else "I don't know yet."


@pytest.fixture(scope="module")
def model() -> Iterator[TaskServer]:
    with serving({"relayed": relayed}) as up:
        yield up


@pytest.fixture(scope="module")
def served(model: TaskServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    path = tmp_path_factory.mktemp("proxy") / "memory.db"
    with server(path, HMLR_MODEL="openai:scripted", **model.env) as up:
        yield up


@contextmanager
def someone(served: Served, name: str) -> Iterator[openai.OpenAI]:
    """The SDK as a user has it, with a token of one's own."""
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.new_token(name), max_retries=0) as client:
        yield client


async def turns(served: Served, user: str) -> list[Turn]:
    """What is stored of a user, read by another process."""
    async with HMLRClient(served.db, user, model="offline") as hmlr:
        return await hmlr.turns()


def ask(client: openai.OpenAI, text: str, **more: Any) -> Any:
    return client.chat.completions.create(model="hmlr", messages=[{"role": "user", "content": text}], **more)


async def test_what_was_told_in_one_conversation_is_used_in_the_next(
    served: Served, model: TaskServer
) -> None:
    with someone(served, "ada") as ada:
        told = ask(ada, "I live in Oslo, near the harbour.")
        assert told.choices[0].message.content == "You live in Oslo."
        answer = ada.chat.completions.create(
            model="gpt-any",  # of the server's provider
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hello there!"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "Where do I live?"},
            ],
            temperature=0.5,
            max_tokens=50,
            stop="END",
        )
    assert answer.choices[0].message.content == "You live in Oslo."
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", "openai:gpt-any")
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (10, 5)
    body = [each.body for each in model.asked if each.task == "relayed"][-1]
    rules, own, hello, reply, question = body["messages"]
    assert (own["content"], hello["content"], reply["content"]) == ("Be brief.", "Hello there!", "Hello.")
    assert "Oslo" not in rules["content"]  # memory is data, never a rule
    assert "I live in Oslo, near the harbour." in question["content"]
    assert question["content"].endswith("Where do I live?")
    assert (body["model"], body["temperature"], body["stop"]) == ("gpt-any", 0.5, ["END"])
    stored = await turns(served, "ada")
    assert [[each.content for each in turn.messages] for turn in stored] == [
        ["I live in Oslo, near the harbour.", "You live in Oslo."],
        ["Where do I live?", "You live in Oslo."],
    ]
    assert answer.hmlr["turn_id"] == stored[1].turn_id
    assert stored[0].turn_id in answer.hmlr["turns_used"]


async def test_a_stream_comes_in_pieces_and_tells_its_usage(served: Served) -> None:
    with someone(served, "bob") as bob:
        parts = list(ask(bob, "Where is Oslo?", stream=True, stream_options={"include_usage": True}))
    texts = [
        part.choices[0].delta.content for part in parts if part.choices and part.choices[0].delta.content
    ]
    assert len(texts) > 2
    assert "".join(texts) == "You live in Oslo."
    assert [part.choices[0].finish_reason for part in parts if part.choices][-1] == "stop"
    assert parts[-1].usage.total_tokens == 15
    assert len({part.id for part in parts}) == 1
    (turn,) = await turns(served, "bob")
    assert [each.content for each in turn.messages] == ["Where is Oslo?", "You live in Oslo."]


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_passed_through_and_it_stays_one_turn(
    served: Served, model: TaskServer, stream: bool
) -> None:
    user = f"eve{stream}"
    messages: list[Any] = [{"role": "user", "content": "What is the weather there?"}]
    with someone(served, user) as eve:
        given: Any = {"model": "hmlr", "tools": [WEATHER], "tool_choice": "auto"}
        if stream:
            with eve.chat.completions.stream(messages=messages, **given) as events:
                asked = events.get_final_completion().choices[0]
        else:
            asked = eve.chat.completions.create(messages=messages, **given).choices[0]
        assert asked.finish_reason == "tool_calls"
        (call,) = asked.message.tool_calls
        assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Oslo"})
        (before,) = await turns(served, user)
        assert len(before.messages) == 1
        call_back = {"id": call.id, "type": "function", "function": call.function.model_dump()}
        messages.append({"role": "assistant", "content": None, "tool_calls": [call_back]})
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
        answer = eve.chat.completions.create(messages=messages, **given)
    assert answer.choices[0].message.content == "It is sunny there."
    sent = [each.body for each in model.asked if each.task == "relayed"][-1]
    assert sent["tools"][0]["function"]["parameters"] == WEATHER["function"]["parameters"]
    (turn,) = await turns(served, user)
    assert [each.content for each in turn.messages] == ["What is the weather there?", "It is sunny there."]


async def test_a_failing_model_is_an_error_and_the_message_is_kept(served: Served) -> None:
    with someone(served, "fay") as fay:
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as failed:
                ask(fay, "please fail", stream=stream)
            assert failed.value.status_code == 502
    (turn,) = await turns(served, "fay")  # the second request was the same message again
    assert [each.content for each in turn.messages] == ["please fail"]


async def test_a_request_that_is_sent_again_is_the_same_turn(served: Served) -> None:
    with someone(served, "gus") as gus:
        ids = {ask(gus, "My dog is called Rex.").hmlr["turn_id"] for _ in range(2)}
        ids |= {ask(gus, "Hi", extra_headers={"Idempotency-Key": "k"}).hmlr["turn_id"] for _ in range(2)}
        other = ask(gus, "Hi", extra_headers={"X-HMLR-Session": "other"}).hmlr
    assert len(ids) == 2
    assert other["session_id"] == "other"
    assert other["turn_id"] not in ids
    assert len(await turns(served, "gus")) == 3


def test_two_tokens_never_see_each_other(served: Served, model: TaskServer) -> None:
    with someone(served, "ivy") as ivy, someone(served, "jon") as jon:
        ask(ivy, "My locker code is zebra-4711.")
        answer = ask(jon, "What is my locker code?")
        prompts = [each for each in model.asked if "What is my locker code?" in each.user]
        assert prompts
        assert not [each for each in prompts if "zebra" in json.dumps(each.body)]
        assert answer.hmlr["turns_used"] == []
        with pytest.raises(openai.PermissionDeniedError):
            ask(jon, "What is my locker code?", extra_headers={"X-HMLR-User": "ivy"})


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"messages": []}, openai.UnprocessableEntityError),
        ({"messages": [{"role": "system", "content": "x"}]}, openai.UnprocessableEntityError),
        ({"messages": [{"role": "assistant", "content": "x"}]}, openai.UnprocessableEntityError),
        ({"n": 2}, openai.UnprocessableEntityError),
        ({"temperature": 9}, openai.UnprocessableEntityError),
        ({"response_format": {"type": "json_object"}}, openai.UnprocessableEntityError),
        ({"model": "anthropic:claude"}, openai.NotFoundError),  # a provider without a key
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
            openai.UnprocessableEntityError,
        ),
    ],
)
def test_what_can_not_be_done_is_refused(served: Served, given: Any, error: type[Exception]) -> None:
    whole: Any = {"model": "hmlr", "messages": [{"role": "user", "content": "hi"}]} | given
    client = openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.token, max_retries=0)
    with client, pytest.raises(error):
        client.chat.completions.create(**whole)


def test_models_are_listed(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key=served.token, max_retries=0) as client:
        assert [each.id for each in client.models.list()] == ["hmlr", "openai:scripted"]
        assert client.models.retrieve("hmlr").id == "hmlr"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("other")
        with pytest.raises(openai.AuthenticationError):
            client.with_options(api_key="hmlr_wrong").models.list()


async def test_without_a_model_the_rules_answer_and_say_so(tmp_path: Path) -> None:
    with server(tmp_path / "m.db") as up:
        async with openai.AsyncOpenAI(base_url=f"{up.url}/v1", api_key=up.token, max_retries=0) as client:
            say: Any = {"model": "gpt-4o-mini", "stream": False}
            await client.chat.completions.create(
                messages=[{"role": "user", "content": "I am strictly vegetarian."}], **say
            )
            answer = await client.chat.completions.create(
                messages=[{"role": "user", "content": "Is a steak a good idea for me?"}], **say
            )
            assert answer.model == "offline"
            assert "vegetarian" in (answer.choices[0].message.content or "")
