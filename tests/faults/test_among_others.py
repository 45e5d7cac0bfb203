"""A user of ten paragraphs among a great many of others gets his ten (X22)."""

from __future__ import annotations

import time

import pytest

from hmlr import Message
from hmlr.memory.embeddings import EmbeddingService
from hmlr.memory.embeddings.port import Said
from hmlr.records import ChunkId, UserId
from hmlr.store.records import AddVectors
from hmlr.testing import hash_embedder
from tests.faults.doors import door, settled
from tests.faults.figures import figure
from tests.gardens import opened
from tests.opening import Place
from tests.store.making import turn

pytestmark = [pytest.mark.security, pytest.mark.timeout(figure(120, 7200))]

OTHERS, BATCH = figure(2_000, 1_000_000), 1000
OTHER = UserId("other")
QUESTION = "Which harbour bell is cracked?"
EMBEDDER = hash_embedder(dim=64)


async def fill(place: Place) -> None:
    """Another user's paragraphs, each of them an answer to the question; without jobs."""
    store, service = await opened(place), EmbeddingService(EMBEDDER)
    for at in range(0, OTHERS, BATCH):
        texts = [f"Harbour bell {number} is cracked." for number in range(at, at + BATCH)]
        added = await store.add_turns(OTHER, [turn(text) for text in texts])
        rows = await store.turn_chunks(OTHER, [each.turn_id for each in added])
        encoded = await service.encode([Said(text=row.text) for row in rows])
        ids = tuple(ChunkId(row.chunk_id) for row in rows)
        await store.apply(OTHER, [AddVectors(model_id="hash-64", chunk_ids=ids, encoded=encoded)])
    await store.index_vectors(OTHER, "hash-64")
    await service.aclose()
    await store.aclose()


async def test_ten_among_all_the_others_are_found(database: Place) -> None:
    await fill(database)
    own = [f"My harbour has {number} bells, and one of them is cracked." for number in range(10)]
    async with door(database, user="small", embedder=EMBEDDER) as hmlr:
        await hmlr.remember([Message(content=text) for text in own])
        await settled(hmlr)
        begun = time.monotonic()
        hits = await hmlr.recall(QUESTION, limit=10)
        taken_s = time.monotonic() - begun
        assert hits.degraded == ()
        assert sorted(hit.text for hit in hits) == sorted(own)
        assert all(hit.similarity is not None for hit in hits)
    async with door(database, user=OTHER, embedder=EMBEDDER) as hmlr:
        hits = await hmlr.recall(QUESTION, limit=50)
        assert len(hits) == 50
        assert not {hit.text for hit in hits} & set(own)
    print(f"X22: 10 of 10 among {OTHERS:,} foreign paragraphs, in {1000 * taken_s:.0f} ms")
