"""A failing embedder: the turn is stored, words are searched, and the vectors follow later (F44)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr import Message
from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import EmbedderSpec
from tests.faults.doors import Clock, door, said, settled

pytestmark = pytest.mark.faults

Rows = NDArray[np.float32]
Fault = Callable[[Sequence[str]], Rows]
DIM = 64


def raises(error: Exception) -> Fault:
    def fault(_: Sequence[str]) -> Rows:
        raise error

    return fault


def answers(value: float, *, dim: int = DIM, dtype: type = np.float32, extra: int = 0) -> Fault:
    return lambda texts: np.full((len(texts) + extra, dim), value, dtype)


FAULTS: dict[str, Fault] = {
    "down": raises(EmbedderError("the model is down")),
    "library error": raises(RuntimeError("CUDA out of memory")),
    "out of memory": raises(MemoryError()),
    "connection": raises(ConnectionResetError("gone")),
    "wrong value": raises(KeyError("tokenizer")),
    "nan": answers(float("nan")),
    "infinite": answers(float("inf")),
    "wrong dimension": answers(0.125, dim=DIM // 2),
    "wrong type": answers(0.125, dtype=np.float64),
    "too many rows": answers(0.125, extra=1),
    "no array": lambda texts: [[0.1] * DIM for _ in texts],  # type: ignore[dict-item,return-value]
}


@dataclass
class Broken(HashEmbedder):
    """An embedder that fails while it has a fault."""

    fault: Fault | None

    def __post_init__(self) -> None:
        super().__init__(DIM)

    def embed(self, texts: Sequence[str]) -> Rows:
        return self.fault(texts) if self.fault else super().embed(texts)

    @property
    def spec(self) -> EmbedderSpec:
        return EmbedderSpec(model_id=self.model_id, dim=DIM, load=lambda: self)


@pytest.mark.parametrize("name", FAULTS)
async def test_every_turn_is_stored_and_found_by_its_words(db_path: Path, name: str) -> None:
    embedder = Broken(FAULTS[name])
    clock = Clock()
    async with door(db_path, embedder=embedder.spec, clock=clock) as hmlr:
        reply = await hmlr.chat("My sister Ruth plays the bassoon.")
        assert any("embed" in stage for stage in reply.degraded), reply.degraded
        await hmlr.remember([Message(content=f"Note {number}.") for number in range(3)])
        hits = await hmlr.recall("Who plays the bassoon?")
        assert "bassoon" in hits[0].text
        assert any("lexical" in stage for stage in hits.degraded)
        assert len(await said(hmlr)) == 4
        assert not await hmlr.flush(0.3)  # the vectors are owed
        assert not (await hmlr.health()).ok
        # It recovers: the backlog drains by itself.
        embedder.fault = None
        await settled(hmlr, clock)
        stats = await hmlr.stats()
        assert (stats.jobs_waiting, stats.jobs_failed) == (0, 0)
        assert stats.vectors >= 4
        hits = await hmlr.recall("Who plays the bassoon?")
        assert hits.degraded == ()
        assert hits[0].similarity is not None


async def test_a_zero_vector_is_as_good_as_none(db_path: Path) -> None:
    async with door(db_path, embedder=Broken(answers(0.0)).spec) as hmlr:
        reply = await hmlr.chat("My sister Ruth plays the bassoon.")
        await settled(hmlr)
        assert reply.degraded == ()
        hits = await hmlr.recall("Who plays the bassoon?")
        assert "bassoon" in hits[0].text
        assert np.isfinite(hits[0].score)


async def test_a_model_that_can_not_be_loaded(db_path: Path) -> None:
    def load() -> HashEmbedder:
        raise OSError("no such file")

    spec = EmbedderSpec(model_id="absent", dim=DIM, load=load)
    async with door(db_path, embedder=spec) as hmlr:
        reply = await hmlr.chat("My sister Ruth plays the bassoon.")
        assert any("absent" in stage for stage in reply.degraded)
        assert (await hmlr.recall("bassoon"))[0].text
        assert "absent" in str((await hmlr.health()).checks)


async def test_vectors_of_another_model_are_not_compared(db_path: Path) -> None:
    async with door(db_path, embedder=Broken(None).spec) as hmlr:
        await hmlr.chat("My sister Ruth plays the bassoon.")
        await settled(hmlr)
    other = HashEmbedder(32)
    spec = EmbedderSpec(model_id=other.model_id, dim=32, load=lambda: other)
    async with door(db_path, embedder=spec) as hmlr:
        assert "bassoon" in (await hmlr.recall("Who plays the bassoon?"))[0].text
        await settled(hmlr)
        assert (await hmlr.recall("Who plays the bassoon?"))[0].similarity is not None


@dataclass
class Renamed(HashEmbedder):
    """A model that was replaced by another one under the same name."""

    size: int

    def __post_init__(self) -> None:
        super().__init__(self.size)

    @property
    def model_id(self) -> str:
        return "the-same"

    @property
    def spec(self) -> EmbedderSpec:
        return EmbedderSpec(model_id="the-same", dim=None, load=lambda: self)


async def test_a_model_replaced_under_its_name_does_not_stop_the_conversation(db_path: Path) -> None:
    async with door(db_path, embedder=Renamed(64).spec) as hmlr:
        await hmlr.chat("My sister Ruth plays the bassoon.")
        await settled(hmlr)
    async with door(db_path, embedder=Renamed(32).spec) as hmlr:
        hits = await hmlr.recall("Who plays the bassoon?")
        assert "bassoon" in hits[0].text
        assert hits.degraded
        reply = await hmlr.chat("Who plays the bassoon?")
        assert "bassoon" in reply.text
        assert reply.degraded


async def test_one_text_that_breaks_the_model_keeps_no_other_from_its_vector(db_path: Path) -> None:
    def picky(texts: Sequence[str]) -> Rows:
        if any("poison" in text for text in texts):
            raise EmbedderError("can't read that")
        return HashEmbedder(DIM).embed(texts)

    clock = Clock()
    async with door(db_path, embedder=Broken(picky).spec, clock=clock) as hmlr:
        texts = [*(f"Note {number}." for number in range(20)), "This is poison.", "And more."]
        await hmlr.remember([Message(content=text) for text in texts])
        for _ in range(12):
            await hmlr.flush(0.2)
            clock.forward(4000)
        stats = await hmlr.stats()
        assert stats.vectors == len(texts) - 1
        assert stats.jobs_failed == 1


async def test_a_slow_model_delays_its_own_turn_only(db_path: Path) -> None:
    def slow(texts: Sequence[str]) -> Rows:
        time.sleep(0.5)
        return HashEmbedder(DIM).embed(texts)

    async with door(db_path, embedder=Broken(slow).spec) as hmlr:
        begun = time.monotonic()
        await hmlr.remember([Message(content="My sister Ruth plays the bassoon.")])
        assert await said(hmlr)
        await hmlr.facts()
        assert time.monotonic() - begun < 0.4
