"""An embedder that never returns costs its caller the deadline, a thread, and nobody else anything."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr.errors import ClosedError, EmbedderError
from hmlr.memory.embeddings import EmbedderSpec, EmbeddingService
from hmlr.memory.embeddings.port import Said
from hmlr.memory.embeddings.workers import MAX_LOST

pytestmark = [pytest.mark.anyio, pytest.mark.alone]


class Hanging:
    """Hangs on texts that say so until it is let go."""

    model_id, dim = "hanging", 2

    def __init__(self) -> None:
        self.go = threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if "hang" in texts:
            assert self.go.wait(15)
        return np.tile(np.array([1, 0], np.float32), (len(texts), 1))


@pytest.fixture
def model() -> Hanging:
    return Hanging()


@pytest.fixture
async def service(model: Hanging) -> AsyncIterator[EmbeddingService]:
    spec = EmbedderSpec(model_id="hanging", dim=2, load=lambda: model)
    opened = EmbeddingService(spec, timeout_s=0.1, batch_timeout_s=0.4)
    yield opened
    await opened.aclose()
    model.go.set()


async def took(service: EmbeddingService, text: str = "hang", *, batch: bool = False) -> float:
    """How long a call took until it was given up."""
    begun = time.monotonic()
    call = service.encode([Said(text=text)]) if batch else service.ask(text)
    with pytest.raises(EmbedderError, match="hanging has"):
        await call
    return time.monotonic() - begun


async def test_a_question_and_a_batch_have_their_own_deadline(service: EmbeddingService):
    assert 0.1 <= await took(service) < 0.3
    assert 0.4 <= await took(service, batch=True) < 0.8


async def test_a_thread_that_is_held_is_replaced(service: EmbeddingService):
    await took(service)
    rows = await asyncio.gather(*(service.embed([f"text {n}"]) for n in range(4)))
    assert [row.shape for row in rows] == [(1, 2)] * 4


async def test_when_too_many_are_held_nothing_is_tried_until_one_returns(
    service: EmbeddingService, model: Hanging
):
    await asyncio.gather(*(took(service) for _ in range(MAX_LOST)))
    assert await took(service, "another") < 0.05
    threads = threading.active_count()
    await asyncio.gather(*(took(service) for _ in range(20)))
    assert threading.active_count() == threads
    model.go.set()
    while threading.active_count() > threads - MAX_LOST:
        await asyncio.sleep(0.005)
    assert (await service.embed(["another"])).shape == (1, 2)


async def test_calls_that_nobody_waits_for_any_more_hold_up_no_others(service: EmbeddingService):
    calls = [asyncio.create_task(service.embed(["hang"])) for _ in range(2)]
    await asyncio.sleep(0.02)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0.1)
    assert await took(service, "another") < 0.05  # both are written off, though nobody saw them end


async def test_a_load_that_hangs_is_given_up_and_found_when_it_is_done(model: Hanging):
    def load() -> Hanging:
        assert model.go.wait(15)
        return model

    service = EmbeddingService(EmbedderSpec(model_id="hanging", dim=2, load=load), timeout_s=0.1)
    await asyncio.gather(took(service, "text"), took(service, "text"), took(service, "text"))
    model.go.set()
    while True:
        try:
            rows = await service.embed(["text"])
        except EmbedderError:
            await asyncio.sleep(0.01)
        else:
            break
    assert rows.shape == (1, 2)
    await service.aclose()
    with pytest.raises(ClosedError):
        await service.embed(["text"])


# The first call is overdue; the process ends all the same, and waits for the second, which is in work.
PROGRAM = """
import asyncio, os, time
import numpy as np
from hmlr.errors import EmbedderError
from hmlr.memory.embeddings import EmbedderSpec, EmbeddingService
from hmlr.memory.embeddings.port import Said

class Model:
    model_id, dim = "m", 2
    def embed(self, texts):
        if texts == ["hang"]:
            time.sleep(60)
        time.sleep(0.3)
        os.write(1, b"whole")
        return np.zeros((len(texts), 2), np.float32)

async def main():
    spec = EmbedderSpec(model_id="m", dim=2, load=Model)
    service = EmbeddingService(spec, timeout_s=0.1, batch_timeout_s=9)
    try:
        await service.embed(["hang"])
    except EmbedderError:
        call = asyncio.create_task(service.encode([Said(text="text")]))
        await asyncio.sleep(0.05)
        await service.aclose()

asyncio.run(main())
"""


def test_a_process_ends_though_a_call_hangs_and_lets_finish_what_does_not():
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=18, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "whole", "")
    assert time.monotonic() - begun < 15
