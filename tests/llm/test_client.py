"""`LLM` over HTTP: conversation, streams, fallbacks, deadlines, usage, lifecycle; and the toolkit's door."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import aclosing

import pytest
from llmock.scenarios import Delay, Fail, Match, StreamFault
from llmock.testing import LLMockServer

import hmlr.llm
from hmlr.errors import (
    BrokenReply,
    BudgetExceeded,
    ClosedError,
    ConfigurationError,
    InvalidInput,
    ModelTimeout,
    Overloaded,
    RequestRejected,
)
from hmlr.llm import LLM, CallOptions, LLMSettings, Options, Price, complete
from hmlr.llm import stream as stream_once
from tests.llm.conftest import Settings
from tests.llm.own_server import OwnServer, reply, stream
from tests.llm.play import PROVIDERS, bodies, says, script, words
from tests.llm.shapes import SHAPES

MODEL = "openai:m1"


def test_public_names() -> None:
    assert hmlr.llm.__all__ == [
        *("LLM", "AgentExecutor", "Attempt", "BatchResult", "CallOptions", "ChatMessage", "Completion"),
        *("Executor", "LLMSettings", "Latency", "Options", "Price", "SimpleExecutor", "Spending"),
        *("StreamPart", "Structured", "Tool", "ToolCall", "Usage", "batch_complete", "complete", "stream"),
        *("structured_complete", "tool"),
    ]


@pytest.mark.parametrize("name", hmlr.llm.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(hmlr.llm, name).__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nonsense'"):
        hmlr.llm.Nonsense  # noqa: B018


def test_import_is_light() -> None:
    heavy = "{'httpx2', 'tenacity', 'openai', 'anthropic', 'google.genai', 'pydantic', 'anyio'}"
    code = f"import sys, hmlr.llm; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_client_loads_no_sdk() -> None:
    sdks = "{'openai', 'anthropic', 'google.genai'}"
    code = f"import sys; from hmlr.llm import LLM; print({sdks} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


def test_call_options_are_those_of_requests_and_labels() -> None:
    assert set(CallOptions.__annotations__) == set(Options.__dataclass_fields__) | {"task", "user"}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_answer_tells_what_it_cost(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("four"))
    async with LLM(f"{provider}:m1", settings=settings()) as llm:
        answer = await llm.complete("two and two?")
    assert (answer.text, answer.model, answer.finish_reason) == ("four", f"{provider}:m1", "stop")
    assert (answer.usage.calls, answer.usage.output_tokens) == (1, 1)
    assert [attempt.error for attempt in answer.attempts] == [""]


async def test_options_reach_the_request(llm_server: LLMockServer, settings: Settings) -> None:
    async with LLM(MODEL, settings=settings(seed=1), system="Be brief.", temperature=0.5, top_p=0.9) as llm:
        await llm.complete("hi", temperature=0.1, max_tokens=7, reasoning_effort="low")
    (body,) = bodies(llm_server)
    given = {name: body[name] for name in ("temperature", "top_p", "max_tokens", "reasoning_effort", "seed")}
    assert given == {"temperature": 0.1, "top_p": 0.9, "max_tokens": 7, "reasoning_effort": "low", "seed": 1}
    assert words(body) == ["Be brief.", "hi"]


@pytest.mark.parametrize("wrong", [{"temprature": 1}, {"timeout_s": 0}, {"max_tokens": 0}, {"max_rounds": 0}])
def test_a_wrong_option_is_refused_at_construction(wrong: CallOptions, settings: Settings) -> None:
    with pytest.raises(InvalidInput):
        LLM(MODEL, settings=settings(), **wrong)


async def test_an_empty_prompt_is_refused(llm_server: LLMockServer, settings: Settings) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        with pytest.raises(InvalidInput, match="empty"):
            await llm.complete("  ")
    assert bodies(llm_server) == []


# conversation


async def test_a_conversation_goes_on(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says("Hello Ada.", "Ada."))
    async with LLM(MODEL, settings=settings(), system="Be kind.") as llm:
        await llm.complete("I'm Ada.")
        await llm.complete("Who am I?")
        assert [message.content for message in llm.history] == ["I'm Ada.", "Hello Ada.", "Who am I?", "Ada."]
    assert words(bodies(llm_server)[1]) == ["Be kind.", "I'm Ada.", "Hello Ada.", "Who am I?"]


async def test_reset_forgets_the_conversation_but_not_its_cost(
    llm_server: LLMockServer, settings: Settings
) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        await llm.complete("I'm Ada.")
        llm.reset()
        assert llm.history == ()
        await llm.complete("Who am I?")
        assert llm.usage.calls == 2
    assert words(bodies(llm_server)[1]) == ["Who am I?"]


async def test_concurrent_calls_do_not_mix(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Delay(0.2, times=2))
    async with LLM(MODEL, settings=settings()) as llm:
        await asyncio.gather(llm.complete("first"), llm.complete("second"))
        asked = [message.content for message in llm.history[::2]]
        assert [message.role for message in llm.history] == ["user", "assistant"] * 2
    assert sorted(asked) == ["first", "second"]
    assert sorted(words(body) for body in bodies(llm_server)) == [["first"], ["second"]]


async def test_a_failed_call_leaves_the_history_unchanged(
    llm_server: LLMockServer, settings: Settings
) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        await llm.complete("I'm Ada.")
        before = llm.history
        script(llm_server, Fail(400))
        with pytest.raises(RequestRejected):
            await llm.complete("again")
        script(llm_server, StreamFault("truncate", after_chunks=3))
        with pytest.raises(BrokenReply):
            [part async for part in llm.stream("again")]
        assert llm.history == before


async def test_a_cancelled_call_leaves_the_history_unchanged(
    llm_server: LLMockServer, settings: Settings
) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        await llm.complete("I'm Ada.")
        before = llm.history
        script(llm_server, Delay(5))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await llm.complete("again")
        assert llm.history == before
        await llm.complete("once more")
        assert len(llm.history) == 4


# streams


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_ends_with_the_whole_answer(
    provider: str, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("one two three four"))
    async with LLM(f"{provider}:m1", settings=settings()) as llm:
        parts = [part async for part in llm.stream("count")]
        last = parts[-1].completion
        assert llm.history[-1].content == "one two three four"
    assert last is not None
    assert [part.completion for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert "".join(part.text for part in parts) == last.text == "one two three four"
    assert len(parts) > 3
    assert last.usage.output_tokens == 4


async def test_the_first_part_comes_before_the_last_byte(
    llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, *says("one two"), StreamFault("stall", after_chunks=2, stall_seconds=1))
    async with LLM(MODEL, settings=settings()) as llm:
        begun = time.perf_counter()
        arrived = [(part.text, time.perf_counter() - begun) async for part in llm.stream("count")]
    assert arrived[0][0] == "one "
    assert arrived[-1][1] - arrived[0][1] > 0.5


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_leaving_a_stream_closes_its_connection(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(stream(SHAPES[provider].events(("one", "two")), between_s=1.5))
    async with LLM(f"{provider}:m1", settings=own_settings()) as llm:
        async with aclosing(llm.stream("count")) as parts:
            async for _ in parts:
                break
        assert await asyncio.to_thread(own.requests[0].left.wait, 5)
        assert llm.history == ()


async def test_a_stream_of_one_question(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, *says("one two"))
    texts = [part.text async for part in stream_once("count", model=MODEL, settings=settings())]
    assert "".join(texts) == "one two"


# retries, fallbacks, deadlines


async def test_retries_are_visible_in_the_answer(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Fail(429, retry_after=0.2), Fail(503, retry_after=0))
    async with LLM(MODEL, settings=settings()) as llm:
        answer = await llm.complete("hi")
    assert [(each.error, each.status) for each in answer.attempts] == [
        ("RateLimited", 429),
        ("Overloaded", 503),
        ("", None),
    ]
    assert answer.attempts[1].waited_ms >= 200
    assert answer.usage.calls == 3


async def test_the_next_model_answers_when_one_fails(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Fail(503, retry_after=0, times=None, match=Match(provider="openai")))
    async with LLM(MODEL, settings=settings(attempts=1, fallback_models=("anthropic:m2",))) as llm:
        answer = await llm.complete("hi")
    assert answer.model == "anthropic:m2"
    assert [each.model for each in answer.attempts] == [MODEL, "anthropic:m2"]


async def test_a_call_ends_at_its_deadline(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Delay(3))
    async with LLM(MODEL, settings=settings()) as llm:
        begun = time.perf_counter()
        with pytest.raises(ModelTimeout):
            await llm.complete("hi", timeout_s=0.3)
        assert time.perf_counter() - begun < 1.3


async def test_a_pool_is_shared_bounded_and_closed(own: OwnServer, own_settings: Settings) -> None:
    own.always(reply(SHAPES["openai"].reply("ok"), before_s=0.05))
    before = own.connections
    async with LLM(MODEL, settings=own_settings(max_connections=2)) as llm:
        await asyncio.gather(*(llm.complete("hi") for _ in range(8)))
    assert 1 <= own.connections - before <= 2
    await asyncio.sleep(0.2)
    assert own.open_connections == 0


# usage


async def test_the_ledger_counts_by_task_user_and_model(llm_server: LLMockServer, settings: Settings) -> None:
    prices = {MODEL: Price(input_usd=1.0, output_usd=10.0)}
    script(llm_server, *says("12345678", "1234", "1234"))
    async with LLM(MODEL, settings=settings(prices=prices), user="ada") as llm:
        await llm.complete("x" * 40, task="sums")
        llm.reset()
        await llm.complete("x" * 40, task="sums")
        llm.reset()
        await llm.complete("x" * 40, user="ben")
        spent = {(entry.task, entry.user): entry.usage for entry in llm.ledger}
        assert llm.usage.calls == 3
    assert {label: usage.calls for label, usage in spent.items()} == {("sums", "ada"): 2, ("", "ben"): 1}
    assert (spent["sums", "ada"].input_tokens, spent["sums", "ada"].output_tokens) == (20, 3)
    assert spent["sums", "ada"].cost_usd == pytest.approx(50e-6)


async def test_a_hard_budget_refuses_before_anything_is_sent(
    llm_server: LLMockServer, settings: Settings
) -> None:
    async with LLM(MODEL, settings=settings(budget_tokens=50)) as llm:
        with pytest.raises(BudgetExceeded):
            await llm.complete("x" * 400)
    assert bodies(llm_server) == []


async def test_failed_calls_cost_too(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Fail(503, retry_after=0, times=None))
    async with LLM(MODEL, settings=settings(attempts=2)) as llm:
        with pytest.raises(Overloaded) as caught:
            await llm.complete("hi")
        assert caught.value.calls == llm.usage.calls == 2


async def test_latencies_are_kept_by_task_and_model(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Delay(0.1, times=2), Fail(503, retry_after=0))
    async with LLM(MODEL, settings=settings()) as llm:
        await llm.complete("hi", task="greet")
        (line,) = llm.latencies()
    assert (line.task, line.model, line.calls, line.errors, line.retries) == ("greet", MODEL, 1, 0, 1)
    assert line.p95_ms >= 100


# models, keys, settings


def test_without_a_key_the_error_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match=r"no model is configured.*OPENAI_API_KEY.*XAI_API_KEY"):
        LLM()


def test_the_first_provider_with_a_key_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "k")
    assert LLM().model == "grok:grok-4.3"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    assert LLM().model.startswith("anthropic:")


def test_arguments_go_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("HMLR_LLM_TIMEOUT_S", "7")
    assert LLM().settings.timeout_s == 7
    assert LLM(settings=LLMSettings.load(timeout_s=3)).settings.timeout_s == 3


def test_a_bad_setting_is_an_error_at_construction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("HMLR_LLM_TIMEOUT_S", "soon")
    with pytest.raises(ConfigurationError, match="timeout_s"):
        LLM()


async def test_two_clients_with_two_settings(llm_server: LLMockServer, settings: Settings) -> None:
    hot, cold = LLM(MODEL, settings=settings(seed=1)), LLM(MODEL, settings=settings(seed=2))
    async with hot, cold:
        await hot.complete("hi")
        await cold.complete("hi")
    assert [body["seed"] for body in bodies(llm_server)] == [1, 2]


@pytest.mark.parametrize("model", ["llama3.1:8b", "openai:llama3.1:8b"])
async def test_a_compatible_server_needs_no_key(model: str, own: OwnServer) -> None:
    async with LLM(model, base_url=own.base_url("openai")) as llm:
        assert (await llm.complete("hi")).text == "ok"
    assert own.requests[0].json["model"] == "llama3.1:8b"


async def test_a_key_of_the_environment_does_not_go_to_a_named_server(
    own: OwnServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    await complete("hi", model="m1", base_url=own.base_url("openai"))
    await complete("hi", model="m1", base_url=own.base_url("openai"), api_key="given")
    assert [each.headers["authorization"] for each in own.requests] == ["Bearer none", "Bearer given"]


def test_a_base_url_without_a_model_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="model"):
        LLM(base_url="http://localhost:1")


# lifecycle


async def test_a_closed_client_refuses_calls(settings: Settings) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        pass
    await llm.aclose()
    with pytest.raises(ClosedError):
        await llm.complete("hi")


async def test_closing_ends_calls_under_way(llm_server: LLMockServer, settings: Settings) -> None:
    async with LLM(MODEL, settings=settings()) as llm:
        await llm.complete("hi", timeout_s=5)  # the SDK is loaded
        script(llm_server, Delay(3, times=None))
        call = asyncio.create_task(llm.complete("hi"))
        await asyncio.sleep(0.3)
    begun = time.perf_counter()
    with pytest.raises(ClosedError):
        await call
    assert time.perf_counter() - begun < 1
    assert len(llm.history) == 2


def test_another_event_loop_is_refused(llm_server: LLMockServer, settings: Settings) -> None:
    llm = LLM(MODEL, settings=settings())
    with asyncio.Runner() as own, asyncio.Runner() as other:
        own.run(llm.complete("hi"))
        with pytest.raises(ClosedError, match="event loop"):
            other.run(llm.complete("hi"))
        own.run(llm.aclose())
