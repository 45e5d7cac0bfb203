"""The sum: what each signal adds to a paragraph's score, and which paragraphs come first.

A first pass over everything picks candidates by what is cheap; only these meet the token vectors. The weights
are few, round and set by hand (docs/decisions/0015).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.facts.links import Link
from hmlr.memory.retrieval import meaning, signals
from hmlr.memory.retrieval.asking import Question
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.meaning import Meaning
from hmlr.memory.retrieval.scan import best_rows
from hmlr.memory.retrieval.signals import Part, Rows, Signal
from hmlr.records import ChunkId
from hmlr.store.search_records import Postings

# A cosine of late interaction spreads by about 0.05 over a user's paragraphs, a pooled one by 0.1: these
# weights make them about one and a half standard deviation. Everything else is measured against that.
LATE = 20.0
POOLED = 5.0
LEXICAL = 3.0
LEXICAL_ALONE = 15.0  # without a model, or before a paragraph has its vector, the words carry all content
POOLED_ALONE = 12.0  # a model without token vectors: the pooled one carries half of it
LEXICAL_BESIDE = 9.0
# A link weighs half of what all words of the question do together, with a model or without.
LINKS = 0.5
WHO = 0.8
WHEN = 3.0
# "The first time", "the latest": tips the scale among those that match about as well as the best.
ORDER = 1.0
CLOSE = 2.0
ASKS = -1.0
OF_SELF = 0.6
# Only where a budget of tokens is filled: a paragraph pays for its length, by ln(character), and for every
# better paragraph of its message, since one message seldom answers twice. And the owner's instructions on how
# to answer are lifted, which share no word with the task that they are for.
LENGTH = -0.8
AGAIN = -2.0
STANDING = 1.5
# For picking candidates the words weigh more: they stand in for the token vectors, too.
ROUGH_LEXICAL = 8.0
ROUGH_POOLED = 10.0
CANDIDATES = 300
CANDIDATE_SHARE = 600  # ... and one paragraph in so many: more of a large memory looks alike


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A paragraph with the shares of its score."""

    chunk_id: ChunkId
    shares: Mapping[str, float]
    similarity: float | None

    @property
    def score(self) -> float:
        """Sum of the shares."""
        return sum(self.shares.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Candidates, best first; ties go to the older one, so that an answer is the same on every run."""

    chunk_ids: NDArray[np.int64]
    shares: Mapping[str, Signal]
    similarity: Signal | None

    def top(self, count: int) -> list[Candidate]:
        """The best."""
        shares = [_rounded(values[:count]) for values in self.shares.values()]
        near = [None] * count if self.similarity is None else _rounded(self.similarity[:count])
        return [
            Candidate(
                chunk_id=ChunkId(chunk_id), shares=dict(zip(self.shares, each, strict=True)), similarity=sim
            )
            for chunk_id, sim, *each in zip(self.chunk_ids[:count].tolist(), near, *shares, strict=False)
        ]


@dataclass(frozen=True, kw_only=True, eq=False)
class Search:
    """What is scored: a question over the first n paragraphs of an index."""

    index: UserIndex
    question: Question
    postings: Sequence[Postings | None]  # of the question's own terms
    names: Sequence[Sequence[Postings | None]] = ()  # of the terms of each other name of what it names
    places: Sequence[Link] = ()  # where the facts lead
    standing: Sequence[Link] = ()  # where standing instructions are
    forbidden: NDArray[np.bool_]  # (n,)
    budgeted: bool = False  # the hits fill a budget of tokens, so that a paragraph pays for its length

    @property
    def n(self) -> int:
        """Number of paragraphs."""
        return len(self.forbidden)

    def scored(self, candidates: int = CANDIDATES) -> Scored:
        """The best paragraphs by all signals, of at least `candidates` that were looked at closely."""
        rows = best_rows(self.n, max(candidates, self.n // CANDIDATE_SHARE), self._rough)
        shares = self._cheap(rows)
        near = self._close(rows, shares)
        if self.question.order is not None and len(rows):
            sums = _sum(shares)
            last = self.question.order == "last"
            close = sums >= sums.max() - CLOSE
            shares["order"] = np.float32(ORDER) * signals.order(
                self.index.occurred_us[rows], close, last=last
            )
        if self.budgeted:
            shares["again"] = np.float32(AGAIN) * _better_of_message(
                self.index.message_nos[rows], _sum(shares)
            )
        order = np.lexsort((rows, -_sum(shares)))
        return Scored(
            chunk_ids=self.index.chunk_ids[rows[order]],
            shares={name: each[order] for name, each in shares.items()},
            similarity=None if near is None else near[order],
        )

    def _cheap(self, part: Part) -> dict[str, Signal]:
        """The shares that need no look at token vectors."""
        index, weights = self.index, self._lexical_weights(part)
        shares = {
            "lexical": weights * self._lexical[part],
            "links": weights * np.float32(LINKS) * self._links[part],
            "who": np.float32(WHO) * signals.who(index, self.question, part, mixed=self._mixed),
            "when": np.float32(WHEN) * signals.when(index, self.question, part),
            "asks": np.float32(ASKS) * index.asks[part],
            "of self": np.float32(OF_SELF) * index.of_self[part],
        }
        if self.budgeted:
            shares["length"] = np.float32(LENGTH) * signals.length(index, part)
            shares["standing"] = np.float32(STANDING) * self._standing[part]
        return shares

    def _rough(self, part: slice) -> Signal:
        """What candidates are picked by."""
        shares = self._cheap(part)
        values = _sum(shares)
        if self.question.row is not None:
            weights = self._lexical_weights(part)
            values += shares["lexical"] * (np.maximum(weights, np.float32(ROUGH_LEXICAL)) / weights - 1)
            values += np.float32(ROUGH_POOLED) * meaning.pooled_roughly(self._stored, self.question, part)
        values[self.forbidden[part]] = -np.inf
        return values

    def _close(self, rows: Rows, shares: dict[str, Signal]) -> Signal | None:
        """Add the shares of meaning; the similarity of each paragraph by itself."""
        if self.question.plain is None:
            return None
        weight = POOLED_ALONE
        if len(self.question.weights):
            shares["late"] = np.float32(LATE) * meaning.late(self._stored, self.question, rows)
            weight = POOLED
        shares["pooled"] = np.float32(weight) * meaning.pooled(self._stored, self.question, rows)
        return meaning.similarity(self.index.vectors, self.question.plain, rows)

    @property
    def _stored(self) -> Meaning:
        return Meaning(self.index.vectors, self.index.session_nos[: self.n], self.forbidden)

    @cached_property
    def _lexical(self) -> Signal:
        return signals.lexical(self.index, self.postings, self.forbidden)

    @cached_property
    def _links(self) -> Signal:
        return signals.links(self.index, self.names, self.places, self.forbidden)

    @cached_property
    def _standing(self) -> Signal:
        return signals.links(self.index, (), self.standing, self.forbidden)

    @cached_property
    def _mixed(self) -> bool:
        return not self.index.owners[: self.n].all()

    def _lexical_weights(self, part: Part) -> Signal:
        """What the words of each paragraph weigh."""
        if self.question.row is None:
            return np.full(len(self.forbidden[part]), LEXICAL_ALONE, np.float32)
        beside = LEXICAL if len(self.question.weights) else LEXICAL_BESIDE
        known = self.index.vectors.known(part)
        return np.where(known, np.float32(beside), np.float32(LEXICAL_ALONE))


def _better_of_message(message_nos: NDArray[np.int64], total: Signal) -> Signal:
    """How many paragraphs of the same message score better, for each."""
    order = np.lexsort((-total, message_nos))
    ordered = message_nos[order]
    first = np.searchsorted(ordered, ordered)
    better = np.empty(len(total), np.float32)
    better[order] = np.arange(len(total)) - first
    return better


def _sum(shares: Mapping[str, Signal]) -> Signal:
    first, *others = shares.values()
    total = first.copy()
    for share in others:
        total += share
    return total


def _rounded(values: Signal) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
