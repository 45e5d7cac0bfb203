"""An embedder without a model: hashed words and letter triples, for tests and demonstrations."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

WORD = re.compile(r"\w+")
WORD_WEIGHT = 2.0  # a shared word says more than a shared triple of letters


class HashEmbedder:
    """Gives texts that share words or spelling a high cosine; the same in every process and on every machine.

    `delay_s` makes each call sleep, as a slow model would, so that a test can see who waits for it.
    """

    def __init__(self, dim: int = 64, *, delay_s: float = 0.0) -> None:
        self._dim = dim
        self._delay_s = delay_s

    @property
    def model_id(self) -> str:
        return f"hash-{self._dim}"

    @property
    def dim(self) -> int:
        return self._dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return `(n, dim) float32, unit rows`; a text without a letter or digit gives a zero row."""
        if self._delay_s:
            time.sleep(self._delay_s)
        rows = np.zeros((len(texts), self._dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            self._fill(row, text)
        return rows

    def _fill(self, row: NDArray[np.float32], text: str) -> None:
        """Count the features of `text` into `row` and give it unit length."""
        for feature, weight in _features(text):
            place, sign = _bucket(feature, self._dim)
            row[place] += sign * weight
        length = float(np.linalg.norm(row))
        if length:
            row /= length


def _features(text: str) -> Iterator[tuple[str, float]]:
    """Yield each distinct feature with its weight; a repeated word counts by the root of its count."""
    counts: Counter[str] = Counter()
    for word in WORD.findall(text.casefold()):
        counts[f"w:{word}"] += 1
        framed = f"^{word}$"
        counts.update(f"t:{framed[i : i + 3]}" for i in range(len(framed) - 2))
    for feature, count in counts.items():
        yield feature, count**0.5 * (WORD_WEIGHT if feature.startswith("w:") else 1.0)


def _bucket(feature: str, dim: int) -> tuple[int, float]:
    """Return the feature's place and sign; signs let collisions cancel instead of adding up."""
    # "surrogatepass": half a character, as a broken export may hold, is a feature like any other.
    digest = blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    number = int.from_bytes(digest, "little")
    return (number >> 1) % dim, 1.0 if number & 1 else -1.0
