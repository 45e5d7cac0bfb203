"""Token vectors of the default model: centred, reduced to signs, without what says nothing.

MiniLM's token vectors crowd into a cone; with its axis taken out they tell words in their context apart
(docs/decisions/0015). The axis is a constant of the model (`minilm_mean.bin`, made by
`python -m benchmarks.token_mean`), so that a vector never depends on what else is stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmlr.language.tokens import STOP_WORDS
from hmlr.memory.embeddings.port import Asked
from hmlr.store.encoded import Encoded, to_levels, token_bytes, token_signs

MEAN_FILE = "minilm_mean.bin"
_FRAME = ("[CLS]", "[SEP]", "[PAD]")
_NO_WORD = re.compile(r"\W+")


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows of length 1; zero rows stay zero."""
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.float32(1e-9)), dtype=np.float32)


@lru_cache(maxsize=1)
def token_mean() -> NDArray[np.float32]:
    """`(384,) float32`: the mean of unit token vectors."""
    data = resources.files(__package__ or "").joinpath(MEAN_FILE).read_bytes()
    return np.frombuffer(data, "<f4").astype(np.float32)


class Vocabulary:
    """What can be told of a word piece by its number."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._names = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]

    @cached_property
    def words(self) -> NDArray[np.bool_]:
        """`(vocabulary,)`: more than punctuation, and no mark of the model."""
        return np.array([name not in _FRAME and not _NO_WORD.fullmatch(name) for name in self._names])

    @cached_property
    def goes_on(self) -> NDArray[np.bool_]:
        """`(vocabulary,)`: goes on the piece before it."""
        return np.array([name.startswith("##") for name in self._names])

    @cached_property
    def stops(self) -> NDArray[np.bool_]:
        """`(vocabulary,)`: a function word, when no piece goes it on."""
        return np.array([name in STOP_WORDS for name in self._names])

    @lru_cache(maxsize=1024)  # noqa: B019 - lives as long as the model, one for all
    def head_length(self, speaker: str) -> int:
        """How many pieces name a speaker before what was said."""
        return len(self._tokenizer.encode(f"{speaker}:").ids) - 2

    def content(self, ids: NDArray[np.int64], *, head: int) -> NDArray[np.bool_]:
        """Which pieces of a text are kept, frame included in `ids`: words that say something, after the head.

        A text of nothing but function words keeps them, and one of nothing but punctuation keeps all.
        """
        words = self.words[ids]
        words[: head + 1] = False
        followed = np.zeros(len(ids), np.bool_)
        followed[:-1] = self.goes_on[ids[1:]]
        kept = words & ~(self.stops[ids] & ~followed)
        for other in (words, np.arange(len(ids)) > head):
            if not kept.any():
                kept = other
        return kept

    def spelled(self, ids: NDArray[np.int64]) -> list[str]:
        """The word that each piece is of."""
        starts = [at for at, number in enumerate(ids) if not at or not self.goes_on[number]]
        spelled: list[str] = []
        for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
            word = "".join(self._names[number].removeprefix("##") for number in ids[start:end])
            spelled += [word] * (end - start)
        return spelled


@dataclass(frozen=True, eq=False)
class Part:
    """What is stored of one text."""

    pooled: NDArray[np.float32]  # (384,), of any length
    tokens: NDArray[np.uint8]  # (tokens, token_bytes(384))
    pieces: NDArray[np.uint16]


def part(ids: NDArray[np.int64], states: NDArray[np.float32], head: int, names: Vocabulary) -> Part:
    """What is stored of a text, by its pieces and their states, `(pieces, 384)`, frame included."""
    vectors = unit(unit(states) - token_mean())
    words = names.words[ids]
    return Part(
        pooled=vectors[words].sum(axis=0) if words.any() else vectors.sum(axis=0),
        tokens=token_signs(vectors[names.content(ids, head=head)]),
        pieces=np.unique(ids[words]).astype(np.uint16),
    )


def encoded(parts: Sequence[Part]) -> Encoded:
    """What is stored of texts, one after the other."""
    dim = len(token_mean())
    return Encoded(
        pooled=to_levels(np.array([each.pooled for each in parts], np.float32).reshape(-1, dim)),
        tokens=np.concatenate([np.zeros((0, token_bytes(dim)), np.uint8), *(each.tokens for each in parts)]),
        token_counts=np.array([len(each.tokens) for each in parts], np.int32),
        pieces=np.concatenate([np.zeros(0, np.uint16), *(each.pieces for each in parts)]),
        piece_counts=np.array([len(each.pieces) for each in parts], np.int32),
    )


def asked(ids: NDArray[np.int64], states: NDArray[np.float32], names: Vocabulary) -> Asked:
    """What a question is searched with: its pieces and their states, `(pieces, 384)`, frame included."""
    vectors = unit(unit(states) - token_mean())
    words = names.words[ids]
    if not words.any():
        words = np.ones(len(ids), np.bool_)
    return Asked(
        row=unit(vectors[words].sum(axis=0)),
        vectors=vectors[words],
        pieces=ids[words].astype(np.uint16),
        words=tuple(np.array(names.spelled(ids))[words].tolist()),
    )
