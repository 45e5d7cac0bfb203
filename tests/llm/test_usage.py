"""What the server counted is what the ledger holds, to the token, and a hard budget holds (X18, L16)."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

from hmlr.errors import BudgetExceeded, ConfigurationError, ModelError
from hmlr.llm.gateway import Gateway
from hmlr.llm.records import ChatRequest, Options
from hmlr.llm.settings import Price
from hmlr.llm.structured import schema_of, structured
from tests.faults.figures import FULL, figure
from tests.llm.asking import ask, gateway, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, Received, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES, sse

pytestmark = pytest.mark.faults


class Verdict(BaseModel):
    """A structured answer."""

    good: bool


def whole_answers(received: Received, tokens: tuple[int, int]) -> list[Answer]:
    """Good and bad answers that tell their cost, and some that tell none."""
    shape = SHAPES[received.provider]
    wrong = json.loads(shape.reply(tokens=tokens))
    (name,) = {"choices", "content", "candidates"} & wrong.keys()
    return [
        reply(shape.reply('{"good": true}', tokens=tokens), tokens=tokens),
        reply(shape.reply('{"good": "perhaps"}', tokens=tokens), tokens=tokens),
        reply(shape.reply('{"good": tr', finish="length", tokens=tokens), tokens=tokens),
        reply(shape.reply("no", finish="refused", tokens=tokens), tokens=tokens),
        reply(shape.reply(None, tokens=tokens), tokens=tokens),
        reply(json.dumps({**wrong, name: "broken"}).encode(), tokens=tokens),
        reply(shape.error(503), status=503),
        reply(shape.error(429), status=429, headers={"retry-after": "0"}),
        Answer(raw=b"", end="reset"),
        reply(b"{}"),
    ]


def streams(received: Received, tokens: tuple[int, int]) -> list[Answer]:
    """Streams that end well, break after they told their cost, and break before."""
    events = SHAPES[received.provider].events(tokens=tokens)
    by_then = (tokens[0], 0) if received.provider == "anthropic" else (0, 0)
    return [
        stream(events, tokens=tokens),
        stream([*events[:-1], sse("{broken")], tokens=tokens if received.provider != "gemini" else (0, 0)),
        stream(events[:3] if received.provider != "gemini" else events[:1], end="close", tokens=by_then),
        stream(events[:-1] if received.provider != "gemini" else events, end="reset", tokens=tokens),
        reply(SHAPES[received.provider].error(500), status=500),
    ]


def by_label(own: OwnServer) -> Mapping[str, tuple[int, int, int]]:
    """Requests and tokens as the server counted them, by the label within the prompt."""
    sums: dict[str, Counter[str]] = {}
    for received in own.requests:
        label = next(word for word in ("a:u1", "a:u2", "b:u1", "b:u2") if word.encode() in received.body)
        sums.setdefault(label, Counter()).update(calls=1, input=received.tokens[0], output=received.tokens[1])
    return {label: (count["calls"], count["input"], count["output"]) for label, count in sums.items()}


async def anyhow(opened: Gateway, request: ChatRequest, way: int) -> None:
    """One call of one of three kinds; whether it fails is not the question."""
    try:
        if way == 0:
            await opened.complete(request)
        elif way == 1:
            _ = [part async for part in opened.stream(request)]
        else:
            await structured(opened.complete, request, Verdict.model_validate_json, attempts=3)
    except ModelError:
        pass


@pytest.mark.timeout(600 if FULL else 20)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_ledger_holds_what_the_server_counted(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    chance = random.Random(provider)

    def any_answer(received: Received) -> Answer:
        tokens = chance.randrange(1, 500), chance.randrange(1, 300)
        return chance.choice((streams if received.streams else whole_answers)(received, tokens))

    own.always(any_answer)
    async with gateway(provider, own_settings(backoff_s=0.001)) as opened:
        for number in range(figure(90, 3000)):
            task, user = chance.choice("ab"), chance.choice(["u1", "u2"])
            asked = question(f"{task}:{user}", task=task, user=user, output=schema_of(Verdict))
            await anyhow(opened, asked, number % 3)

        spent = opened.ledger.spent
        entries = {
            f"{entry.task}:{entry.user}": (
                entry.usage.calls,
                entry.usage.input_tokens,
                entry.usage.output_tokens,
            )
            for entry in opened.ledger.entries()
        }
        assert (spent.input_tokens, spent.output_tokens) == own.told
        assert spent.calls == len(own.requests)
        assert entries == by_label(own)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failed_call_tells_what_it_cost(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    body = SHAPES[provider].reply(None, tokens=(70, 30))
    own.always(reply(body, tokens=(70, 30)))

    with pytest.raises(ModelError) as caught:
        await ask(provider, own_settings())

    assert (caught.value.calls, caught.value.input_tokens, caught.value.output_tokens) == (3, 210, 90)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_answer_tells_the_cost_of_all_its_attempts(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.script(reply(SHAPES[provider].reply(None, tokens=(70, 30)), tokens=(70, 30)))

    answer = await ask(provider, own_settings())

    assert (answer.usage.calls, answer.usage.input_tokens, answer.usage.output_tokens) == (2, 77, 33)
    assert [attempt.usage.input_tokens for attempt in answer.attempts] == [70, 7]


def cached(provider: str) -> bytes:
    """A reply of 1,000 input tokens, 400 of them from the provider's cache, and 100 output tokens."""
    whole: dict[str, Any] = json.loads(SHAPES[provider].reply(tokens=(1000, 100)))
    if provider == "anthropic":
        whole["usage"] |= {"input_tokens": 500, "cache_read_input_tokens": 400}
        whole["usage"]["cache_creation_input_tokens"] = 100
    elif provider == "gemini":
        whole["usageMetadata"]["cachedContentTokenCount"] = 400
    else:
        whole["usage"]["prompt_tokens_details"] = {"cached_tokens": 400}
    return json.dumps(whole).encode()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_money_by_prices_with_cached_tokens_apart(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(reply(cached(provider), tokens=(1000, 100)))
    prices = {f"{provider}:m1": Price(input_usd=2, output_usd=10, cached_input_usd=0.5)}

    async with gateway(provider, own_settings(prices=prices)) as opened:
        answer = await opened.complete(question(user="u"))

        assert answer.usage.cached_tokens == 400
        assert answer.usage.cost_usd == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1_000_000)
        assert opened.ledger.entries(user="u")[0].usage == answer.usage
        assert opened.ledger.entries(user="other") == ()


# 40 characters count as 10 tokens, the answer at most as 5: 15 a call, and so says the server.
ASKED = question("x" * 40, options=Options(max_tokens=5))
COST = (10, 5)


def metered(received: Received) -> Answer:
    return reply(SHAPES[received.provider].reply(tokens=COST), tokens=COST, before_s=0.05)


async def refused(opened: Gateway, calls: int) -> int:
    """How many of some calls at once the budget refuses."""
    outcomes = await asyncio.gather(*(opened.complete(ASKED) for _ in range(calls)), return_exceptions=True)
    return sum(isinstance(outcome, BudgetExceeded) for outcome in outcomes)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("budget", "allowed"), [(14, 0), (15, 1), (16, 1), (89, 5), (90, 6), (91, 6)])
async def test_a_token_budget_refuses_before_sending(
    provider: str, budget: int, allowed: int, own: OwnServer, own_settings: Settings
) -> None:
    own.always(metered)

    async with gateway(provider, own_settings(budget_tokens=budget)) as opened:
        assert await refused(opened, 50) == 50 - allowed
        assert await refused(opened, 1) == 1

    assert len(own.requests) == allowed
    assert sum(own.told) == 15 * allowed <= budget


@pytest.mark.parametrize(("usd", "allowed"), [(0.000_149, 0), (0.000_15, 1), (0.000_91, 6)])
async def test_a_money_budget_refuses_before_sending(
    usd: float, allowed: int, own: OwnServer, own_settings: Settings
) -> None:
    own.always(metered)
    prices = {"openai:m1": Price(input_usd=5, output_usd=20)}

    async with gateway("openai", own_settings(budget_usd=usd, prices=prices)) as opened:
        assert await refused(opened, 50) == 50 - allowed

    assert len(own.requests) == allowed


async def test_a_money_budget_without_a_price_is_refused(own: OwnServer, own_settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="price of openai:m1"):
        await ask("openai", own_settings(budget_usd=1))

    assert own.requests == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_retries_stop_at_the_budget(provider: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(reply(SHAPES[provider].reply(None, tokens=COST), tokens=COST))

    async with gateway(provider, own_settings(budget_tokens=30, attempts=10)) as opened:
        with pytest.raises(BudgetExceeded) as caught:
            await opened.complete(ASKED)

    assert caught.value.calls == len(own.requests) == 2


async def test_a_call_that_failed_without_cost_gives_its_share_back(
    own: OwnServer, own_settings: Settings
) -> None:
    own.script(*[reply(b"no", status=400)] * 5).always(metered)

    async with gateway("openai", own_settings(budget_tokens=15)) as opened:
        for _ in range(5):
            with pytest.raises(ModelError):
                await opened.complete(ASKED)
        assert (await opened.complete(ASKED)).text == "ok"


@pytest.mark.parametrize("ending", ["cancelled", "left"])
async def test_a_call_that_was_broken_off_gives_its_share_back(
    ending: str, own: OwnServer, own_settings: Settings
) -> None:
    async with gateway("openai", own_settings(budget_tokens=15)) as opened:
        await BREAK_OFF[ending](opened, own)
        own.always(metered)
        assert (await opened.complete(ASKED)).text == "ok"


async def cancelled(opened: Gateway, own: OwnServer) -> None:
    own.always(Answer(raw=b"", end="hang"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await opened.complete(ASKED)


async def left(opened: Gateway, own: OwnServer) -> None:
    own.always(stream(SHAPES["openai"].events(), between_s=0.05))
    parts = opened.stream(ASKED)
    assert (await anext(parts)).text == "o"
    await parts.aclose()  # type: ignore[attr-defined]


BREAK_OFF: Mapping[str, Callable[..., Any]] = {"cancelled": cancelled, "left": left}
