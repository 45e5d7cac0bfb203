"""EmbeddingService: loads once, never on the loop, believes nothing unchecked, closes without hanging."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr.errors import ClosedError, ConfigurationError, EmbedderError, EmbedderUnavailable
from hmlr.memory.embeddings import Embedder, EmbedderSpec, EmbeddingService, embedder_spec
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.service import RETRY_LOAD_S, SLICE


def spec_of(embedder: Embedder) -> EmbedderSpec:
    return EmbedderSpec(model_id=embedder.model_id, dim=embedder.dim, load=lambda: embedder)


@asynccontextmanager
async def serving(spec: EmbedderSpec | None, **settings: Any) -> AsyncIterator[EmbeddingService]:
    service = EmbeddingService(spec, **settings)
    try:
        yield service
    finally:
        await service.aclose()


class Fixed:
    """Answers whatever it was given."""

    model_id, dim = "fixed", 2

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self.answer  # type: ignore[no-any-return]


class Gated:
    """Holds every call until the gate opens."""

    model_id, dim = "gated", 2

    def __init__(self) -> None:
        self.gate, self.entered = threading.Event(), threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.entered.set()
        assert self.gate.wait(10)
        return np.zeros((len(texts), 2), np.float32)


async def entered(embedder: Gated) -> None:
    while not embedder.entered.is_set():
        await asyncio.sleep(0.005)


async def test_rows_come_in_the_order_of_the_texts() -> None:
    texts = [f"text number {n}" for n in range(2 * SLICE + 3)]
    async with serving(spec_of(HashEmbedder())) as service:
        assert np.array_equal(await service.embed(texts), HashEmbedder().embed(texts))


async def test_no_texts_give_no_rows_of_the_right_width() -> None:
    async with serving(spec_of(HashEmbedder(8))) as service:
        assert (await service.embed([])).shape == (0, 8)


async def test_one_bare_text_is_refused() -> None:
    async with serving(spec_of(HashEmbedder())) as service:
        with pytest.raises(TypeError, match="sequence"):
            await service.embed("not a list")


async def test_the_loop_runs_on_while_a_model_works() -> None:
    async with serving(spec_of(HashEmbedder(delay_s=0.3))) as service:
        call = asyncio.create_task(service.embed(["slow"]))
        longest, last = 0.0, time.monotonic()
        while not call.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        assert longest < 0.2


async def test_a_long_import_lets_a_query_through() -> None:
    async with serving(spec_of(HashEmbedder(delay_s=0.05)), max_workers=1) as service:
        import_ = asyncio.create_task(service.embed(["text"] * SLICE * 20))
        await asyncio.sleep(0.01)
        await service.embed(["query"])
        assert not import_.done()
        import_.cancel()


async def test_concurrent_first_callers_share_one_load() -> None:
    loads = []

    def load() -> Embedder:
        loads.append(threading.current_thread())
        time.sleep(0.05)
        return HashEmbedder()

    async with serving(EmbedderSpec(model_id="hash-64", dim=64, load=load)) as service:
        await asyncio.gather(*(service.embed([f"{n}"]) for n in range(6)))
        assert len(loads) == 1
        assert loads[0] is not threading.main_thread()


async def test_id_and_dim_are_known_before_the_load() -> None:
    async with serving(embedder_spec("minilm", Path("nowhere"))) as service:
        assert (service.available, service.model_id, service.dim) == (True, "all-minilm-l6-v2-int8", 384)


async def test_a_dim_that_only_the_model_knows_is_told_after_the_load() -> None:
    spec = EmbedderSpec(model_id="hash-16", dim=None, load=lambda: HashEmbedder(16))
    async with serving(spec) as service:
        assert service.dim is None
        await service.embed([])
        assert service.dim == 16


@pytest.mark.parametrize("error", [EmbedderError("gone"), OSError("gone"), ImportError("gone")])
async def test_a_failed_load_is_told_to_each_and_tried_again_after_a_minute(error: Exception) -> None:
    loads, now = 0, 0.0

    def load() -> Embedder:
        nonlocal loads
        loads += 1
        if loads == 1:
            raise error
        return HashEmbedder()

    spec = EmbedderSpec(model_id="hash-64", dim=64, load=load)
    async with serving(spec, clock=lambda: now) as service:
        answers = await asyncio.gather(*(service.embed(["x"]) for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [EmbedderError] * 3
        now = RETRY_LOAD_S - 1
        with pytest.raises(EmbedderError, match="gone"):
            await service.embed(["x"])
        assert loads == 1
        assert "gone" in (service.failure or "")
        now = RETRY_LOAD_S
        assert (await service.embed(["x"])).shape == (1, 64)
        assert service.failure is None


async def test_missing_packages_stay_unavailable_while_the_failure_is_remembered() -> None:
    def load() -> Embedder:
        raise EmbedderUnavailable("no packages")

    async with serving(EmbedderSpec(model_id="m", dim=2, load=load)) as service:
        for _ in range(2):
            with pytest.raises(EmbedderUnavailable, match="no packages"):
                await service.embed(["x"])


@pytest.mark.parametrize(("model_id", "dim"), [("other", 64), ("hash-64", 63)])
async def test_another_model_than_named_is_refused(model_id: str, dim: int) -> None:
    async with serving(EmbedderSpec(model_id=model_id, dim=dim, load=HashEmbedder)) as service:
        with pytest.raises(EmbedderError, match="loaded as hash-64"):
            await service.embed(["x"])


@pytest.mark.parametrize(
    "answer",
    [
        np.full((1, 2), np.nan, np.float32),
        np.full((1, 2), np.inf, np.float32),
        np.ones((1, 3), np.float32),
        np.ones((2, 2), np.float32),
        np.ones(2, np.float32),
        np.ones((1, 2), np.float64),
        [[1.0, 0.0]],
        None,
    ],
    ids=["nan", "inf", "width", "count", "flat", "float64", "list", "none"],
)
async def test_nonsense_is_an_error(answer: object) -> None:
    async with serving(spec_of(Fixed(answer))) as service:
        with pytest.raises(EmbedderError, match="answered"):
            await service.embed(["x"])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((3, 4), (0.6, 0.8)),
        ((0, 0), (0, 0)),
        ((3e38, 0), (1, 0)),
        ((1e-30, 0), (1, 0)),
        ((0.6, 0.8), (0.6, 0.8)),
    ],
)
async def test_rows_are_given_unit_length(row: tuple[float, float], expected: tuple[float, float]) -> None:
    async with serving(spec_of(Fixed(np.array([row], np.float32)))) as service:
        rows = await service.embed(["x"])
        assert rows.dtype == np.float32
        assert rows[0] == pytest.approx(expected)


async def test_without_a_model_it_says_so() -> None:
    async with serving(None) as service:
        assert (service.available, service.model_id, service.dim) == (False, None, None)
        with pytest.raises(EmbedderUnavailable):
            await service.embed(["x"])


async def test_close_does_not_hang_and_waiting_calls_are_told() -> None:
    model = Gated()
    service = EmbeddingService(spec_of(model), max_workers=1)
    running = asyncio.create_task(service.embed(["a"]))
    await entered(model)
    waiting = asyncio.create_task(service.embed(["b"]))
    await asyncio.sleep(0)
    started = time.monotonic()
    await service.aclose()
    await service.aclose()
    with pytest.raises(ClosedError):
        await waiting
    assert time.monotonic() - started < 1
    model.gate.set()
    assert (await running).shape == (1, 2)
    with pytest.raises(ClosedError):
        await service.embed(["c"])


async def test_a_cancelled_caller_is_cancelled_and_the_service_lives_on() -> None:
    model = Gated()
    async with serving(spec_of(model)) as service:
        call = asyncio.create_task(service.embed(["a"]))
        await entered(model)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        model.gate.set()
        assert (await service.embed(["b"])).shape == (1, 2)


def test_none_means_lexical_only() -> None:
    assert embedder_spec("none", Path("nowhere")) is None


def test_a_model_by_name_keeps_its_name() -> None:
    spec = embedder_spec("st:intfloat/e5-small", Path("nowhere"))
    assert spec is not None
    assert (spec.model_id, spec.dim) == ("intfloat/e5-small", None)


@pytest.mark.parametrize("name", ["", "minilm2", "st:", "st: ", "MINILM"])
def test_an_unknown_name_lists_the_allowed(name: str) -> None:
    with pytest.raises(ConfigurationError, match="minilm, none or st:"):
        embedder_spec(name, Path("nowhere"))
