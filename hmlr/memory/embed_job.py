"""The handler of `embed` jobs: paragraphs get their vectors in full batches."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.port import Said
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.records import UserId
from hmlr.store.port import Store
from hmlr.store.records import AddVectors, Change, Lease
from hmlr.store.search_records import ChunkRow

PART = 384  # turns, three slices of the embedding service: a part costs a read, a write and a hand-over


class EmbedJob:
    """Embeds the paragraphs of turns."""

    def __init__(
        self,
        store: Store,
        embedding: EmbeddingService,
        lattice: Lattice,
        user: UserId,
        before_new_model: Callable[[], Awaitable[None]],
    ) -> None:
        """`before_new_model` is done when all paragraphs have a new model's vectors, before those answer."""
        self._store = store
        self._lattice = lattice
        self._embedding = embedding
        self._user = user
        self._before_new_model = before_new_model
        self._compared = False
        self._model = asyncio.Lock()  # it takes every core, so that two calls at once are no faster

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Embed the leased turns. EmbedderError leaves the jobs to be retried; words are found anyway.

        While one part is embedded the next is read and the last is written, so that the model never waits.
        """
        parts = [leases[start : start + PART] for start in range(0, len(leases), PART)]
        ends = await asyncio.gather(*(self._embed(part) for part in parts), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    async def _embed(self, leases: Sequence[Lease]) -> None:
        rows = await self._store.turn_chunks(self._user, [lease.turn_id for lease in leases])
        changes: list[Change] = []
        model_id = self._embedding.model_id
        if rows and model_id is not None:  # without a model there is nothing to do any more
            async with self._model:
                encoded = await self._embedding.encode([said_in(row) for row in rows])
            await self._compare(encoded.dim)
            ids = tuple(row.chunk_id for row in rows)
            changes.append(AddVectors(model_id=model_id, chunk_ids=ids, encoded=encoded))
            changes += await self._by_former(rows)
        await self._store.apply(self._user, changes, finish=leases)
        await self._lattice.serving.advance(self._user, self._before_new_model)

    async def _by_former(self, rows: Sequence[ChunkRow]) -> list[Change]:
        """While the former model's vectors answer: its vectors of the paragraphs that have none yet."""
        former = (await self._lattice.serving.of(self._user)).by
        if former is self._embedding or former.model_id is None:
            return []
        index = await self._lattice.index(self._user)
        places, found = index.rows_of(np.array([row.chunk_id for row in rows], np.int64))
        known = found & index.vectors.known(places)
        bare = [row for row, has in zip(rows, known, strict=True) if not has]
        # One that fails holds up the new set no longer than that: words find these paragraphs until then.
        with contextlib.suppress(EmbedderError):
            encoded = await former.encode([said_in(row) for row in bare])
            ids = tuple(row.chunk_id for row in bare)
            return [AddVectors(model_id=former.model_id, chunk_ids=ids, encoded=encoded)] if bare else []
        return []

    async def _compare(self, dim: int) -> None:
        """Refuse vectors that can't be compared with the stored ones; once, since a model stays the same."""
        if not self._compared:
            index = await self._lattice.index(self._user)
            if index.model_id != self._embedding.model_id:
                return
            if index.vectors.dim not in (0, dim):
                raise EmbedderError(
                    f"{self._embedding.model_id} makes other vectors than those that are stored",
                    hint="Give another model another name",
                )
        self._compared = True


def said_in(row: ChunkRow) -> Said:
    """What is encoded: who speaks belongs to what was said."""
    return Said(text=row.text, speaker=row.message.speaker)
