"""What the providers are asked: options, formats, tools both ways, servers that need no key (L2, L3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import BaseModel, Field

from hmlr.errors import BrokenReply, ConfigurationError, ContentRefused, InvalidAnswer
from hmlr.llm.providers.openai_wire import body_of
from hmlr.llm.records import ChatMessage, ChatRequest, Options, ToolCall, ToolSpec
from hmlr.llm.structured import schema_of, structured
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES, Call

# An option's place in each provider's body; None: the provider lacks it.
PLACES: Mapping[str, tuple[Any, Mapping[str, str | None]]] = {
    "temperature": (
        0.25,
        {
            "openai": "temperature",
            "grok": "temperature",
            "gemini": "generationConfig.temperature",
            "anthropic": None,
        },
    ),
    "top_p": (
        0.5,
        {"openai": "top_p", "grok": "top_p", "gemini": "generationConfig.topP", "anthropic": None},
    ),
    "seed": (7, {"openai": "seed", "grok": "seed", "gemini": "generationConfig.seed", "anthropic": None}),
    "stop": (
        ("END",),
        {
            "openai": "stop",
            "grok": "stop",
            "gemini": "generationConfig.stopSequences",
            "anthropic": "stop_sequences",
        },
    ),
    "max_tokens": (
        77,
        {
            "openai": "max_tokens",
            "grok": "max_completion_tokens",
            "gemini": "generationConfig.maxOutputTokens",
            "anthropic": "max_tokens",
        },
    ),
    "reasoning_effort": (
        "low",
        {
            "openai": "reasoning_effort",
            "grok": "reasoning_effort",
            "gemini": "generationConfig.thinkingConfig.thinkingLevel",
            "anthropic": "output_config.effort",
        },
    ),
}
CASES = [(provider, name) for name in PLACES for provider in PROVIDERS]


def at(body: Any, place: str) -> Any:
    """What stands at a place; google-genai sends some names with underscores, as its server allows."""
    for name in place.split("."):
        if name.isdigit():
            body = body[int(name)]
        else:
            body = body[name if name in body else re.sub("([A-Z])", r"_\1", name).lower()]
    return body


@pytest.mark.parametrize(("provider", "name"), CASES)
async def test_an_option_reaches_the_body_or_is_an_error(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    value, places = PLACES[name]
    sent = list(value) if isinstance(value, tuple) else value
    asked = question(options=Options(**{name: value}))
    place = places[provider]

    if place is None:
        with pytest.raises(ConfigurationError, match=f"{provider}:m1 has no option {name}"):
            await ask(provider, own_settings(), asked)
        assert own.requests == []
    else:
        await ask(provider, own_settings(), asked)
        await listen(provider, own_settings(), asked)
        for received in own.requests:
            assert str(at(received.json, place)).lower() == str(sent).lower()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_option_that_is_not_given_is_not_sent(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    await ask(provider, own_settings())

    sent = own.requests[0].json
    extra = set(sent) - {"model", "messages", "contents", "stream"}
    assert extra <= ({"max_tokens"} if provider == "anthropic" else {"generationConfig"})
    assert not sent.get("generationConfig")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_calls_option_goes_over_the_settings(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    settings = own_settings(max_tokens=5, reasoning_effort="high")

    await ask(provider, settings, question(options=Options(max_tokens=6)))

    sent = json.dumps(own.requests[0].json).lower()
    assert ": 6" in sent
    assert ": 5" not in sent
    assert '"high"' in sent


async def test_a_lacking_option_is_no_attempt(own: OwnServer, own_settings: Settings) -> None:
    async with gateway("anthropic", own_settings()) as opened:
        with pytest.raises(ConfigurationError):
            await opened.complete(question(options=Options(seed=1)))
        assert opened.ledger.spent.calls == 0


def test_openai_itself_knows_the_newer_name_of_max_tokens() -> None:
    asked = question(options=Options(max_tokens=6))
    assert body_of(asked, model="m", max_tokens_name="max_completion_tokens")["max_completion_tokens"] == 6


class Item(BaseModel):
    """One of several."""

    name: str = Field(max_length=5)
    size: int = 3


class Answered(BaseModel):
    """A structured answer."""

    items: list[Item]


SCHEMA_AT = {
    "openai": "response_format.json_schema.schema",
    "grok": "response_format.json_schema.schema",
    "anthropic": "output_config.format.schema",
    "gemini": "generationConfig.responseJsonSchema",
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_schema_reaches_the_providers_own_mode(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    await ask(provider, own_settings(), question(output=schema_of(Answered)))

    schema = at(own.requests[0].json, SCHEMA_AT[provider])
    assert (schema["required"], schema["additionalProperties"]) == (["items"], False)
    assert "maxLength" not in json.dumps(schema)  # the strict modes refuse bounds; pydantic holds them


UNFIT: Mapping[str, tuple[str, str, type[Exception], int]] = {
    "cut, though it reads whole": ('{"items": "no list"}', "length", BrokenReply, 1),
    "cut within the first item": ('{"items": [{"na', "length", BrokenReply, 1),
    "refused": ('{"items": []}', "refused", ContentRefused, 1),
    "of another form": ('{"items": 7}', "stop", InvalidAnswer, 4),
    "no JSON": ("Here you are: items", "stop", InvalidAnswer, 4),
}


@pytest.mark.faults
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", UNFIT)
async def test_an_unfit_answer_is_never_read_as_data(
    provider: str, name: str, own: OwnServer, own_settings: Settings
) -> None:
    text, finish, kind, requests = UNFIT[name]
    own.always(reply(SHAPES[provider].reply(text, finish=finish)))  # type: ignore[arg-type]

    async with gateway(provider, own_settings()) as opened:
        with pytest.raises(kind):
            asked = question(output=schema_of(Answered))
            await structured(opened.complete, asked, Answered.model_validate_json)

    assert len(own.requests) == requests


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("how", ["whole", "streamed"])
async def test_a_cut_answer_says_so(provider: str, how: str, own: OwnServer, own_settings: Settings) -> None:
    shape = SHAPES[provider]
    if how == "whole":
        own.always(reply(shape.reply("half an", finish="length")))
        answer = await ask(provider, own_settings())
    else:
        own.always(stream(shape.events(("half an",), finish="length")))
        answer = (await listen(provider, own_settings()))[-1].completion  # type: ignore[assignment]

    assert (answer.text, answer.finish_reason) == ("half an", "length")


WEATHER = ToolSpec(
    name="weather",
    description="The weather of a city",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CALLS = (Call("weather", {"city": "Kiel"}, "call_1"), Call("weather", {"city": "Ulm"}, "call_2"))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("how", ["whole", "streamed"])
async def test_tool_calls_come_in_one_shape(
    provider: str, how: str, own: OwnServer, own_settings: Settings
) -> None:
    shape = SHAPES[provider]
    asked = question(tools=(WEATHER,))
    if how == "whole":
        own.always(reply(shape.reply(None, finish="tool_calls", calls=CALLS)))
        answer = await ask(provider, own_settings(), asked)
    else:
        own.always(stream(shape.events((), finish="tool_calls", calls=CALLS)))
        answer = (await listen(provider, own_settings(), asked))[-1].completion  # type: ignore[assignment]

    assert answer.finish_reason == "tool_calls"
    assert [(call.id, call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        ("call_1", "weather", {"city": "Kiel"}),
        ("call_2", "weather", {"city": "Ulm"}),
    ]


TOOL_AT = {
    "openai": ("tools.0.function.parameters", "messages.3.content", "messages.2.tool_calls.0.id"),
    "grok": ("tools.0.function.parameters", "messages.3.content", "messages.2.tool_calls.0.id"),
    "anthropic": (
        "tools.0.input_schema",
        "messages.2.content.0.content",
        "messages.1.content.0.id",
    ),
    "gemini": (
        "tools.0.functionDeclarations.0.parametersJsonSchema",
        "contents.2.parts.0.functionResponse.response.output",
        "contents.1.parts.0.functionCall.id",
    ),
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_tools_answer_goes_back_beside_its_call(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    dialogue = ChatRequest(
        messages=(
            ChatMessage(role="system", content="rules"),
            ChatMessage(role="user", content="weather?"),
            ChatMessage(
                role="assistant",
                tool_calls=(ToolCall(id="call_1", name="weather", arguments='{"city": "Kiel"}'),),
            ),
            ChatMessage(role="tool", content="rain", tool_call_id="call_1", tool_name="weather"),
        ),
        tools=(WEATHER,),
    )

    await ask(provider, own_settings(), dialogue)

    sent = own.requests[0].json
    parameters, answer, call_id = (at(sent, place) for place in TOOL_AT[provider])
    assert parameters["required"] == ["city"]
    assert answer == "rain"
    assert call_id == "call_1"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("choice", ["auto", "none", "required", "weather"])
async def test_every_choice_of_tools_is_sent(
    provider: str, choice: str, own: OwnServer, own_settings: Settings
) -> None:
    await ask(provider, own_settings(), question(tools=(WEATHER,), tool_choice=choice))

    sent = own.requests[0].json
    said = json.dumps(sent.get("tool_choice") or sent.get("toolConfig")).lower()
    words = {"required": ["required", "any"]}.get(choice, [choice])
    assert any(word in said for word in words)


async def test_geminis_mark_of_a_thought_goes_back_with_its_call(
    own: OwnServer, own_settings: Settings
) -> None:
    part = {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "c2lnbmVk"}
    body = {"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}
    own.script(reply(json.dumps(body).encode()))
    answer = await ask("gemini", own_settings(), question(tools=(WEATHER,)))
    again = ChatMessage(role="assistant", tool_calls=answer.tool_calls)

    await ask("gemini", own_settings(), ChatRequest(messages=(*question().messages, again)))

    sent = own.requests[1].json["contents"][1]["parts"][0]
    assert sent["thoughtSignature"] == "c2lnbmVk"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_system_rules_stand_apart_from_the_data(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    messages = (ChatMessage(role="system", content="rules"), ChatMessage(role="user", content="data"))

    await ask(provider, own_settings(), ChatRequest(messages=messages, task="t1", user="u1"))

    sent = own.requests[0].json
    system = sent.get("system") or sent.get("systemInstruction") or sent["messages"][0]
    assert "rules" in json.dumps(system)
    assert "data" not in json.dumps(system)
    assert "u1" not in json.dumps(sent)  # labels are for our ledger


async def test_a_compatible_server_needs_no_key(own: OwnServer, own_settings: Settings) -> None:
    settings = own_settings(openai_api_key="")

    answer = await ask("openai", settings)

    assert answer.text == "ok"
    assert own.requests[0].json["model"] == "m1"
    assert own.requests[0].headers["authorization"] == "Bearer none"


LENIENT: Mapping[str, Mapping[str, Any]] = {
    "without usage": {"usage": None},
    "with fields of its own": {"timings": {"ms": 7}, "system_fingerprint": "fp"},
    "without id and model": {"id": None, "model": None},
}


@pytest.mark.parametrize("name", LENIENT)
async def test_a_compatible_servers_reply_may_differ(
    name: str, own: OwnServer, own_settings: Settings
) -> None:
    whole = {**json.loads(SHAPES["openai"].reply()), **LENIENT[name]}
    own.always(reply(json.dumps({k: v for k, v in whole.items() if v is not None}).encode()))

    assert (await ask("openai", own_settings())).text == "ok"


async def test_a_compatible_servers_stream_may_lack_done_and_usage(
    own: OwnServer, own_settings: Settings
) -> None:
    own.always(stream(SHAPES["openai"].events()[:-2]))

    assert (await listen("openai", own_settings()))[-1].completion.text == "ok"  # type: ignore[union-attr]


@pytest.mark.faults
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_tool_calls_without_a_name_are_a_broken_reply(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    body = SHAPES[provider].reply(None, finish="tool_calls", calls=CALLS).replace(b'"weather"', b'""')
    own.always(Answer(body=body))

    with pytest.raises(BrokenReply):
        await ask(provider, own_settings(attempts=1), question(tools=(WEATHER,)))
