"""Streams come as they are spoken, end the connection when they are left, and tell their cost (L7)."""

from __future__ import annotations

import asyncio
import gc
import time
from contextlib import aclosing

import pytest

from tests.llm.asking import gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import OwnServer, Received, stream
from tests.llm.shapes import PROVIDERS, SHAPES, TOKENS


def spoken(received: Received) -> object:
    """Ten words in half a second."""
    words = [f"{number} " for number in range(10)]
    return stream(SHAPES[received.provider].events(words), between_s=0.06, tokens=TOKENS)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_first_part_comes_before_the_last_byte(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(spoken)  # type: ignore[arg-type]
    begun = time.monotonic()

    async with gateway(provider, own_settings()) as opened:
        parts = opened.stream(question())
        async with aclosing(parts):  # type: ignore[type-var]
            first = await anext(parts)
            first_at = time.monotonic() - begun
            rest = [part async for part in parts]

    assert first.text == "0 "
    assert first_at < 0.45
    assert time.monotonic() - begun > 0.54
    assert "".join(part.text for part in [first, *rest]) == "0 1 2 3 4 5 6 7 8 9 "


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_last_part_carries_the_whole_and_its_cost(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    parts = await listen(provider, own_settings())

    completion = parts[-1].completion
    assert completion is not None
    assert [part.completion for part in parts[:-1]] == [None] * (len(parts) - 1)
    assert (completion.text, parts[-1].text) == ("ok", "")
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == own.told == TOKENS


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("way", ["left", "cancelled"])
async def test_who_stops_listening_closes_the_connection(
    provider: str, way: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(spoken)  # type: ignore[arg-type]

    async with gateway(provider, own_settings()) as opened:
        heard = asyncio.Event()

        async def listening() -> None:
            async with aclosing(opened.stream(question())) as parts:  # type: ignore[type-var]
                async for _ in parts:
                    heard.set()
                    if way == "left":
                        return

        task = asyncio.create_task(listening())
        await heard.wait()
        if way == "cancelled":
            task.cancel()
        await asyncio.wait({task})
        await asyncio.to_thread(own.requests[0].left.wait, 2)

        assert own.requests[0].left.is_set()
        assert opened.ledger.spent.calls == 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_that_was_left_leaves_nothing_to_the_garbage_collector(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(spoken)  # type: ignore[arg-type]
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async with gateway(provider, own_settings()) as opened:
        async with aclosing(opened.stream(question())) as parts:  # type: ignore[type-var]
            await anext(parts)
        gc.collect()
        await asyncio.sleep(0.05)

    assert complaints == []


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_cancelled_call_closes_the_connection(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(spoken)  # type: ignore[arg-type]

    async with gateway(provider, own_settings()) as opened:
        task = asyncio.create_task(opened.complete(question()))
        while not own.requests:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.to_thread(own.requests[0].left.wait, 2)

        assert task.cancelled()
        assert own.requests[0].left.is_set()


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_after_a_stream_was_left_the_next_call_works(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.script(spoken)  # type: ignore[arg-type]

    async with gateway(provider, own_settings(max_connections=1)) as opened:
        async with aclosing(opened.stream(question())) as parts:  # type: ignore[type-var]
            await anext(parts)
        assert (await opened.complete(question())).text == "ok"
