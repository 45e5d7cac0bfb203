"""An embedder that never returns: no call waits for it beyond the deadline, and the vectors follow (F44)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import EmbedderSpec
from tests.faults.doors import Clock, door, settled

pytestmark = [pytest.mark.faults, pytest.mark.alone]

DEADLINE_S = 1.0
SETTINGS = {"embed_timeout_s": DEADLINE_S, "embed_batch_timeout_s": DEADLINE_S}


class Hanging(HashEmbedder):
    """Holds every call until it recovers."""

    def __init__(self) -> None:
        super().__init__(64)
        self.recovered = threading.Event()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        assert self.recovered.wait(15)
        return super().embed(texts)


async def test_turns_are_answered_by_words_and_the_vectors_follow(db_path: Path) -> None:
    model, clock = Hanging(), Clock()
    spec = EmbedderSpec(model_id=model.model_id, dim=64, load=lambda: model)
    async with door(db_path, embedder=spec, clock=clock, settings=SETTINGS) as hmlr:
        begun = time.monotonic()
        reply = await hmlr.chat("My sister Ruth plays the bassoon.")
        assert time.monotonic() - begun < 2 * DEADLINE_S  # routing and search don't wait once more
        assert sum("has not answered within 1 s" in each for each in reply.degraded) == 1
        begun = time.monotonic()
        found = await asyncio.gather(*(hmlr.recall("Who plays the bassoon?") for _ in range(5)))
        assert time.monotonic() - begun < 2 * DEADLINE_S
        assert all("bassoon" in hits[0].text and "lexical" in hits.degraded[0] for hits in found)
        assert not (await hmlr.health()).ok
        assert not await hmlr.flush(3)  # the vectors are owed
        assert await hmlr.facts()  # nothing else was held up
        model.recovered.set()
        await settled(hmlr, clock)
        stats = await hmlr.stats()
        assert (stats.jobs_waiting, stats.jobs_failed, stats.vectors) == (0, 0, 1)
        assert (await hmlr.recall("Who plays the bassoon?")).degraded == ()
