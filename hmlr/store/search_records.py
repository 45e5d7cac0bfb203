"""What search reads of a store, and asks it for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from hmlr.records import BlockId, ChunkId, SessionId, StoredMessage, TurnId
from hmlr.store.encoded import Encoded


@dataclass(frozen=True, kw_only=True)
class ChunkFilter:
    """Which chunks may be hits; every condition given must hold."""

    session_id: SessionId | None = None
    block_id: BlockId | None = None
    speaker: str | None = None  # case-insensitive; "user" and "assistant" mean unnamed messages of that role
    since: datetime | None = None  # event time, inclusive
    until: datetime | None = None  # event time, exclusive
    known_until: datetime | None = None  # record time, inclusive
    metadata: Mapping[str, object] = field(default_factory=dict)  # each key must equal

    @property
    def empty(self) -> bool:
        """Whether it lets everything pass."""
        return self == ChunkFilter()


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """How far a user's search data has come; a changed epoch means: load again from zero."""

    epoch: int
    last_chunk: int
    last_vector: int


UNREAD = IndexState(epoch=-1, last_chunk=0, last_vector=0)


# The columns of chunks that search computes with, in the order in which they are read.
NUMBERS: dict[str, type[np.generic]] = {
    "chunk_ids": np.int64,
    "message_nos": np.int64,
    "term_counts": np.int32,
    "occurred_us": np.int64,
    "owners": np.bool_,
    "lengths": np.int32,
    "asks": np.bool_,
    "of_self": np.bool_,
}


@dataclass(frozen=True, kw_only=True)
class ChunkColumns:
    """Chunks as parallel columns, ascending by chunk id. All arrays have length n."""

    chunk_ids: NDArray[np.int64]
    message_nos: NDArray[np.int64]
    term_counts: NDArray[np.int32]
    occurred_us: NDArray[np.int64]  # event time, microseconds since 1970 UTC
    owners: NDArray[np.bool_]
    lengths: NDArray[np.int32]  # characters
    asks: NDArray[np.bool_]  # every sentence is a question
    of_self: NDArray[np.bool_]  # it says I, my, we …
    speakers: tuple[str, ...]  # the speaker's name, else the role
    turn_ids: tuple[TurnId, ...]
    sessions: tuple[SessionId, ...]


@dataclass(frozen=True, kw_only=True)
class VectorBatch:
    """Vectors of n chunks, ascending by vector number."""

    vector_nos: NDArray[np.int64]
    chunk_ids: NDArray[np.int64]
    encoded: Encoded


@dataclass(frozen=True, kw_only=True)
class IndexNews:
    """What has come to a user's search data since a state."""

    state: IndexState  # as far as these news go
    columns: ChunkColumns | None = None
    vectors: VectorBatch | None = None  # None without a model, too
    more: bool = False  # there was more than is read at once: to be asked for from `state` on


@dataclass(frozen=True, kw_only=True)
class Extent:
    """How much search has to do with."""

    chunks: int
    terms: int  # of all chunks together


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some chunks of a memory and what stands around them, with their vectors."""

    columns: ChunkColumns
    vectors: VectorBatch | None  # None: no model was asked for


@dataclass(frozen=True, kw_only=True)
class Postings:
    """Where one term stands: chunk ids (ascending) and how often in each. Both have length n."""

    chunk_ids: NDArray[np.int64]
    counts: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class ChunkRow:
    """A chunk with its text and its message."""

    chunk_id: ChunkId
    start: int
    end: int
    text: str
    message: StoredMessage
    seq: int
    block_id: BlockId | None
