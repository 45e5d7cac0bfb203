"""The handler of `embed` jobs: paragraphs get their vectors in full batches."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.records import UserId
from hmlr.store.port import Store
from hmlr.store.records import AddVectors, Change, ChunkRow, Lease


class EmbedJob:
    """Embeds the paragraphs of turns."""

    def __init__(self, store: Store, embedding: EmbeddingService, user: UserId) -> None:
        self._store = store
        self._embedding = embedding
        self._user = user

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Embed the leased turns. EmbedderError leaves the jobs to be retried; words are found anyway."""
        rows = await self._store.turn_chunks(self._user, [lease.turn_id for lease in leases])
        changes: list[Change] = []
        model_id = self._embedding.model_id
        if rows and model_id is not None:  # without a model there is nothing to do any more
            vectors = await self._embedding.embed([embedded_text(row) for row in rows])
            changes.append(
                AddVectors(
                    model_id=model_id,
                    chunk_ids=tuple(row.chunk_id for row in rows),
                    rows=vectors,
                )
            )
        await self._store.apply(self._user, changes, finish=leases)


def embedded_text(row: ChunkRow) -> str:
    """What is embedded: a named speaker's name belongs to what was said."""
    return f"{row.message.speaker}: {row.text}" if row.message.speaker else row.text
