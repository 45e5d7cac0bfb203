"""The tool loop over HTTP: any function, answers to broken calls, rounds, limits, cancelling."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from functools import partial
from typing import Annotated, Any, Literal

import pytest
from llmock.scenarios import Delay, Fail, Match, ToolFault
from llmock.testing import LLMockServer
from pydantic import BaseModel, Field

from hmlr.errors import InvalidInput, ModelTimeout, RequestRejected, ToolLoopExceeded
from hmlr.llm import LLM, Tool, tool
from hmlr.llm.tools import MAX_RESULT_CHARS
from tests.llm.conftest import Settings
from tests.llm.play import PROVIDERS, bodies, calls, says, script

MODEL = "openai:m1"


class Place(BaseModel):
    """Where it is."""

    city: str
    floor: int = 0


def where(place: Place) -> str:
    """Say where."""
    return f"{place.city}, floor {place.floor}"


async def double(number: int) -> int:
    """Double a number."""
    await asyncio.sleep(0)
    return number * 2


def fail(reason: str) -> str:
    """Fail."""
    raise RuntimeError(reason)


def answers(body: Any) -> list[str]:
    """What an OpenAI request says that tools answered."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


async def told(server: LLMockServer, settings: Settings, *tools: Any, **given: Any) -> list[str]:
    """What the model is told in the last request of one question."""
    async with LLM(MODEL, settings=settings(), tools=tools, **given) as llm:
        await llm.complete("go on")
    return answers(bodies(server)[-1])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_tool_runs_and_its_usage_is_summed(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, calls(("double", {"number": 21})), *says("It is 42."))
    async with LLM(f"{provider}:m1", settings=settings(), tools=[double]) as llm:
        answer = await llm.complete("twice 21?")
        assert answer.usage == llm.usage
        assert [message.content for message in llm.history] == ["twice 21?", "It is 42."]
    assert (answer.text, answer.finish_reason, answer.usage.calls) == ("It is 42.", "stop", 2)
    assert [(call.name, json.loads(call.arguments)) for call in answer.tool_calls] == [
        ("double", {"number": 21})
    ]
    assert len(answer.attempts) == 2
    assert "42" in json.dumps(bodies(llm_server)[1])


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_rounds_of_tools_within_a_stream(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, calls(("double", {"number": 21}), text="Let me see."), *says("It is 42."))
    async with LLM(f"{provider}:m1", settings=settings(), tools=[double]) as llm:
        parts = [part async for part in llm.stream("twice 21?")]
    last = parts[-1].completion
    assert last is not None
    assert "".join(part.text for part in parts) == "Let me see.It is 42."
    assert (last.text, last.usage.calls, [call.name for call in last.tool_calls]) == (
        "It is 42.",
        2,
        ["double"],
    )


async def test_pydantic_parameters(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, calls(("where", {"place": {"city": "Oslo", "floor": 3}})))
    assert await told(llm_server, settings, where) == ["Oslo, floor 3"]


async def test_what_is_no_text_is_told_as_json(llm_server: LLMockServer, settings: Settings) -> None:
    async def look_up(name: str) -> dict[str, Any]:
        """Look up."""
        return {"name": name, "place": Place(city="Oslo"), "nothing": None}

    script(llm_server, calls(("look_up", {"name": "Ada"})))
    assert await told(llm_server, settings, look_up) == [
        '{"name":"Ada","place":{"city":"Oslo","floor":0},"nothing":null}'
    ]


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        (("double", {"number": "many"}), "error: the arguments can't be used: number: Input should be"),
        (("double", {}), "error: the arguments can't be used: number: Field required"),
        (("double", {"number": 1, "more": 2}), "error: the arguments can't be used: more: Extra"),
        (("triple", {"number": 1}), "error: there is no tool 'triple'; there are: double, fail"),
        (("fail", {"reason": "out of order"}), "error: RuntimeError: out of order"),
    ],
)
async def test_what_goes_wrong_is_told_to_the_model(
    call: tuple[str, dict[str, Any]], answer: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, calls(call))
    (said,) = await told(llm_server, settings, double, fail)
    assert said.startswith(answer)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
async def test_broken_calls_of_every_provider_are_answered(
    kind: Literal["malformed_arguments", "unknown_tool"],
    provider: str,
    llm_server: LLMockServer,
    settings: Settings,
) -> None:
    script(llm_server, ToolFault(kind))
    async with LLM(f"{provider}:m1", settings=settings(), tools=[double]) as llm:
        answer = await llm.complete("twice 21?")
    assert answer.usage.calls == 2
    if kind == "unknown_tool" or provider in ("openai", "grok"):  # others send arguments as objects
        assert "error: " in json.dumps(bodies(llm_server)[1])


async def test_calls_of_one_round_run_together_and_keep_their_order(
    llm_server: LLMockServer, settings: Settings
) -> None:
    running: list[int] = []

    async def nap(seconds: float) -> str:
        """Sleep."""
        running.append(1)
        await asyncio.sleep(seconds)
        return f"{seconds} with {len(running)}"

    script(llm_server, calls(("nap", {"seconds": 0.3}), ("nap", {"seconds": 0.1}), ("nap", {"seconds": 0.2})))
    assert await told(llm_server, settings, nap) == ["0.3 with 3", "0.1 with 3", "0.2 with 3"]


async def test_a_synchronous_tool_does_not_block_the_loop(
    llm_server: LLMockServer, settings: Settings
) -> None:
    threads: list[threading.Thread] = []

    def block(seconds: float) -> str:
        """Block."""
        threads.append(threading.current_thread())
        time.sleep(seconds)
        return "done"

    script(llm_server, calls(("block", {"seconds": 0.3}), ("block", {"seconds": 0.3})))
    begun = time.perf_counter()
    assert await told(llm_server, settings, block) == ["done", "done"]
    assert threading.main_thread() not in threads
    assert time.perf_counter() - begun < 10


async def test_the_rounds_are_limited(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *[calls(("double", {"number": 1}))] * 3)
    async with LLM(MODEL, settings=settings(), tools=[double], max_rounds=2) as llm:
        with pytest.raises(ToolLoopExceeded, match="after 2 rounds") as caught:
            await llm.complete("go on")
        assert llm.history == ()
        assert caught.value.calls == llm.usage.calls == 3
        assert caught.value.output_tokens == llm.usage.output_tokens


async def test_a_failure_after_a_round_counts_all_calls(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, calls(("double", {"number": 1})))
    async with LLM(MODEL, settings=settings(), tools=[partial_fail(llm_server)]) as llm:
        with pytest.raises(RequestRejected) as caught:
            await llm.complete("go on")
        assert (caught.value.calls, caught.value.output_tokens) == (2, llm.usage.output_tokens)


def partial_fail(server: LLMockServer) -> Tool:
    """A tool after which the server refuses."""

    @tool(name="double")
    def then_fail(number: int) -> int:
        script(server, Fail(400))
        return number

    return then_fail


async def test_a_long_result_is_cut_with_a_note(llm_server: LLMockServer, settings: Settings) -> None:
    @tool
    def long() -> str:
        """Say much."""
        return "x" * (MAX_RESULT_CHARS + 1)

    @tool(max_chars=5)
    def short() -> str:
        """Say little."""
        return "123456789"

    script(llm_server, calls(("long", {}), ("short", {})))
    first, second = await told(llm_server, settings, long, short)
    assert first.startswith("x" * MAX_RESULT_CHARS + "\n[cut: ")
    assert second == "12345\n[cut: these are 5 of 9 characters]"


async def test_cancelling_cancels_running_tools(llm_server: LLMockServer, settings: Settings) -> None:
    ended: list[str] = []

    async def wait() -> str:
        """Wait."""
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")
        return ""

    script(llm_server, calls(("wait", {}), ("wait", {})))
    async with LLM(MODEL, settings=settings(), tools=[wait]) as llm:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await llm.complete("go on")
        assert llm.history == ()
    assert ended == ["cancelled"] * 2


async def test_the_deadline_covers_tools(llm_server: LLMockServer, settings: Settings) -> None:
    async def wait() -> None:
        """Wait."""
        await asyncio.sleep(60)

    script(llm_server, *says("hi"))
    async with LLM(MODEL, settings=settings(), tools=[wait]) as llm:
        await llm.complete("hello", timeout_s=15)  # the SDK is loaded
        script(llm_server, calls(("wait", {})))
        begun = time.perf_counter()
        with pytest.raises(ModelTimeout, match="the tools wait") as caught:
            await llm.complete("go on", timeout_s=0.5)
        assert time.perf_counter() - begun < 1.5
        assert caught.value.calls == 1


async def test_the_deadline_covers_all_rounds(llm_server: LLMockServer, settings: Settings) -> None:
    async with LLM(MODEL, settings=settings(), tools=[double]) as llm:
        await llm.complete("hello", timeout_s=15)  # the SDK is loaded
        script(llm_server, Delay(0.6), Delay(5), calls(("double", {"number": 1})))
        begun = time.perf_counter()
        with pytest.raises(ModelTimeout):
            await llm.complete("go on", timeout_s=1)
        assert time.perf_counter() - begun < 2


async def test_a_tool_that_cancels_itself_is_an_answer(llm_server: LLMockServer, settings: Settings) -> None:
    async def give_up() -> str:
        """Give up."""
        raise asyncio.CancelledError

    script(llm_server, calls(("give_up", {})))
    assert await told(llm_server, settings, give_up) == ["error: the tool was cancelled"]


# what the model is told of a tool


def test_a_tool_is_described_by_its_signature_and_docstring() -> None:
    @tool
    def find(
        words: Annotated[str, Field(description="What to look for.")],
        kind: Literal["fact", "turn"] = "fact",
        json: bool = False,
    ) -> str:
        """Find something.

        In memory.
        """
        return f"{words} {kind} {json}"

    assert (find.spec.name, find.spec.description) == ("find", "Find something.\n\nIn memory.")
    assert find.spec.parameters == {
        "title": "find",
        "type": "object",
        "additionalProperties": False,
        "required": ["words"],
        "properties": {
            "words": {"title": "Words", "type": "string", "description": "What to look for."},
            "kind": {"title": "Kind", "type": "string", "enum": ["fact", "turn"], "default": "fact"},
            "json": {"title": "Json", "type": "boolean", "default": False},
        },
    }
    assert find("x", kind="turn") == "x turn False"


async def test_methods_partials_and_objects_are_tools() -> None:
    class Shop:
        def price(self, item: str) -> str:
            """Tell a price."""
            return f"{item}: 3"

        async def __call__(self, item: str) -> str:
            """Buy."""
            return f"bought {item}"

    price = tool(Shop().price)
    bought = tool(name="buy")(Shop())
    twice = tool(name="twice", description="Double.")(partial(pow, 2))
    assert (price.spec.name, bought.spec.description, twice.spec.description) == ("price", "Buy.", "Double.")
    assert await price.run(price.parsed('{"item": "tea"}')) == "tea: 3"
    assert await bought.run(bought.parsed('{"item": "tea"}')) == "bought tea"


def test_a_default_that_json_cannot_say_is_left_out() -> None:
    marker = object()

    @tool
    def look(depth: Any = marker) -> bool:
        """Look."""
        return depth is marker

    assert "default" not in look.spec.parameters["properties"]["depth"]
    assert look.parsed("{}") == {}


def anything(*names: str) -> None:
    """Take anything."""


def with_field(name: str = Field("x")) -> None:
    """Take a field."""


def unknown(name: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    """Take an unknown type."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (anything, "takes \\*names"),
        (with_field, "Annotated"),
        (unknown, "Nowhere"),
        (lambda: None, "no name"),
    ],
)
def test_a_signature_that_no_model_can_follow_is_refused(function: Any, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        tool(function)


def test_two_tools_of_one_name_are_refused(settings: Settings) -> None:
    with pytest.raises(InvalidInput, match="same name"):
        LLM(MODEL, settings=settings(), tools=[double, double])


async def test_a_call_that_fails_in_between_is_retried(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, calls(("double", {"number": 21})), *says("42"))
    script(llm_server, Fail(503, retry_after=0, match=Match(tools=True)))
    async with LLM(MODEL, settings=settings(), tools=[double]) as llm:
        answer = await llm.complete("twice 21?")
    assert (answer.text, [attempt.error for attempt in answer.attempts]) == ("42", ["Overloaded", "", ""])
