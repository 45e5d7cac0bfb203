"""What is found is the same after a restart, a rebuild and an upgrade, whoever else is there."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hmlr import HMLRClient, Message
from hmlr.memory.embeddings import EmbedderSpec
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import Asked, Said
from hmlr.store.encoded import Encoded
from hmlr.testing import hash_embedder
from tests.opening import Place
from tests.store.aging import age
from tests.store.making import encoded

pytestmark = pytest.mark.anyio
DIM = 48  # no multiple of 64
SAID = (
    "My sister Ruth plays the bassoon in Bergen.",
    "We watered the tomatoes.\n\n" + "The greenhouse is full of cucumbers and beans this year. " * 9,
    "What should I cook tonight?",
    "The ferry to the island leaves at nine.",
    "Ruth has a concert in May.",
)
QUESTIONS = ("Who plays the bassoon?", "When does the ferry leave?", "What grows in the greenhouse?", "Ruth")


class Words(HashEmbedder):
    """Hashed words as token vectors: each word is a token and a piece."""

    model_id = "words"  # type: ignore[assignment]

    def encode(self, said: Sequence[Said]) -> Encoded:
        words = [self._words(each.text) for each in said]
        return encoded(
            self.embed([each.text for each in said]),
            tokens=[self.embed(own) for own in words],
            pieces=[sorted({self._piece(word) for word in own}) for own in words],
        )

    def ask(self, question: str) -> Asked:
        words = self._words(question)
        return Asked(
            row=self.embed([question])[0],
            vectors=self.embed(words),
            pieces=np.array([self._piece(word) for word in words], np.uint16),
            words=tuple(words),
        )

    @staticmethod
    def _words(text: str) -> list[str]:
        return [word.strip(".?").lower() for word in text.split()]

    @staticmethod
    def _piece(word: str) -> int:
        return int.from_bytes(word.encode()[:2].ljust(2), "little")


EMBEDDERS = {
    "tokens": EmbedderSpec(model_id="words", dim=DIM, load=lambda: Words(DIM)),
    "pooled": hash_embedder(dim=DIM),
}


@pytest.fixture(params=EMBEDDERS)
def opened(request: pytest.FixtureRequest, databases: Callable[[str], Place]) -> Any:
    """Opens a client on the same database with the same embedder."""

    def client(user: str = "ada", name: str = "memory") -> HMLRClient:
        return HMLRClient(databases(name), user, model="offline", embedder=EMBEDDERS[request.param])

    return client


async def tell(hmlr: HMLRClient, said: Sequence[str] = SAID) -> None:
    await hmlr.remember([Message(content=text) for text in said], session_id="s")
    assert await hmlr.flush(10)


async def found(hmlr: HMLRClient) -> list[tuple[str, float, float | None, dict[str, float]]]:
    """All that a search tells, without ids."""
    hits = [hit for question in QUESTIONS for hit in await hmlr.recall(question, limit=5)]
    return [(hit.text, hit.score, hit.similarity, dict(hit.signals)) for hit in hits]


async def test_meaning_counts(opened: Any):
    async with opened() as hmlr:
        await tell(hmlr)
        (hit, *_) = await hmlr.recall("Who plays the bassoon?")
        assert "bassoon" in hit.text
        assert (hit.similarity or 0) > 0.3
        assert hit.signals["pooled"] > 0


async def test_after_a_restart_the_same_is_found(opened: Any):
    async with opened() as hmlr:
        await tell(hmlr)
        before = await found(hmlr)
    async with opened() as hmlr:
        assert await found(hmlr) == before


async def test_after_a_rebuild_the_same_is_found(opened: Any):
    async with opened() as hmlr:
        await tell(hmlr)
        before = await found(hmlr)
        await hmlr.rebuild()
        assert await hmlr.flush(10)
        assert await found(hmlr) == before


async def test_read_bit_by_bit_or_at_once_the_same_is_found(opened: Any):
    async with opened() as hmlr:
        for text in SAID:
            await tell(hmlr, [text])
            await hmlr.recall("Ruth")
        bit_by_bit = await found(hmlr)
    async with opened() as hmlr:
        assert await found(hmlr) == bit_by_bit


async def test_what_others_say_changes_nothing(opened: Any):
    async with opened() as hmlr:
        await tell(hmlr)
        before = await found(hmlr)
        async with opened("bob") as other:
            await tell(other, [*SAID, *(f"Bob plays the bassoon, the {n}th time." for n in range(50))])
            assert await found(hmlr) == before
    async with opened() as hmlr:
        assert await found(hmlr) == before


async def test_vectors_of_an_older_schema_are_made_again(opened: Any, db_path: Path):
    async with opened() as hmlr:
        await tell(hmlr)
        before = await found(hmlr)
    await asyncio.to_thread(age, db_path)
    async with opened() as hmlr:
        assert await hmlr.flush(10)
        assert await found(hmlr) == before
    with sqlite3.connect(db_path) as raw:
        assert raw.execute("SELECT count(*) FROM vectors").fetchone()[0] >= len(SAID)
    raw.close()


async def test_paragraphs_without_vectors_are_found_by_their_words(opened: Any, db_path: Path):
    async with opened() as hmlr:
        await tell(hmlr)
    with sqlite3.connect(db_path) as raw:
        raw.execute("DELETE FROM vectors WHERE vector_no > 2")
    raw.close()
    async with opened() as hmlr:
        (hit, *_) = await hmlr.recall("When does the ferry leave?")
        assert "ferry" in hit.text
