"""One layer retries: as the provider asks, else with growing waits, never what can't help (L9, F42, F43)."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest

from hmlr.errors import ContentRefused, ModelError, ModelTimeout, RateLimited, UnknownModel
from hmlr.llm.faults import retry_after_s
from hmlr.llm.records import Completion
from tests.faults.figures import FULL, figure
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, Received, ok, reply
from tests.llm.shapes import PROVIDERS, SHAPES

pytestmark = pytest.mark.faults

SLACK_S = 0.25  # of a busy machine


def failing(status: int, **headers: str) -> Callable[[Received], Answer]:
    """An error in the shape of whoever asks."""
    return lambda received: reply(
        SHAPES[received.provider].error(status),
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def gaps(own: OwnServer) -> list[float]:
    return [after.at - before.at for before, after in pairwise(own.requests)]


@pytest.mark.parametrize("headers", [{"retry_after": "0.3"}, {"retry_after_ms": "300"}])
async def test_retry_after_is_waited_for_and_no_longer(
    headers: dict[str, str], own: OwnServer, own_settings: Settings
) -> None:
    limited: set[str] = set()

    def once(received: Received) -> Answer:
        first = received.provider not in limited
        limited.add(received.provider)
        return (failing(429, **headers) if first else ok)(received)

    own.always(once)

    answers = await asyncio.gather(*(ask(provider, own_settings(backoff_s=5)) for provider in PROVIDERS))

    for provider, answer in zip(PROVIDERS, answers, strict=True):
        first, second = (received.at for received in own.requests if received.provider == provider)
        assert 0.3 <= second - first < 0.3 + SLACK_S
        assert [attempt.error for attempt in answer.attempts] == ["RateLimited", ""]
        assert 300 <= answer.attempts[1].waited_ms < 300 + 1000 * SLACK_S


async def test_gemini_asks_to_wait_in_the_body(own: OwnServer, own_settings: Settings) -> None:
    body = b"""{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.3s"}]}}"""
    own.script(reply(body, status=429))

    await ask("gemini", own_settings(backoff_s=5))

    assert 0.3 <= gaps(own)[0] < 0.3 + SLACK_S


def in_s(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("provider", PROVIDERS)
# The date is made when tests are collected, and a whole run takes minutes until it is used.
@pytest.mark.parametrize("asked", ["90", "600", "1000000000", pytest.param(in_s(86_400), id="tomorrow")])
async def test_who_asks_to_wait_longer_than_the_cap_is_given_up_at_once(
    provider: str, asked: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(failing(429, retry_after=asked))
    begun = time.monotonic()

    with pytest.raises(RateLimited) as caught:
        await ask(provider, own_settings())

    assert time.monotonic() - begun < 1
    assert len(own.requests) == 1
    assert caught.value.retryable  # a background job may come back then
    assert (caught.value.retry_after_s or 0) > 80


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "asked", ["-1", "nan", "inf", "soon", "", "1e999", pytest.param(in_s(-600), id="before")]
)
async def test_an_absurd_wait_is_not_waited_for(
    provider: str, asked: str, own: OwnServer, own_settings: Settings
) -> None:
    own.script(failing(503, retry_after=asked))
    begun = time.monotonic()

    answer = await ask(provider, own_settings())

    assert answer.text == "ok"
    assert time.monotonic() - begun < 1 + SLACK_S


def test_a_date_is_read_as_seconds_from_now() -> None:
    assert 58 < (retry_after_s({"retry-after": in_s(60)}) or 0) <= 60
    for absurd in ("Thu, 32 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 99999 00:00:00 GMT", "1 Jan 2026 +9999999"):
        assert retry_after_s({"retry-after": absurd}) is None


FIRST_S = 0.06
FAILURES: dict[str, Callable[[Received], Answer]] = {
    **{str(status): failing(status) for status in (500, 503, 529, 429)},
    "reset": lambda _: Answer(raw=b"", end="reset"),
    "close": lambda _: Answer(raw=b"", end="close"),
    "junk": lambda _: reply(b"{}"),
}


@pytest.mark.parametrize("name", FAILURES)
async def test_waits_double_with_jitter(name: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(FAILURES[name])
    settings = own_settings(attempts=4, backoff_s=FIRST_S)

    errors = await asyncio.gather(
        *(ask(provider, settings) for provider in PROVIDERS), return_exceptions=True
    )

    assert [error.calls for error in errors if isinstance(error, ModelError)] == [4] * 4
    all_gaps = []
    for provider in PROVIDERS:
        times = [received.at for received in own.requests if received.provider == provider]
        waits = [after - before for before, after in pairwise(times)]
        for number, wait in enumerate(waits):
            least = FIRST_S * 2**number
            assert least <= wait < least + FIRST_S / 2 + SLACK_S
        assert waits == sorted(waits)
        all_gaps += [wait - FIRST_S * 2**number for number, wait in enumerate(waits)]
    assert max(all_gaps) - min(all_gaps) > 0.003  # jitter


async def test_no_wait_is_longer_than_the_cap(own: OwnServer, own_settings: Settings) -> None:
    own.always(failing(503))

    with pytest.raises(ModelError):
        await ask("openai", own_settings(attempts=5, backoff_s=0.1, backoff_cap_s=0.15))

    assert max(gaps(own)) < 0.15 + SLACK_S


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 422, 451])
async def test_what_the_client_got_wrong_is_tried_once(
    provider: str, status: int, own: OwnServer, own_settings: Settings
) -> None:
    own.always(failing(status, retry_after="0"))

    with pytest.raises(ModelError) as caught:
        await ask(provider, own_settings(attempts=5))

    assert (len(own.requests), caught.value.calls, caught.value.retryable) == (1, 1, False)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_attempt_is_in_the_result(provider: str, own: OwnServer, own_settings: Settings) -> None:
    shape = SHAPES[provider]
    header = {shape.request_id_header: "req-1"}
    own.script(
        reply(shape.error(503), status=503, headers=header),
        Answer(raw=b"", end="reset"),
        reply(b"{}"),
    )

    answer = await ask(provider, own_settings(attempts=4))

    assert [(attempt.error, attempt.status) for attempt in answer.attempts] == [
        ("Overloaded", 503),
        ("Unreachable", None),
        ("BrokenReply", 200),
        ("", None),
    ]
    assert answer.attempts[0].request_id == "req-1"
    assert all(attempt.waited_ms > 0 and attempt.duration_ms > 0 for attempt in answer.attempts)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_is_asked_for_again_until_its_first_word(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.script(failing(503), Answer(raw=b"", end="reset"))

    parts = await listen(provider, own_settings())

    completion = parts[-1].completion
    assert completion is not None
    assert [attempt.error for attempt in completion.attempts] == ["Overloaded", "Unreachable", ""]


@pytest.mark.timeout(600 if FULL else 20)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_requests_at_the_server_are_the_attempts_that_we_count(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    chance = random.Random(provider)
    outcomes = [ok, ok, *FAILURES.values(), failing(400)]

    def any_of_them(received: Received) -> Answer:
        return chance.choice(outcomes)(received)

    own.always(any_of_them)
    calls = figure(40, 1000)

    async with gateway(provider, own_settings(backoff_s=0.001)) as opened:

        async def attempts(streamed: bool) -> int:
            try:
                if not streamed:
                    return len((await opened.complete(question())).attempts)
                parts = [part async for part in opened.stream(question())]
                return len(parts[-1].completion.attempts) if parts[-1].completion else 0
            except ModelError as error:
                return error.calls

        counted = sum([await attempts(streamed=number % 2 == 0) for number in range(calls)])

        assert len(own.requests) == counted == opened.ledger.spent.calls > calls
        assert {received.headers.get("x-stainless-retry-count", "0") for received in own.requests} == {"0"}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_sdk_repeats_a_request_that_timed_out(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(Answer(raw=b"", end="hang"))

    with pytest.raises(ModelTimeout) as caught:
        await ask(provider, own_settings(attempts=2, read_timeout_s=0.1))

    assert len(own.requests) == caught.value.calls == 2


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_retired_model_costs_one_request_and_is_named(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(failing(404))

    with pytest.raises(UnknownModel, match=f"{provider}:m1.*retired"):
        await ask(provider, own_settings(attempts=5))

    assert len(own.requests) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_next_model_answers_and_the_result_names_it(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.script(failing(404), failing(503))

    answer = await ask(provider, own_settings(attempts=1, fallback_models=("grok:m2", "openai:m3")))

    assert answer.model == "openai:m3"
    assert [attempt.model for attempt in answer.attempts] == [f"{provider}:m1", "grok:m2", "openai:m3"]


async def test_a_refusal_is_final(own: OwnServer, own_settings: Settings) -> None:
    own.always(reply(SHAPES["openai"].reply(finish="refused")))

    with pytest.raises(ContentRefused):
        await ask("openai", own_settings(fallback_models=("grok:m2",)))

    assert len(own.requests) == 1


async def test_a_stream_falls_back_before_its_first_word(own: OwnServer, own_settings: Settings) -> None:
    own.script(failing(404))

    parts = await listen("openai", own_settings(fallback_models=("anthropic:m2",)))

    assert isinstance(parts[-1].completion, Completion)
    assert parts[-1].completion.model == "anthropic:m2"
