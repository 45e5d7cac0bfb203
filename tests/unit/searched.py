"""A search index made by hand: paragraphs as short words about who, when and where, and vectors by number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.embeddings.port import Asked
from hmlr.memory.retrieval.index import UserIndex
from hmlr.records import SessionId, TurnId
from hmlr.store.encoded import Encoded
from hmlr.store.search_records import ChunkColumns, Postings

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
FIRST = 10  # chunk id of row 0


def columns(n: int, first: int = FIRST, **given: Any) -> ChunkColumns:
    """n paragraphs of one speaker and session, each a message of its own; `days` is their age."""
    days = given.pop("days", [0.0] * n)
    at = [int((NOW - timedelta(days=age)).timestamp() * 1e6) for age in days]
    values: dict[str, Any] = {
        "chunk_ids": np.arange(first, first + n, dtype=np.int64),
        "message_nos": np.arange(first, first + n, dtype=np.int64),
        "term_counts": np.full(n, 5, np.int32),
        "occurred_us": np.array(at, np.int64),
        "owners": np.zeros(n, np.bool_),
        "lengths": np.full(n, 50, np.int32),
        "asks": np.zeros(n, np.bool_),
        "of_self": np.zeros(n, np.bool_),
        "speakers": ("Ann",) * n,
        "turn_ids": tuple(TurnId(f"t{first + row}") for row in range(n)),
        "sessions": (SessionId("s"),) * n,
    }
    for name, value in given.items():
        like = values[name]
        values[name] = np.array(value, like.dtype) if isinstance(like, np.ndarray) else tuple(value)
    return ChunkColumns(**values)


def index(n: int, **given: Any) -> UserIndex:
    made = UserIndex()
    made.append(columns(n, **given))
    return made


def put(made: UserIndex, encoded: Encoded, rows: Sequence[int] | None = None) -> None:
    """Vectors of these rows, of all when not told."""
    at = np.arange(made.n) if rows is None else np.array(rows, np.int64)
    made.vectors.put(made.n, at, np.ones(len(at), np.bool_), encoded)


def posting(*rows: int, counts: Sequence[int] | None = None) -> Postings:
    """A term that stands in these rows."""
    return Postings(
        chunk_ids=np.array(rows, np.int64) + FIRST, counts=np.array(counts or [1] * len(rows), np.int32)
    )


def hidden(n: int, *rows: int) -> NDArray[np.bool_]:
    return np.isin(np.arange(n), rows)


def asked(vectors: Any, *, pieces: Sequence[int] | None = None, words: Sequence[str] = ()) -> Asked:
    """A question of these word pieces."""
    rows = np.asarray(vectors, np.float32)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    whole = rows.sum(axis=0)
    return Asked(
        row=whole / np.linalg.norm(whole),
        vectors=rows,
        pieces=np.array(pieces if pieces is not None else range(len(rows)), np.uint16),
        words=tuple(words) or tuple(f"word{n}" for n in range(len(rows))),
    )
