"""Batches over HTTP: bounded, in order, and three ways to take an error."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from llmock.scenarios import Delay, Fail, Reply
from llmock.testing import LLMockServer
from pydantic import BaseModel

from hmlr.errors import InvalidInput, Overloaded, RequestRejected
from hmlr.llm import batch_complete
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, Received, ok, reply
from tests.llm.play import bodies, script
from tests.llm.shapes import SHAPES

MODEL = "openai:m1"


class Number(BaseModel):
    """A number."""

    number: int


def echo(received: Received) -> Answer:
    """Answer with the prompt, later prompts sooner; refuse those that say "bad"."""
    prompt = received.json["messages"][-1]["content"]
    if "bad" in prompt:
        return Answer(status=400)
    return reply(SHAPES["openai"].reply(prompt), before_s=0.3 / (1 + len(prompt)))


async def test_results_keep_the_order_of_the_prompts(own: OwnServer, own_settings: Settings) -> None:
    own.always(echo)
    prompts = ["x" * length for length in range(1, 13)]
    results = await batch_complete(prompts, model=MODEL, settings=own_settings(), concurrency=6)
    assert [result.text for result in results] == prompts
    assert [result.index for result in results] == list(range(12))


async def test_so_many_at_a_time_and_no_more(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Delay(0.2, times=None))
    await batch_complete(["hi"] * 12, model=MODEL, settings=settings(), concurrency=4)
    records = llm_server.state.journal.records(wait=2.0)
    running = [
        sum(other.started_at <= each.started_at < other.ended_at for other in records) for each in records
    ]
    assert len(records) == 12
    assert max(running) == 4


async def test_the_first_error_ends_the_batch(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Fail(400), Delay(5, times=None))
    begun = time.perf_counter()
    with pytest.raises(RequestRejected):
        await batch_complete(["hi"] * 50, model=MODEL, settings=settings(), concurrency=5)
    assert time.perf_counter() - begun < 4
    await asyncio.sleep(0.1)
    assert len(bodies(llm_server)) <= 5


async def test_an_error_in_its_place(own: OwnServer, own_settings: Settings) -> None:
    own.always(echo)
    results = await batch_complete(
        ["a", "bad", "c"], model=MODEL, settings=own_settings(), on_error="continue"
    )
    assert [result.ok for result in results] == [True, False, True]
    assert isinstance(results[1].error, RequestRejected)
    with pytest.raises(RequestRejected):
        _ = results[1].text


async def test_errors_left_out(own: OwnServer, own_settings: Settings) -> None:
    own.always(echo)
    results = await batch_complete(["a", "bad", "c"], model=MODEL, settings=own_settings(), on_error="skip")
    assert [(result.index, result.text) for result in results] == [(0, "a"), (2, "c")]


async def test_progress_is_told_after_each_prompt(own: OwnServer, own_settings: Settings) -> None:
    own.always(echo)
    seen: list[tuple[int, int]] = []
    await batch_complete(
        ["a", "bad", "c"],
        model=MODEL,
        settings=own_settings(),
        on_error="skip",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


async def test_a_form_for_each(llm_server: LLMockServer, settings: Settings) -> None:
    script(llm_server, Reply(text='{"number": 4}', times=None))
    results = await batch_complete(
        ["two and two", "one and three"], model=MODEL, settings=settings(), response_format=Number
    )
    assert [result.value for result in results] == [Number(number=4)] * 2


async def test_prompts_do_not_see_each_other(own: OwnServer, own_settings: Settings) -> None:
    await batch_complete(["a", "b"], model=MODEL, settings=own_settings(), concurrency=1, system="Be brief.")
    assert [len(each.json["messages"]) for each in own.requests] == [2, 2]


async def test_no_prompts_no_results(settings: Settings) -> None:
    assert await batch_complete([], model=MODEL, settings=settings()) == []


@pytest.mark.parametrize("wrong", [{"concurrency": 0}, {"on_error": "ignore"}, {"prompts": ["a", " "]}])
async def test_a_wrong_argument_is_refused_before_anything_is_sent(
    wrong: dict[str, Any], llm_server: LLMockServer, settings: Settings
) -> None:
    with pytest.raises(InvalidInput):
        await batch_complete(**{"prompts": ["a"], "model": MODEL, "settings": settings(), **wrong})
    assert bodies(llm_server) == []


async def test_a_cancelled_batch_closes_its_connections(own: OwnServer, own_settings: Settings) -> None:
    own.always(lambda received: reply(SHAPES["openai"].reply("late"), before_s=30))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            await batch_complete(["a"] * 4, model=MODEL, settings=own_settings(), concurrency=4)
    assert all([await asyncio.to_thread(each.left.wait, 5) for each in own.requests])


async def test_a_failing_model_is_retried_before_it_counts(own: OwnServer, own_settings: Settings) -> None:
    own.script(Answer(status=503), ok)
    (result,) = await batch_complete(["a"], model=MODEL, settings=own_settings())
    assert [attempt.error for attempt in result.completion.attempts] == [Overloaded.__name__, ""]  # type: ignore[union-attr]
