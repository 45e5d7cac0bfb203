"""What vectors tell of a paragraph: late interaction of word pieces, and the pooled vector.

Source: ColBERT (Khattab & Zaharia 2020) for late interaction. Counting the signs that differ loses next to
nothing against the vectors themselves (docs/decisions/0015).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.retrieval.asking import Question
from hmlr.memory.retrieval.columns import Signs, VectorColumns
from hmlr.memory.retrieval.signals import Rows, Signal, distinct, same_session

# What is said belongs to what was said around it: a match some paragraphs away counts, by so much per step.
LATE_DECAY = 0.9
LATE_REACH = 3
POOLED_SHARE = 0.5  # of the better neighbour's value


@dataclass(frozen=True, eq=False)
class Meaning:
    """The vectors of the first n paragraphs, and which of them must not lift their neighbours."""

    vectors: VectorColumns
    sessions: NDArray[np.int32]  # (n,)
    hidden: NDArray[np.bool_]  # (n,)


def late(stored: Meaning, question: Question, rows: Rows) -> Signal:
    """Late interaction of the question with `rows` (ascending) and what stands around them, −1 to 1.

    Each piece of the question takes its best match in the paragraph, or one some steps away in the same
    session; the score is the mean over the pieces, weighted by their rarity.
    """
    weights = question.weights
    used = weights > 0
    if not used.any() or not len(rows):
        return np.zeros(len(rows), np.float32)
    needed = _around(rows, LATE_REACH, len(stored.sessions))
    best = best_matches(stored.vectors, question.signs[used], needed)
    best[:, stored.hidden[needed]] = -np.inf
    spread = best[:, np.searchsorted(needed, rows)]
    for step in range(1, LATE_REACH + 1):
        share = np.float32(LATE_DECAY**step)
        for other in (rows - step, rows + step):
            near = same_session(stored.sessions, rows, other)
            there = np.searchsorted(needed, other[near])
            spread[:, near] = np.maximum(spread[:, near], share * best[:, there])
    return np.asarray(weights[used] @ spread / weights[used].sum(), dtype=np.float32)


def best_matches(vectors: VectorColumns, signs: Signs, rows: Rows) -> NDArray[np.float32]:
    """The best agreement of each piece of a question with each paragraph: `(q, len(rows)) float32`, −1 to 1.

    0, that is no agreement at all, where a paragraph has no tokens yet.
    """
    agreement = np.zeros((len(signs), len(rows)), np.float32)
    known = rows < len(vectors.counts)
    known[known] = vectors.counts[rows[known]] > 0
    if not known.any():
        return agreement
    starts, counts = vectors.starts[rows[known]], vectors.counts[rows[known]].astype(np.int64)
    offsets = np.cumsum(counts) - counts
    at = np.repeat(starts - offsets, counts) + np.arange(int(counts.sum()))
    # A plane per word: passes over whole columns are faster than a sum over a short last axis.
    planes = np.ascontiguousarray(vectors.tokens[at].T)
    least = np.empty((len(signs), len(starts)), np.uint16)
    differ = np.empty(len(at), np.uint16)
    for piece, words in enumerate(signs):
        differ[:] = 0
        for plane, word in zip(planes, words, strict=True):
            differ += np.bitwise_count(plane ^ word)
        np.minimum.reduceat(differ, offsets, out=least[piece])
    agreement[:, known] = 1.0 - least * np.float32(2 / vectors.token_dims)
    return agreement


def pooled(stored: Meaning, question: Question, rows: Rows) -> Signal:
    """Cosine of the pooled vectors of `rows` (ascending), with half of the better neighbour's."""
    assert question.row is not None  # noqa: S101 - asked for with a model only
    needed = _around(rows, 1, len(stored.sessions))
    cosines = similarity(stored.vectors, question.row, needed)
    cosines[stored.hidden[needed]] = 0
    near = np.zeros((2, len(rows)), np.float32)
    for side, other in enumerate((rows - 1, rows + 1)):
        same = same_session(stored.sessions, rows, other)
        near[side, same] = cosines[np.searchsorted(needed, other[same])]
    values = cosines[np.searchsorted(needed, rows)] + POOLED_SHARE * near.max(axis=0)
    return np.asarray(values, dtype=np.float32)


def pooled_roughly(stored: Meaning, question: Question, part: slice) -> Signal:
    """`pooled` of a stretch of paragraphs by signs alone: good enough to pick candidates by."""
    n = len(stored.sessions)
    start, stop = max(part.start - 1, 0), min(part.stop + 1, n)  # with a neighbour on either side
    cosines = _rough_cosines(stored.vectors, question.row_signs, start, stop)
    cosines[stored.hidden[start:stop]] = 0
    sessions = stored.sessions[start:stop]
    together = sessions[1:] == sessions[:-1]
    near = np.zeros(len(cosines), np.float32)
    near[1:] = cosines[:-1] * together
    near[:-1] = np.maximum(near[:-1], cosines[1:] * together)
    values = cosines + np.float32(POOLED_SHARE) * near
    return np.asarray(values[part.start - start : part.stop - start], dtype=np.float32)


def _rough_cosines(vectors: VectorColumns, signs: Signs, start: int, stop: int) -> Signal:
    """What the differing signs of pooled vectors say of the cosine, 0 where there is no vector."""
    cosines = np.zeros(stop - start, np.float32)
    present = vectors.present[start:stop]
    differ = np.zeros(len(present), np.uint16)
    for plane, word in zip(vectors.signs, signs, strict=True):
        differ += np.bitwise_count(plane[start:stop][: len(present)] ^ word)
    of_differing = np.cos(np.arange(vectors.dim + 1, dtype=np.float32) * np.float32(np.pi / vectors.dim))
    cosines[: len(present)] = of_differing[differ] * present
    return cosines


def similarity(vectors: VectorColumns, row: NDArray[np.float32], rows: Rows) -> Signal:
    """Cosine of the pooled vectors of `rows` with a unit row; 0 where there is none yet."""
    cosines = np.zeros(len(rows), np.float32)
    known = rows < len(vectors.pooled)
    stored = vectors.pooled[rows[known]].astype(np.float32)
    cosines[known] = stored @ row / np.maximum(np.linalg.norm(stored, axis=1), 1.0)
    return cosines


def _around(rows: Rows, reach: int, n: int) -> Rows:
    """The rows and those up to `reach` steps away, ascending."""
    return distinct(np.clip(rows[:, None] + np.arange(-reach, reach + 1), 0, n - 1).ravel())
