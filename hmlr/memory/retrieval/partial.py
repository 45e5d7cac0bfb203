"""An index of a part of a memory, for questions that come before all of a large memory is read.

The database finds candidates by itself: by the nearness of vectors, and by the words of the question. With
what stands around them they are scored as ever; rarity is counted over all of the memory, that of word pieces
over its latest paragraphs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hmlr.memory.retrieval.columns import PieceCounts
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.signals import K1, rarity
from hmlr.records import ChunkId
from hmlr.store.search_records import Extent, Part, Postings

CANDIDATES = 300  # by nearness, and as many by words


def partial_index(model_id: str, read: Part, extent: Extent, latest: Sequence[ChunkId]) -> UserIndex:
    """An index of what was read; `latest` are paragraphs that no question has picked."""
    index = UserIndex(model_id=model_id, of=extent)
    index.append(read.columns)
    batch = read.vectors
    if batch is None or not len(batch.chunk_ids):
        return index
    rows, found = index.rows_of(batch.chunk_ids)
    index.vectors.put(index.n, rows, found, batch.encoded)
    unpicked = np.isin(batch.chunk_ids, latest)
    if unpicked.any():
        pieces = batch.encoded.pieces[np.repeat(unpicked, batch.encoded.piece_counts)]
        index.vectors.frequencies = PieceCounts().plus(pieces)
        index.vectors.count = int(unpicked.sum())
    return index


def by_words(postings: Mapping[str, Postings], extent: Extent, most: int = CANDIDATES) -> list[ChunkId]:
    """The paragraphs that hold the rarest of the terms; their lengths are not known yet."""
    if not postings:
        return []
    ids, scores = [], []
    for posting in postings.values():
        counts = posting.counts.astype(np.float64)
        ids.append(posting.chunk_ids)
        scores.append(float(rarity(len(counts), extent.chunks)) * counts * (K1 + 1) / (counts + K1))
    found, places = np.unique(np.concatenate(ids), return_inverse=True)
    total = np.bincount(places, weights=np.concatenate(scores))
    best = np.argsort(-total, kind="stable")[:most]
    return [ChunkId(each) for each in found[best].tolist()]
