"""What makes a paragraph relevant: small pure functions, one signal each, over a whole user's index.

Each gives a float32 array of length n. `combine` standardises the content signals and sums all with few,
round weights (decision page 0007). Sources: BM25 (Robertson & Zaragoza 2009, k1 and b as is customary).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from hmlr.language.dates import TimeQuery
from hmlr.memory.retrieval.index import UserIndex
from hmlr.store.records import Postings

Signal = NDArray[np.float32]

K1 = 1.2
B = 0.75
WEIGHTS: Mapping[str, float] = {"vector": 1.0, "lexical": 1.0, "who": 0.7, "when": 2.0}
# How much of a neighbour's value counts, by signal.
NEIGHBOUR_SHARE: Mapping[str, float] = {"vector": 0.3, "lexical": 0.5}
# A signal whose spread over the index is smaller carries nothing; dividing by it would blow up noise.
MIN_SPREAD = 0.03
DAY_US = 86_400_000_000
WEEK_DAYS = 7.0

_FIRST_PERSON = re.compile(r"\b(?:i|i'm|i've|me|my|mine|myself|our|we|us)\b", re.IGNORECASE)


def lexical(index: UserIndex, postings: Mapping[str, Postings], n: int) -> Signal:
    """BM25 with this user's own statistics."""
    scores = np.zeros(n, np.float32)
    if not n:
        return scores
    mean_length = max(index.total_terms / n, 1.0)
    for posting in postings.values():
        rows, found = index.rows_of(posting.chunk_ids)
        found &= rows < n
        rows, counts = rows[found], posting.counts[found].astype(np.float32)
        idf = np.log(1.0 + (n - len(rows) + 0.5) / (len(rows) + 0.5))
        norm = K1 * (1.0 - B + B * index.term_counts[rows] / mean_length)
        scores[rows] += (idf * counts * (K1 + 1.0) / (counts + norm)).astype(np.float32)
    return scores


def vector(index: UserIndex, query: NDArray[np.float32], n: int) -> Signal:
    """Cosine of the question's vector with the paragraphs'; 0 where there is none yet."""
    return np.asarray(index.vectors[:n] @ query, dtype=np.float32)


def who(index: UserIndex, question: str, n: int) -> Signal:
    """+1 where the only speaker named in the question speaks, −1 elsewhere; 0 when none or several are.

    In a log of user and assistant a first-person question is about what the owner said.
    """
    words = set(re.findall(r"\w+", question.casefold()))
    speakers = index.speakers
    named = [no for name, no in speakers.items() if _names(name) & words]
    if len(named) == 1 and len(speakers) > 1:
        return np.where(index.speaker_nos[:n] == named[0], 1.0, -1.0).astype(np.float32)
    if not named and _FIRST_PERSON.search(question) and not index.owners[:n].all():
        return np.where(index.owners[:n], 1.0, -1.0).astype(np.float32)
    return np.zeros(n, np.float32)


def _names(speaker: str) -> set[str]:
    if speaker in ("user", "assistant", "system", "tool"):
        return set()
    return {part for part in re.findall(r"\w+", speaker.casefold()) if len(part) > 1}


def when(index: UserIndex, asked: TimeQuery | None, n: int) -> Signal:
    """exp(−days/7) to the time that the question names; "before" and "after" name all of one side."""
    if asked is None:
        return np.zeros(n, np.float32)
    at = index.occurred_us[:n]
    distance = np.zeros(n, np.float64)
    if asked.since is not None:
        distance = np.maximum(distance, _micros(asked.since) - at)
    if asked.until is not None:
        distance = np.maximum(distance, at - _micros(asked.until))
    return np.asarray(np.exp(-distance / (DAY_US * WEEK_DAYS)), dtype=np.float32)


def _micros(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def with_neighbours(index: UserIndex, values: Signal, share: float, n: int) -> Signal:
    """What is said belongs to what was said just before and after it in the same session: a question to its
    answer. Each paragraph gets a share of the better of its two neighbours' values.
    """
    if n < 2:
        return values
    together = index.session_nos[1:n] == index.session_nos[: n - 1]
    before, after = np.zeros_like(values), np.zeros_like(values)
    before[1:] = np.where(together, values[:-1], 0)
    after[:-1] = np.where(together, values[1:], 0)
    return np.asarray(values + np.float32(share) * np.maximum(before, after), dtype=np.float32)


def combine(raw: Mapping[str, Signal]) -> dict[str, Signal]:
    """Each signal's share of the score; the sum of the shares is the score."""
    shares: dict[str, Signal] = {}
    for name, values in raw.items():
        content = name in ("vector", "lexical")
        shares[name] = np.float32(WEIGHTS[name]) * (_standardised(values) if content else values)
    return shares


def _standardised(values: Signal) -> Signal:
    """Zero mean, unit spread."""
    if not len(values):
        return values
    spread = max(float(values.std()), MIN_SPREAD)
    return np.asarray((values - values.mean()) / spread, dtype=np.float32)
