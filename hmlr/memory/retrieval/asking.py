"""A question taken apart: whom and what time it asks about, and its vectors with their weights."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hmlr.language.dates import question_time
from hmlr.language.traits import speaks_of_self
from hmlr.memory.embeddings.port import Asked
from hmlr.memory.retrieval.columns import Signs, VectorColumns, words_of
from hmlr.memory.retrieval.moments import Bounds, order_asked
from hmlr.store.encoded import to_signs, token_signs

ROLES = frozenset({"user", "assistant", "system", "tool"})
MAX_PIECES = 64  # of a question that count: the rarest
# "What did you recommend": what the assistant said is asked for as much as what the user said.
_TO_ASSISTANT = re.compile(
    r"\b(?:did|have|had|were|was) you\b"
    r"|\byou(?:['’](?:d|ve))? (?:said|say|told|tell|gave|suggest|recommend|advis|mention|explain|propos)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What the signals need to know of a question; without a model `row` is None and there are no signs."""

    asked_of: int | None = None  # number of the only speaker who is named
    about_owner: bool = False  # first person, in a log of user and assistant
    since_us: int | None = None
    until_us: int | None = None
    order: Literal["first", "last"] | None = None  # the earliest or the latest of several
    plain: NDArray[np.float32] | None = None
    """`(dim,) float32, unit`: the question as a whole."""
    row: NDArray[np.float32] | None = None
    """`(dim,) float32, unit`: the mean of its pieces, weighted by rarity."""
    row_signs: Signs = field(default_factory=lambda: np.zeros(0, np.uint64))  # (words,), of `row`
    signs: Signs = field(default_factory=lambda: np.zeros((0, 0), np.uint64))  # (q, words), of its pieces
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """`(q,)`: rarity of each piece in this user's text; 0 for names of speakers."""


def take_apart(
    text: str,
    now: datetime,
    speakers: dict[str, int],
    asked: Asked | None,
    vectors: VectorColumns,
    *,
    bounds: Bounds | None = None,
) -> Question:
    """Read a question against what is stored; `bounds` are those of an event named in place of a date."""
    speaker = asked_of(text, speakers)
    time = bounds or question_time(text, now)
    question = Question(
        asked_of=None if speaker is None else speakers[speaker],
        about_owner=speaker is None and is_about_owner(text),
        since_us=None if time is None else _micros(time.since),
        until_us=None if time is None else _micros(time.until),
        order=order_asked(text),
    )
    return question if asked is None else _with_vectors(question, asked, set(speakers), vectors)


def _with_vectors(question: Question, asked: Asked, speakers: set[str], vectors: VectorColumns) -> Question:
    row, weights = asked.row, np.zeros(0, np.float32)
    if len(asked.pieces):
        found = vectors.frequencies.of(asked.pieces).astype(np.float64)
        rare = np.log(1.0 + (vectors.count - found + 0.5) / (found + 0.5)).clip(min=0).astype(np.float32)
        row = _weighted(asked, rare)
        weights = _without_names(rare, asked.words, speakers)
        if len(weights) > MAX_PIECES:
            weights = np.where(weights >= np.sort(weights)[-MAX_PIECES], weights, np.float32(0))
    return replace(
        question,
        plain=asked.row,
        row=row,
        row_signs=words_of(to_signs(row[None]))[0],
        signs=words_of(token_signs(asked.vectors)),
        weights=weights,
    )


def _weighted(asked: Asked, rare: NDArray[np.float32]) -> NDArray[np.float32]:
    row = rare @ asked.vectors
    norm = float(np.linalg.norm(row))
    return np.asarray(row / norm, dtype=np.float32) if norm > 0 else asked.row


def _without_names(
    rare: NDArray[np.float32], words: tuple[str, ...], speakers: set[str]
) -> NDArray[np.float32]:
    """Weights in which names of speakers count nothing, unless nothing else is asked: `who` is about them."""
    names = set().union(*(names_of(speaker) for speaker in speakers))
    kept = np.where([word in names for word in words], np.float32(0), rare)
    return kept if kept.any() else rare


def names_of(speaker: str) -> frozenset[str]:
    """The words by which a speaker may be named, case folded; none for the roles of a log."""
    if speaker in ROLES:
        return frozenset()
    return frozenset(part for part in re.findall(r"\w+", speaker.casefold()) if len(part) > 1)


def asked_of(question: str, speakers: Iterable[str]) -> str | None:
    """The only speaker whom a question names; None when none is, or several are."""
    words = {word.casefold() for word in re.findall(r"\w+", question)}
    named = [speaker for speaker in speakers if names_of(speaker) & words]
    return named[0] if len(named) == 1 else None


def is_about_owner(question: str) -> bool:
    """Whether a question is about what its owner said: first person, and not "did you say"."""
    return speaks_of_self(question) and _TO_ASSISTANT.search(question) is None


def _micros(at: datetime | None) -> int | None:
    return None if at is None else int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
