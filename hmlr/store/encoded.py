"""What an embedding model says about texts, in the form in which it is stored and searched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """The vectors of n texts.

    Of each text one pooled vector, the signs of its tokens' vectors, and its distinct word pieces, from which
    rarity is counted. A model without token vectors gives none, and then no pieces.
    """

    pooled: NDArray[np.int8]  # (n, dim): directions, each row scaled by its own largest value
    tokens: NDArray[np.uint8]  # (tokens of all texts, ceil(dim / 8)): one sign per dimension
    token_counts: NDArray[np.int32]  # (n,)
    pieces: NDArray[np.uint16]  # (pieces of all texts,)
    piece_counts: NDArray[np.int32]  # (n,)

    def __len__(self) -> int:
        return len(self.pooled)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.pooled.shape[1])

    def parts(self) -> list[tuple[bytes, bytes, bytes]]:
        """Each text's pooled vector, token signs and pieces as bytes, little-endian."""
        tokens = np.split(self.tokens, np.cumsum(self.token_counts)[:-1]) if len(self) else []
        pieces = np.split(self.pieces.astype("<u2"), np.cumsum(self.piece_counts)[:-1]) if len(self) else []
        return [
            (row.tobytes(), own.tobytes(), mine.tobytes())
            for row, own, mine in zip(self.pooled, tokens, pieces, strict=True)
        ]

    @classmethod
    def of_parts(cls, parts: Sequence[tuple[bytes, bytes, bytes]], dim: int) -> Encoded:
        """The reverse of `parts`. ValueError when a part has another length than `dim` asks for."""
        width = -(-dim // 8)
        if any(len(row) != dim or len(own) % width or len(mine) % 2 for row, own, mine in parts):
            raise ValueError("a stored vector has another length than its model's")
        rows, tokens, pieces = zip(*parts, strict=True) if parts else ((), (), ())
        token_counts = np.array([len(own) // width for own in tokens], np.int32)
        return cls(
            pooled=np.frombuffer(b"".join(rows), np.int8).reshape(len(parts), dim),
            tokens=np.frombuffer(b"".join(tokens), np.uint8).reshape(int(token_counts.sum()), width),
            token_counts=token_counts,
            pieces=np.frombuffer(b"".join(pieces), "<u2").astype(np.uint16),
            piece_counts=np.array([len(mine) // 2 for mine in pieces], np.int32),
        )

    @classmethod
    def joined(cls, parts: Sequence[Encoded], dim: int) -> Encoded:
        """One after the other."""
        if not parts:
            return cls.of_parts((), dim)
        names = ("pooled", "tokens", "token_counts", "pieces", "piece_counts")
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def to_int8(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Directions as int8, each row scaled by its own largest value; a zero row stays zero."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    return np.rint(rows * (127.0 / np.where(largest > 0, largest, 1.0))).astype(np.int8)


def to_signs(rows: NDArray[np.float32] | NDArray[np.int8]) -> NDArray[np.uint8]:
    """One sign per dimension, `(n, dim)` to `(n, ceil(dim / 8))`."""
    return np.packbits(rows > 0, axis=1)
