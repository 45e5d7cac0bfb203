"""The vectors by which dossiers and the facts that look for one are compared."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.synthesis.shelf import OpenDossier, Shelf
from hmlr.store.garden_records import VECTOR_TYPE, DossierVector


class DossierVectors:
    """Makes vectors; without an embedder, or while it fails, there are none, and words decide."""

    def __init__(self, embedding: EmbeddingService) -> None:
        self._embedding = embedding
        self.failure = ""  # why there were none when there should have been

    async def fill(self, shelf: Shelf) -> list[tuple[OpenDossier, DossierVector]]:
        """Give dossiers their vectors that have none of the present model; which ones got one."""
        bare = [each for each in shelf.dossiers.values() if each.vector is None and each.search_summary]
        rows = await self.rows([each.search_summary for each in bare])
        model_id = self._embedding.model_id
        if rows is None or model_id is None:
            return []
        made = []
        for dossier, row in zip(bare, rows, strict=True):
            dossier.vector = DossierVector(model_id=model_id, row=row)
            made.append((dossier, dossier.vector))
        return made

    async def one(self, text: str) -> DossierVector | None:
        """The vector of a search summary; None when there is none now."""
        rows, model_id = await self.rows([text]), self._embedding.model_id
        return None if rows is None or model_id is None else DossierVector(model_id=model_id, row=rows[0])

    async def rows(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """`(n, dim) float32, unit`; None when there are no vectors now: words decide then."""
        if not texts or not self._embedding.available:
            return None
        try:
            rows = await self._embedding.embed(texts)
        except EmbedderError as error:
            self.failure = f"embedder failed, words decided: {error}"
            return None
        # As they are stored: who reads them back has to come to the same decisions.
        return rows.astype(VECTOR_TYPE).astype(np.float32)
