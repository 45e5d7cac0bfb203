"""A provider that is down for long costs no memory, and is used again as soon as it is back (F45)."""

from __future__ import annotations

import asyncio
import gc
import time
import tracemalloc

import pytest

from hmlr.errors import ModelError, TryLater
from tests.faults.figures import FULL, figure
from tests.llm.asking import gateway, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, Received, ok, reply
from tests.llm.shapes import PROVIDERS, SHAPES

pytestmark = [pytest.mark.faults, pytest.mark.timeout(5400 if FULL else 30)]

LOAD_S = figure(1, 3600 // len(PROVIDERS))
CALLERS = 20
MOST_BYTES = 2_000_000


def down(received: Received) -> Answer:
    """Sometimes an error, sometimes a broken connection."""
    if received.peer % 2:
        return Answer(raw=b"", end="reset")
    return reply(SHAPES[received.provider].error(503), status=503)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_an_outage_under_load(provider: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(down)
    tasks = asyncio.all_tasks()
    settings = own_settings(attempts=2, backoff_s=0.01, backoff_cap_s=0.02)
    async with gateway(provider, settings) as opened:
        until = time.monotonic() + LOAD_S
        failed = 0

        async def caller(end: float) -> None:
            nonlocal failed
            while time.monotonic() < end:
                with pytest.raises(ModelError) as caught:
                    await opened.complete(question("x" * 1000))
                assert isinstance(caught.value, TryLater)
                failed += 1
                own.requests.clear()

        async def load(end: float) -> int:
            await asyncio.gather(*(caller(end) for _ in range(CALLERS)))
            gc.collect()
            return tracemalloc.get_traced_memory()[0]

        tracemalloc.start()
        try:
            before = await load(time.monotonic() + LOAD_S / 4)
            after = await load(until)
        finally:
            tracemalloc.stop()
        more_mb = (after - before) / 1e6
        print(f"F45: {provider}: {failed:,} calls failed in {LOAD_S} s, {more_mb:.2f} MB more held")
        assert failed >= CALLERS
        assert after - before < MOST_BYTES
        assert own.open_connections <= CALLERS

        own.always(ok)
        answers = await asyncio.gather(*(opened.complete(question()) for _ in range(CALLERS)))
        assert {answer.text for answer in answers} == {"ok"}
        assert {len(answer.attempts) for answer in answers} == {1}
        assert asyncio.all_tasks() == tasks
