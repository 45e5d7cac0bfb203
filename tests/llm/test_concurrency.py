"""Many calls at once cost little more than by the bare SDK, and no thread (L1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.llm import PATHS, measure, server, started_threads
from tests.faults.figures import FULL, figure
from tests.llm.asking import gateway, question
from tests.llm.conftest import Settings
from tests.llm.own_server import OwnServer
from tests.llm.shapes import PROVIDERS

CALLS = figure(50, 200)
MOST = 1.25
TRIES = 3  # a busy machine disturbs a try; an overhead of ours disturbs them all


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server in its own process that takes 200 ms."""
    with server(0.2) as port:
        yield port


@pytest.mark.alone
@pytest.mark.timeout(120 if FULL else 40)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_calls_at_once_take_little_longer_than_by_the_bare_sdk(provider: str, port: int) -> None:
    url = f"http://127.0.0.1:{port}{PATHS[provider]}"
    ratios = []
    for _ in range(TRIES):
        measured = await measure(provider, url, calls=CALLS, rounds=figure(2, 5))
        ratios.append(measured["ours"].wall_s / measured["bare"].wall_s)
        if ratios[-1] <= MOST:
            break

    assert min(ratios) <= MOST


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_no_thread_is_started_for_a_call(provider: str, own: OwnServer, own_settings: Settings) -> None:
    async with gateway(provider, own_settings()) as opened:
        await opened.complete(question())  # imports the SDK and looks at the platform, once

        with started_threads() as started:
            await asyncio.gather(*(opened.complete(question()) for _ in range(CALLS)))
            _ = [part async for part in opened.stream(question())]

    assert started == []
