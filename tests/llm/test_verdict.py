"""llmock's own verdict on our client is clean, for every provider it speaks for (issue 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest
from llmock.chaos import StreamChaos
from llmock.ratelimit import LimitSettings
from llmock.scenarios import Behavior, Fail, Match, StreamFault
from llmock.testing import LLMockServer
from llmock.verdict import Verdict, judge

from hmlr.errors import ContextTooLong, ModelError, ModelTimeout, Overloaded
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.shapes import PROVIDERS

pytestmark = pytest.mark.faults


# llmock's names; its default wait after 429, 503, 504 and 529 is a second, so all are asked at once.
MATCHES = {name: Match(provider={"grok": "xai"}.get(name, name)) for name in PROVIDERS}
# Events of a stream until its first word has been sent.
WORD_AFTER = {"openai": 3, "grok": 3, "anthropic": 4, "gemini": 1}


def verdict(server: LLMockServer) -> Verdict:
    return judge(server.state.journal.records(wait=2.0))


def script(server: LLMockServer, *behaviors: Behavior) -> None:
    server.state.scenarios.add(*behaviors)


RECOVERING: dict[str, Sequence[Fail]] = {
    "a rate limit": [Fail(429, retry_after=0.2)],
    "two rate limits": [Fail(429, retry_after=0.2, times=2)],
    **{f"status {status}": [Fail(status)] for status in (408, 409, 500, 502)},
    **{f"status {status}, asks to wait": [Fail(status, retry_after=0.2)] for status in (503, 504, 529)},
    "two failures": [Fail(500), Fail(502)],
}


@pytest.mark.parametrize("name", RECOVERING)
@pytest.mark.parametrize("how", [ask, listen])
async def test_a_passing_fault(
    name: str, how: Callable[..., Awaitable[object]], llm_server: LLMockServer, settings: Settings
) -> None:
    for match in MATCHES.values():
        script(llm_server, *(replace(fault, match=match) for fault in RECOVERING[name]))

    await asyncio.gather(*(how(provider, settings(backoff_s=0.1)) for provider in PROVIDERS))

    found = verdict(llm_server)
    found.assert_ok(strict=True)
    assert (len(found.calls), found.attempts - found.faults) == (4, 4)
    assert found.faults >= 4


@pytest.mark.parametrize("how", [ask, listen])
async def test_an_outage(
    how: Callable[..., Awaitable[object]], llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, Fail(500, times=None))
    calls = (how(provider, settings(backoff_s=0.1, attempts=4)) for provider in PROVIDERS)

    errors = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(error) for error in errors] == [Overloaded] * 4
    verdict(llm_server).assert_ok(strict=True)
    assert verdict(llm_server).attempts == 16


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_no_retry_can_fix(
    provider: str, status: int, llm_server: LLMockServer, settings: Settings
) -> None:
    script(llm_server, Fail(status, times=None))

    for how, text in ((ask, "a call"), (listen, "a stream")):
        with pytest.raises(ModelError):
            await how(provider, settings(), question(text))

    verdict(llm_server).assert_ok(strict=True)
    assert verdict(llm_server).attempts == 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_context_that_overflows(provider: str, llm_server: LLMockServer, settings: Settings) -> None:
    llm_server.state.limiter.configure(LimitSettings(context_window=10))

    with pytest.raises(ContextTooLong):
        await ask(provider, settings(), question("x " * 500))

    verdict(llm_server).assert_ok(strict=True)
    assert verdict(llm_server).attempts == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed"])
async def test_a_stream_that_breaks_before_its_first_word_is_asked_for_again(
    provider: str, kind: str, llm_server: LLMockServer, settings: Settings
) -> None:
    llm_server.state.stream_chaos = StreamChaos(chunk_delay_ms=20)  # that llmock sees us close
    script(llm_server, StreamFault(kind, after_chunks=0))  # type: ignore[arg-type]

    parts = await listen(provider, settings(backoff_s=0.1))

    assert parts[-1].completion is not None
    verdict(llm_server).assert_ok(strict=True)
    assert verdict(llm_server).attempts == 2


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", ["disconnect", "truncate", "malformed"])
async def test_a_stream_that_breaks_later_is_an_error_that_the_caller_can_repeat(
    provider: str, kind: str, llm_server: LLMockServer, settings: Settings
) -> None:
    llm_server.state.stream_chaos = StreamChaos(chunk_delay_ms=20)  # that llmock sees us close
    script(llm_server, StreamFault(kind, after_chunks=WORD_AFTER[provider]))  # type: ignore[arg-type]

    with pytest.raises(ModelError) as caught:
        await listen(provider, settings())
    assert caught.value.retryable
    await asyncio.sleep(0.1)
    parts = await listen(provider, settings())

    assert parts[-1].completion is not None
    verdict(llm_server).assert_ok(strict=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_that_stalls(provider: str, llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, StreamFault("stall", after_chunks=2, stall_seconds=5, times=None))
    begun = time.monotonic()

    with pytest.raises(ModelTimeout):
        await listen(provider, settings(read_timeout_s=0.3, backoff_s=0.1))

    assert time.monotonic() - begun < 2.5
    verdict(llm_server).assert_ok(strict=True)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_many_calls_under_a_quota(provider: str, llm_server: LLMockServer, settings: Settings) -> None:
    llm_server.state.limiter.configure(LimitSettings(rpm=600))
    script(llm_server, Fail(429, retry_after=0.1, times=5), Fail(500, times=3))

    async with gateway(provider, settings(attempts=10, backoff_s=0.05)) as opened:
        answers = await asyncio.gather(*(opened.complete(question(f"q{n}")) for n in range(30)))

    assert len(answers) == 30
    assert verdict(llm_server).faults == 8
    verdict(llm_server).assert_ok(strict=True)
