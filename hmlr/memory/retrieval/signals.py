"""What can be told of every paragraph at once: small pure functions, one signal each, over a whole index.

Each gives a float32 array of length n: ±1, 0 to 1, or a share of the question. Nothing is standardised over
the user's data, so that a score does not move when unrelated text is added, but for the rarity of terms.
Source: BM25 (Robertson & Zaragoza 2009; k1 and b as is customary), here term by term.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.facts.links import Link
from hmlr.memory.retrieval.asking import Question
from hmlr.memory.retrieval.index import UserIndex
from hmlr.store.search_records import Extent, Postings

Signal = NDArray[np.float32]
Rows = NDArray[np.int64]
Part = slice | Rows  # some paragraphs of an index

K1 = 1.2
B = 0.75
# What is said belongs to what was said around it: a term some paragraphs away counts, by so much per step.
LEXICAL_DECAY = 0.7
LEXICAL_REACH = 3
DAY_US = 86_400_000_000
FADE_DAYS = 7.0


def rarity(found: NDArray[np.integer] | int, n: int) -> NDArray[np.float64]:
    """BM25's weight of what stands in `found` of `n` paragraphs."""
    return np.asarray(np.log(1.0 + (n - found + 0.5) / (found + 0.5)))


def lexical(index: UserIndex, postings: Sequence[Postings | None], hidden: NDArray[np.bool_]) -> Signal:
    """The share of the question's rarity that a paragraph and what stands around it cover, 0 to about 2.

    `postings` has an entry for each term of the question, None for one that stands nowhere. What is `hidden`
    lifts nothing.
    """
    n = len(hidden)
    scores = np.zeros(n, np.float32)
    if not n or not postings:
        return scores
    whole = index.of or Extent(chunks=n, terms=index.total_terms)
    mean_length = max(whole.terms / max(whole.chunks, 1), 1.0)
    scratch = np.zeros(n, np.float32)
    total = 0.0
    for posting in postings:
        if posting is None:
            total += float(rarity(0, whole.chunks))
            continue
        rows, found = index.rows_of(posting.chunk_ids)
        found &= rows < n
        found[found] = ~hidden[rows[found]]
        rows, counts = rows[found], posting.counts[found].astype(np.float32)
        idf = float(rarity(len(posting.chunk_ids) if index.of else len(rows), whole.chunks))
        total += idf
        norm = K1 * (1.0 - B + B * index.term_counts[rows] / mean_length)
        values = (idf * counts * (K1 + 1.0) / (counts + norm)).astype(np.float32)
        touched = _spread(index.session_nos[:n], rows, values, scratch)
        scores[touched] += scratch[touched]
        scratch[touched] = 0.0
    return np.asarray(scores / np.float32(total), dtype=np.float32)


def _spread(sessions: NDArray[np.int32], rows: Rows, values: Signal, scratch: Signal) -> Rows:
    """Write a term's values, and what is left of them some steps away, into `scratch`: the rows touched."""
    touched = [rows]
    scratch[rows] = values
    for step in range(1, LEXICAL_REACH + 1):
        share = values * np.float32(LEXICAL_DECAY**step)
        for other in (rows - step, rows + step):
            same = same_session(sessions, rows, other)
            there = other[same]
            scratch[there] = np.maximum(scratch[there], share[same])
            touched.append(there)
    return distinct(np.concatenate(touched))


def distinct(rows: Rows) -> Rows:
    """The rows, each once, ascending. `np.unique` imports a module when first called: it may block."""
    ordered = np.sort(rows)
    first = np.ones(len(ordered), np.bool_)
    first[1:] = ordered[1:] != ordered[:-1]
    return ordered[first]


def same_session(sessions: NDArray[np.int32], rows: Rows, other: Rows) -> NDArray[np.bool_]:
    """Which of `other` are there, and in the session of their row."""
    inside = (other >= 0) & (other < len(sessions))
    same: NDArray[np.bool_] = inside & (sessions[np.where(inside, other, rows)] == sessions[rows])
    return same


def links(
    index: UserIndex,
    names: Sequence[Sequence[Postings | None]],
    places: Sequence[Link],
    hidden: NDArray[np.bool_],
) -> Signal:
    """How closely facts connect a paragraph with the question, 0 to 1.

    1 where another name of what is asked about stands, `names` being the terms of each; and the share of a
    place in the paragraph that holds it. What is `hidden` leads nowhere.
    """
    n = len(hidden)
    shares = np.zeros(n, np.float32)
    for postings in names:
        shares[_having_all(index, postings, n)] = 1.0
    for place in places:
        via = [row for row in index.rows_of_turn.get(place.via, ()) if row < n] if place.via else []
        if via and hidden[via].all():
            continue
        for row in index.rows_at(place.turn_id, place.position, place.span):
            if row < n:
                shares[row] = max(shares[row], np.float32(place.share))
    return shares


def _having_all(index: UserIndex, postings: Sequence[Postings | None], n: int) -> Rows:
    """The paragraphs in which all of these terms stand."""
    if not postings or any(posting is None for posting in postings):
        return np.zeros(0, np.int64)
    known = [posting.chunk_ids for posting in postings if posting is not None]
    ids = known[0]
    for other in known[1:]:
        at = np.minimum(np.searchsorted(other, ids), len(other) - 1)
        ids = ids[other[at] == ids]
    rows, found = index.rows_of(ids)
    found &= rows < n
    return rows[found]


def who(index: UserIndex, question: Question, part: Part, *, mixed: bool) -> Signal:
    """+1 where the one who is asked about speaks, −1 elsewhere; 0 when that is nobody or several.

    `mixed`: not everything is the owner's.
    """
    if question.asked_of is not None:
        said = index.speaker_nos[part] == question.asked_of
    elif question.about_owner and mixed:
        said = index.owners[part]
    else:
        return np.zeros(len(index.owners[part]), np.float32)
    return np.where(said, np.float32(1), np.float32(-1))


def when(index: UserIndex, question: Question, part: Part) -> Signal:
    """exp(−days/7) to the time that the question names, 1 within it."""
    at = index.occurred_us[part]
    if question.since_us is None and question.until_us is None:
        return np.zeros(len(at), np.float32)
    distance = np.zeros(len(at), np.float64)
    if question.since_us is not None:
        distance = np.maximum(distance, question.since_us - at)
    if question.until_us is not None:
        distance = np.maximum(distance, at - question.until_us)
    return np.asarray(np.exp(-distance / (DAY_US * FADE_DAYS)), dtype=np.float32)


def order(occurred_us: NDArray[np.int64], close: NDArray[np.bool_], *, last: bool) -> Signal:
    """How late among the `close` ones each of them was said, 0 to 1, or how early; 0 for all others."""
    shares = np.zeros(len(close), np.float32)
    at = occurred_us[close]
    if len(at) and at.max() > at.min():
        late = (at - at.min()) / (at.max() - at.min())
        shares[close] = late if last else 1.0 - late
    return shares


def length(index: UserIndex, part: Part) -> Signal:
    """The logarithm of a paragraph's characters."""
    return np.log(np.maximum(index.lengths[part], 1)).astype(np.float32)
