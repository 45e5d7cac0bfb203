"""What an embedding model says about texts, in the form in which it is stored and searched."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVELS = 7
# Signs of a token that are kept. Two thirds of MiniLM's 384 find as much as all (docs/decisions/0015).
TOKEN_DIMS = 256
_CHECKSUM_BYTES = 3  # an odd number: pieces are two bytes each, so that the length tells whether there is one


@dataclass(frozen=True, kw_only=True, eq=False)
class Encoded:
    """The vectors of n texts.

    Of each text one pooled vector, the signs of its tokens' vectors, and its distinct word pieces, from which
    rarity is counted. A model without token vectors gives none, and then no pieces.
    """

    pooled: NDArray[np.int8]  # (n, dim): directions, −7 to 7, each row scaled by its own largest value
    tokens: NDArray[np.uint8]  # (tokens of all texts, token_bytes(dim)): signs of the first dimensions
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
        """Each text's pooled vector, token signs and pieces as little-endian bytes, a checksum at the end."""
        tokens = np.split(self.tokens, np.cumsum(self.token_counts)[:-1]) if len(self) else []
        pieces = np.split(self.pieces.astype("<u2"), np.cumsum(self.piece_counts)[:-1]) if len(self) else []
        return [
            _signed(row.tobytes(), own.tobytes(), mine.tobytes())
            for row, own, mine in zip(_packed(self.pooled), tokens, pieces, strict=True)
        ]

    @classmethod
    def of_parts(cls, parts: Sequence[tuple[bytes, bytes, bytes]], dim: int) -> Encoded:
        """The reverse of `parts`. ValueError for another length than `dim` asks for, or a wrong checksum."""
        width = token_bytes(dim)
        half = -(-dim // 2)
        if any(len(row) != half or len(own) % width for row, own, _ in parts):
            raise ValueError("a stored vector has another length than its model's")
        if any(map(is_damaged, parts)):
            raise ValueError("a stored vector is damaged")
        rows, tokens, ends = zip(*parts, strict=True) if parts else ((), (), ())
        pieces = [_unsigned(end) for end in ends]
        token_counts = np.array([len(own) // width for own in tokens], np.int32)
        return cls(
            pooled=_unpacked(np.frombuffer(b"".join(rows), np.uint8).reshape(len(parts), half), dim),
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


def is_damaged(part: tuple[bytes, bytes, bytes]) -> bool:
    """Whether a text's bytes, as `parts` gave them, have changed since."""
    row, own, end = part
    # Those stored before there were checksums have none, and so an even number of bytes.
    return len(end) % 2 == 1 and _signed(row, own, _unsigned(end)) != part


def _signed(row: bytes, own: bytes, mine: bytes) -> tuple[bytes, bytes, bytes]:
    checksum = zlib.crc32(mine, zlib.crc32(own, zlib.crc32(row)))
    return row, own, mine + checksum.to_bytes(4, "little")[:_CHECKSUM_BYTES]


def _unsigned(end: bytes) -> bytes:
    return end[:-_CHECKSUM_BYTES] if len(end) % 2 else end


def to_levels(rows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Directions as whole numbers, −7 to 7, each row scaled by its own largest value; zero rows stay zero.

    Four bits a dimension keep a cosine within 0.01, and half the bytes of eight.
    """
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    return np.rint(rows * (LEVELS / np.where(largest > 0, largest, 1.0))).astype(np.int8)


def _packed(levels: NDArray[np.int8]) -> NDArray[np.uint8]:
    """Two levels a byte, `(n, dim)` to `(n, ceil(dim / 2))`."""
    nibbles = (levels + 8).astype(np.uint8)
    if nibbles.shape[1] % 2:
        nibbles = np.pad(nibbles, ((0, 0), (0, 1)), constant_values=8)
    return np.asarray(nibbles[:, 0::2] << 4 | nibbles[:, 1::2])


def _unpacked(packed: NDArray[np.uint8], dim: int) -> NDArray[np.int8]:
    """The reverse of `_packed`."""
    nibbles = np.empty((len(packed), 2 * packed.shape[1]), np.int8)
    nibbles[:, 0::2], nibbles[:, 1::2] = packed >> 4, packed & 15
    return nibbles[:, :dim] - np.int8(8)


def to_signs(rows: NDArray[np.float32] | NDArray[np.int8]) -> NDArray[np.uint8]:
    """One sign per dimension, `(n, dim)` to `(n, ceil(dim / 8))`."""
    return np.packbits(rows > 0, axis=1)


def token_bytes(dim: int) -> int:
    """Bytes of a token's signs, of vectors of that length."""
    return -(-min(dim, TOKEN_DIMS) // 8)


def token_signs(rows: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Signs of token vectors as they are stored, `(n, dim)` to `(n, token_bytes(dim))`."""
    return to_signs(rows[:, :TOKEN_DIMS])
