"""Limits of our own hold in every minute; keys take turns, and one at its limit rests (L15)."""

from __future__ import annotations

import asyncio
import time

import pytest

from hmlr.errors import RateLimited
from hmlr.llm.records import Options
from tests.llm.asking import ask, gateway, question
from tests.llm.conftest import KEY, Settings
from tests.llm.own_server import Answer, OwnServer, Received, ok, reply
from tests.llm.shapes import PROVIDERS, SHAPES

MINUTE_S = 0.6
KEYS = (KEY, "second-key-0123456789", "third-key-0123456789")


@pytest.fixture
def short_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute lasts a second."""
    monkeypatch.setattr("hmlr.llm.lanes.MINUTE_S", MINUTE_S)


def most_in_a_minute(own: OwnServer) -> int:
    times = [received.at for received in own.requests]
    # ... less what a request may be late at the server
    return max(sum(begin <= at < begin + 0.8 * MINUTE_S for at in times) for begin in times)


@pytest.mark.usefixtures("short_minute")
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_minute_has_more_requests_than_allowed(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    await ask(provider, own_settings())  # an SDK's first call is late at the server
    own.requests.clear()

    async with gateway(provider, own_settings(requests_per_minute=4)) as opened:
        answers = await asyncio.gather(*(opened.complete(question()) for _ in range(10)))

    assert most_in_a_minute(own) == 4
    assert 1.5 * MINUTE_S < own.requests[-1].at - own.requests[0].at < 2.8 * MINUTE_S
    assert max(answer.attempts[0].waited_ms for answer in answers) > 1000 * MINUTE_S


@pytest.mark.usefixtures("short_minute")
async def test_no_minute_has_more_tokens_than_allowed(own: OwnServer, own_settings: Settings) -> None:
    asked = question("x" * 40, options=Options(max_tokens=5))  # about 15 tokens

    async with gateway("openai", own_settings(tokens_per_minute=47, requests_per_minute=100)) as opened:
        await asyncio.gather(*(opened.complete(asked) for _ in range(8)))

    assert most_in_a_minute(own) == 3


async def test_a_question_over_the_limit_of_a_minute_is_asked_alone(
    own: OwnServer, own_settings: Settings
) -> None:
    answer = await ask("openai", own_settings(tokens_per_minute=10), question("x" * 4000))
    assert answer.text == "ok"


async def test_without_room_before_the_deadline_nothing_is_sent(
    own: OwnServer, own_settings: Settings
) -> None:
    async with gateway("openai", own_settings(requests_per_minute=1, timeout_s=0.3)) as opened:
        await opened.complete(question())
        with pytest.raises(RateLimited, match="our own limit"):
            await opened.complete(question())

    assert len(own.requests) == 1


@pytest.mark.usefixtures("short_minute")
async def test_who_stops_waiting_takes_no_share(own: OwnServer, own_settings: Settings) -> None:
    async with gateway("openai", own_settings(requests_per_minute=1)) as opened:
        await opened.complete(question())
        waiting = [asyncio.create_task(opened.complete(question())) for _ in range(3)]
        await asyncio.sleep(0.1)
        for task in waiting[:2]:
            task.cancel()
        begun = time.monotonic()
        await waiting[2]

    assert time.monotonic() - begun < 1.5 * MINUTE_S


def key_of(received: Received) -> str:
    return next(key for key in KEYS if any(key in value for value in received.headers.values()))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_keys_take_turns(provider: str, own: OwnServer, own_settings: Settings) -> None:
    async with gateway(provider, own_settings(extra_keys={provider: KEYS[1:]})) as opened:
        for _ in range(6):
            await opened.complete(question())

    assert [key_of(received) for received in own.requests] == [*KEYS, *KEYS]


def first_key_is_limited(received: Received) -> Answer:
    if key_of(received) != KEYS[0]:
        return ok(received)
    return reply(SHAPES[received.provider].error(429), status=429, headers={"retry-after": "0.5"})


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_limited_key_rests_and_the_next_answers_at_once(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(first_key_is_limited)

    async with gateway(provider, own_settings(extra_keys={provider: KEYS[1:]})) as opened:
        begun = time.monotonic()
        answers = [await opened.complete(question()) for _ in range(5)]
        assert time.monotonic() - begun < 0.5
        assert [len(answer.attempts) for answer in answers] == [2, 1, 1, 1, 1]
        assert [key_of(received) for received in own.requests].count(KEYS[0]) == 1

        await asyncio.sleep(0.5)
        own.always(ok)
        for _ in range(3):
            await opened.complete(question())

    assert KEYS[0] in [key_of(received) for received in own.requests[-3:]]


async def test_when_all_keys_rest_the_call_waits_for_the_first(
    own: OwnServer, own_settings: Settings
) -> None:
    limited = reply(SHAPES["openai"].error(429), status=429, headers={"retry-after": "0.4"})
    own.script(limited, limited, limited)
    begun = time.monotonic()

    answer = await ask("openai", own_settings(attempts=4, extra_keys={"openai": KEYS[1:]}))

    assert [attempt.error for attempt in answer.attempts] == ["RateLimited"] * 3 + [""]
    assert 0.4 <= time.monotonic() - begun < 1
    assert key_of(own.requests[-1]) == KEYS[0]


async def test_a_rest_longer_than_the_cap_is_not_waited_for(own: OwnServer, own_settings: Settings) -> None:
    own.always(reply(SHAPES["openai"].error(429), status=429, headers={"retry-after": "600"}))

    with pytest.raises(RateLimited) as caught:
        await ask("openai", own_settings(extra_keys={"openai": KEYS[1:2]}))

    assert len(own.requests) == 2
    assert (caught.value.retry_after_s or 0) > 500
