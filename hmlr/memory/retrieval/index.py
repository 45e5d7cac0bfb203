"""A user's search data in memory: columns of paragraphs and their vectors, derived and always replaceable."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hmlr.memory.retrieval.columns import VectorColumns, grown
from hmlr.records import SessionId, TurnId, UserId
from hmlr.store.port import SearchStore
from hmlr.store.records import ChunkColumns, IndexState
from hmlr.threads import unless_brief

# How many users' indexes stay in memory; a further one is loaded again when asked for.
MAX_USERS = 64
BRIEF_ROWS = 16  # of a turn or two

# The columns that are taken over from the store as they are.
_TAKEN: dict[str, type] = {
    "chunk_ids": np.int64,
    "message_nos": np.int64,
    "term_counts": np.int32,
    "occurred_us": np.int64,
    "owners": np.bool_,
    "lengths": np.int32,
    "asks": np.bool_,
    "of_self": np.bool_,
}


@dataclass
class UserIndex:
    """Paragraphs of one user as parallel arrays of length n, ascending by chunk id.

    Only `IndexCache` changes it, by appending; a row, once there, is never moved or changed but for its
    vector, which may come later than its text. Searches may run in other threads meanwhile: they use `n` as
    it was when they began, read an array through one reference, and never walk through a dict itself.
    """

    n: int = 0
    model_id: str | None = None  # whose vectors they are
    state: IndexState = field(default_factory=lambda: IndexState(epoch=-1, last_chunk=0, last_vector=0))
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
        for name in _TAKEN:
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
            for name in (*_TAKEN, "speaker_nos", "session_nos"):
                setattr(self, name, grown(getattr(self, name), self.n, size))


class IndexCache:
    """Indexes of the users seen last, brought up to date from the store before every use."""

    def __init__(self, store: SearchStore) -> None:
        self._store = store
        self._indexes: OrderedDict[UserId, UserIndex] = OrderedDict()
        self._locks: dict[UserId, asyncio.Lock] = {}

    async def fresh(self, user: UserId, model_id: str | None) -> UserIndex:
        """The user's index as of now, with what other processes wrote and the vectors of that model."""
        lock = self._locks.setdefault(user, asyncio.Lock())
        async with lock:
            state = await self._store.index_state(user, model_id or "")
            index = self._indexes.get(user)
            if index is None or (index.state.epoch, index.model_id) != (state.epoch, model_id):
                index = UserIndex(model_id=model_id)
            if index.state != state:
                await self._extend(user, index, state)
            self._indexes[user] = index
            self._indexes.move_to_end(user)
            while len(self._indexes) > MAX_USERS:
                gone, _ = self._indexes.popitem(last=False)
                self._locks.pop(gone, None)
            return index

    async def _extend(self, user: UserId, index: UserIndex, state: IndexState) -> None:
        """Load what is new. Row counts decide nothing: the store's own high-water marks do."""
        last_chunk, last_vector = index.state.last_chunk, index.state.last_vector
        batch = None
        # Vectors first: the paragraph of each is older, so that it is among the columns read after it.
        if index.model_id is not None:
            batch = await self._store.vectors(user, index.model_id, last_vector)
        columns = await self._store.chunk_columns(user, last_chunk)
        count = len(columns.chunk_ids)
        await unless_brief(count <= BRIEF_ROWS and index.has_room(count), index.append, columns)
        if batch is not None and len(batch.vector_nos):
            rows, found = index.rows_of(batch.chunk_ids)
            brief = len(rows) <= BRIEF_ROWS and index.vectors.has_room(index.n, batch.encoded)
            await unless_brief(brief, index.vectors.put, index.n, rows, found, batch.encoded)
            last_vector = int(batch.vector_nos[-1])
        if count:
            last_chunk = int(columns.chunk_ids[-1])
        # Marks of what was really read: a write between the two reads is picked up next time. What the
        # state promised and is gone since was erased, under an epoch of its own.
        index.state = IndexState(
            epoch=state.epoch,
            last_chunk=max(last_chunk, state.last_chunk),
            last_vector=max(last_vector, state.last_vector),
        )
