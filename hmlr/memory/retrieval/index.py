"""A user's search data in memory: columns of paragraphs and their vectors, derived and always replaceable."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.retrieval.columns import VectorColumns, grown
from hmlr.records import SessionId, TurnId
from hmlr.store.search_records import NUMBERS, UNREAD, ChunkColumns, Extent, IndexState

TURN_BYTES = 300  # a turn's id, its place in the list, and its rows


@dataclass
class UserIndex:
    """Paragraphs of one user as parallel arrays of length n, ascending by chunk id.

    Only `IndexCache` changes it, by appending; a row, once there, is never moved or changed but for its
    vector, which may come later than its text. Searches may run in other threads meanwhile: they use `n` as
    it was when they began, read an array through one reference, and never walk through a dict itself.
    """

    n: int = 0
    model_id: str | None = None  # whose vectors they are
    of: Extent | None = None  # of the whole memory, when this is a part of it
    offered: int = 0  # vectors that there were when the database was last asked to find them by itself
    read_at: float = 0.0  # when what is newer was last asked for, by the event loop's clock
    state: IndexState = UNREAD
    chunk_ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    message_nos: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    term_counts: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    occurred_us: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    owners: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    lengths: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    asks: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    of_self: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    speaker_nos: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    session_nos: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    vectors: VectorColumns = field(default_factory=VectorColumns)
    speakers: dict[str, int] = field(default_factory=dict)  # speaker_nos are its values
    turn_ids: list[TurnId] = field(default_factory=list)
    sessions: dict[SessionId, int] = field(default_factory=dict)  # session_nos are its values
    total_terms: int = 0
    # Tuples of numbers, which the garbage collector leaves alone: its pauses would grow with the memory.
    rows_of_turn: dict[TurnId, tuple[int, ...]] = field(default_factory=dict)

    @property
    def held_bytes(self) -> int:
        """About how much memory it takes."""
        columns: int = sum(getattr(self, name).nbytes for name in (*NUMBERS, "speaker_nos", "session_nos"))
        return columns + self.vectors.held_bytes + TURN_BYTES * len(self.turn_ids)

    def rows_of(self, chunk_ids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Row numbers of chunk ids, and which of them are here; rows of absent ones are meaningless."""
        rows = np.searchsorted(self.chunk_ids[: self.n], chunk_ids)
        inside = rows < self.n
        found = inside.copy()
        found[inside] = self.chunk_ids[rows[inside]] == chunk_ids[inside]
        return rows.astype(np.int64), found

    def rows_at(self, turn_id: TurnId, position: int, span: tuple[int, int]) -> list[int]:
        """Row numbers of the paragraphs in which a stretch of characters of a turn's message stands.

        A message's paragraphs put together are its text; one that is not searched, a reply made of memories,
        comes after all that are.
        """
        rows = self.rows_of_turn.get(turn_id, ())
        messages = list(dict.fromkeys(int(self.message_nos[row]) for row in rows))
        found, start = [], 0
        for row in rows:
            if messages.index(int(self.message_nos[row])) != position:
                continue
            end = start + int(self.lengths[row])
            if start < span[1] and end > span[0]:
                found.append(row)
            start = end
        return found

    def append(self, columns: ChunkColumns) -> None:
        """Take further paragraphs; ids above all that are here."""
        count = len(columns.chunk_ids)
        if not count:
            return
        start, end = self.n, self.n + count
        self._reserve(end)
        for name in NUMBERS:
            getattr(self, name)[start:end] = getattr(columns, name)
        # A grown copy takes the place of the old one: a search may be walking through that meanwhile.
        speakers = dict(self.speakers)
        self.speaker_nos[start:end] = [speakers.setdefault(name, len(speakers)) for name in columns.speakers]
        self.speakers = speakers
        self.session_nos[start:end] = [
            self.sessions.setdefault(name, len(self.sessions)) for name in columns.sessions
        ]
        for offset, turn_id in enumerate(columns.turn_ids):
            self.rows_of_turn[turn_id] = (*self.rows_of_turn.get(turn_id, ()), start + offset)
        self.turn_ids.extend(columns.turn_ids)
        self.total_terms += int(columns.term_counts.sum())
        self.n = end

    def has_room(self, count: int) -> bool:
        """Whether so many paragraphs more fit without growing the arrays, which copies them."""
        return self.n + count <= len(self.chunk_ids)

    def _reserve(self, size: int) -> None:
        if size > len(self.chunk_ids):
            for name in (*NUMBERS, "speaker_nos", "session_nos"):
                setattr(self, name, grown(getattr(self, name), self.n, size))
