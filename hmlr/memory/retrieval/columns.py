"""Vectors of a user's paragraphs in memory, arranged for counting signs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmlr.store.encoded import TOKEN_DIMS, Encoded, to_signs

Signs = NDArray[np.uint64]
WORD = 64
PIECES = 1 << 16  # word pieces are numbered by uint16
SPARE = 8  # one part in so many of an array stays free for what comes


def grown(array: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """A larger copy with an eighth to spare: appending costs what is appended, not what is there."""
    capacity = max(size + size // SPARE, 256)
    larger = np.zeros((capacity, *array.shape[1:]), array.dtype)
    larger[:used] = array[:used]
    return larger


def wider(planes: NDArray[Any], used: int, size: int) -> NDArray[Any]:
    """`grown` for an array whose second axis is the long one."""
    capacity = max(size + size // SPARE, 256)
    larger = np.zeros((len(planes), capacity), planes.dtype)
    larger[:, :used] = planes[:, :used]
    return larger


def words_of(signs: NDArray[np.uint8]) -> Signs:
    """Packed signs as 64-bit words, `(n, bytes)` to `(n, words)`, padded with zeros."""
    width = -(-signs.shape[1] * 8 // WORD) * 8
    padded = np.zeros((len(signs), width), np.uint8)
    padded[:, : signs.shape[1]] = signs
    return padded.view(np.uint64)


@dataclass(frozen=True)
class PieceCounts:
    """In how many paragraphs each word piece stands; those that stand in none take no room."""

    pieces: NDArray[np.uint16] = field(default_factory=lambda: np.zeros(0, np.uint16))  # (k,), ascending
    counts: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # (k,)

    @property
    def held_bytes(self) -> int:
        """How much memory the arrays take."""
        return self.pieces.nbytes + self.counts.nbytes

    def of(self, pieces: NDArray[np.uint16]) -> NDArray[np.int32]:
        """The counts of some pieces, 0 for one that stands nowhere."""
        if not len(self.pieces):
            return np.zeros(len(pieces), np.int32)
        at = np.searchsorted(self.pieces, pieces).clip(max=len(self.pieces) - 1)
        return np.where(self.pieces[at] == pieces, self.counts[at], np.int32(0))

    def plus(self, pieces: NDArray[np.uint16]) -> PieceCounts:
        """These counts and those of further paragraphs, of each its distinct pieces."""
        total = np.bincount(pieces, minlength=PIECES)
        total[self.pieces] += self.counts
        there = np.flatnonzero(total)
        return PieceCounts(there.astype(np.uint16), total[there].astype(np.int32))


@dataclass
class VectorColumns:
    """By paragraph its pooled vector and the place of its tokens' signs.

    Rows beyond `capacity` have no vector yet, like those that are not `present`. Tokens stand in the order in
    which they came; searches in other threads may read while this is appended to, since what is there is
    never moved.
    """

    dim: int = 0  # known with the first vectors
    count: int = 0  # paragraphs that have a vector
    pooled: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))  # (capacity, dim)
    # (words, capacity), of pooled: a scan of everything goes word by word
    signs: Signs = field(default_factory=lambda: np.zeros((0, 0), np.uint64))
    starts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))  # (capacity,)
    counts: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))  # (capacity,) of tokens
    present: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))  # (capacity,)
    tokens: Signs = field(default_factory=lambda: np.zeros((0, 0), np.uint64))  # (tokens, words)
    total_tokens: int = 0
    frequencies: PieceCounts = field(default_factory=PieceCounts)

    @property
    def held_bytes(self) -> int:
        """How much memory the arrays take."""
        arrays = sum(each.nbytes for each in vars(self).values() if isinstance(each, np.ndarray))
        return arrays + self.frequencies.held_bytes

    @property
    def token_dims(self) -> int:
        """Signs of a token."""
        return min(self.dim, TOKEN_DIMS)

    def known(self, part: slice | NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of some paragraphs have a vector."""
        if isinstance(part, slice):
            known = np.zeros(part.stop - part.start, np.bool_)
            found = self.present[part]
            known[: len(found)] = found
            return known
        known = part < len(self.present)
        known[known] = self.present[part[known]]
        return known

    def row(self, at: int) -> NDArray[np.float32] | None:
        """The unit vector of a paragraph, None when it has none."""
        if at >= len(self.pooled) or not self.pooled[at].any():
            return None
        values = self.pooled[at].astype(np.float32)
        return np.asarray(values / np.linalg.norm(values), dtype=np.float32)

    def has_room(self, n: int, encoded: Encoded) -> bool:
        """Whether these vectors fit without growing the arrays."""
        tokens = self.total_tokens + len(encoded.tokens)
        return n <= len(self.pooled) and tokens <= len(self.tokens)

    def put(self, n: int, rows: NDArray[np.int64], found: NDArray[np.bool_], encoded: Encoded) -> None:
        """Put vectors at their paragraphs, of which there are n; those that are not `found` are dropped."""
        if not self.dim:
            self._open(encoded.dim)
        self._reserve(n, len(encoded.tokens))
        at = rows[found]
        fresh = np.asarray(~self.present[at])  # made anew, a vector has the pieces that it had
        self._count_pieces(encoded, found, fresh)
        self.pooled[at] = encoded.pooled[found]
        self.signs[:, at] = words_of(to_signs(encoded.pooled[found])).T
        end = self.total_tokens + len(encoded.tokens)
        self.tokens[self.total_tokens : end] = words_of(encoded.tokens)
        starts = self.total_tokens + np.cumsum(encoded.token_counts) - encoded.token_counts
        self.starts[at], self.counts[at] = starts[found], encoded.token_counts[found]
        self.present[at] = True  # last, so that a search which sees it sees the rest
        self.total_tokens = end
        self.count += int(fresh.sum())

    def _open(self, dim: int) -> None:
        words, token_words = (-(-dims // WORD) for dims in (dim, min(dim, TOKEN_DIMS)))
        self.dim = dim
        self.pooled = np.zeros((0, dim), np.int8)
        self.signs, self.tokens = np.zeros((words, 0), np.uint64), np.zeros((0, token_words), np.uint64)

    def _reserve(self, n: int, tokens: int) -> None:
        if n > len(self.pooled):
            used = len(self.pooled)
            self.signs = wider(self.signs, used, n)
            for name in ("pooled", "starts", "counts", "present"):
                setattr(self, name, grown(getattr(self, name), used, n))
        if self.total_tokens + tokens > len(self.tokens):
            self.tokens = grown(self.tokens, self.total_tokens, self.total_tokens + tokens)

    def _count_pieces(self, encoded: Encoded, found: NDArray[np.bool_], fresh: NDArray[np.bool_]) -> None:
        counted = found.copy()
        counted[found] = fresh
        pieces = encoded.pieces[np.repeat(counted, encoded.piece_counts)]
        self.frequencies = self.frequencies.plus(pieces)
