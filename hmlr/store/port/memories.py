"""What is said and what is known: turns, search data, facts, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmlr.records import BlockId, ChunkId, Fact, FactEvent, FactId, JobKind, Turn, TurnId, UserId
from hmlr.store.records import (
    AddedTurn,
    Change,
    DayCount,
    Edit,
    FactChanges,
    FactQuery,
    Lease,
    NewMessage,
    NewTurn,
    StoredBlock,
    TurnQuery,
)
from hmlr.store.search_records import ChunkFilter, ChunkRow, Extent, IndexNews, IndexState, Part, Postings


class TurnStore(Protocol):
    """Turns: append-only truth."""

    async def add_turns(
        self, user: UserId, turns: Sequence[NewTurn], *, changes: Sequence[Change] = ()
    ) -> list[AddedTurn]:
        """Store turns in the order given, all or none; each gets the next seq of the user.

        `changes` are made in the same transaction, after the turns; they fail as in `apply`.

        A turn whose idempotency key is known is not stored again: the answer names the first one.
        InvalidInput when that one had other content.
        """

    async def add_reply(
        self,
        user: UserId,
        turn_id: TurnId,
        reply: NewMessage,
        *,
        jobs: Sequence[JobKind] = (),
        erasures: int | None = None,
    ) -> None:
        """Store the reply of a turn. NotFound when the turn is gone, Conflict when it has one.

        `erasures` is that of the AddedTurn, told before anything was read for the reply. Conflict when the
        user has forgotten anything since: the reply may repeat it, and no store can tell. Compared in the
        transaction of the write, so that an erasure finds the reply stored or keeps it out. None, for a
        reply that was made of no memories, is not compared.
        """

    async def turns(self, user: UserId, query: TurnQuery) -> list[Turn]:
        """The turns that match, with their messages."""

    async def day_counts(
        self, user: UserId, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[DayCount]:
        """How many turns each day, topic and session has; by day, then by the first turn's event time.

        Event time from `since` to before `until`. Reads no text: some milliseconds for 100,000 turns.
        """


class SearchStore(Protocol):
    """What search reads. Chunks are the paragraphs of messages that are no echoes."""

    async def index_news(self, user: UserId, model_id: str | None, known: IndexState) -> IndexNews:
        """What search data has come since a state, read in one snapshot; cheap when there is none.

        A large memory comes in parts: first all chunks, ascending, then their vectors, until there is no
        `more`. Without columns when rows have gone since: all has to be read again, from UNREAD on.
        """

    async def former_model(self, user: UserId, model_id: str) -> str | None:
        """The other model with a vector where that model has none; of several the one with most vectors."""

    async def finds_vectors(self, user: UserId, model_id: str) -> bool:
        """Whether the database can find the user's vectors of that model by itself, as `nearest`; cheap."""

    async def nearest(
        self, user: UserId, model_id: str, row: NDArray[np.float32], most: int
    ) -> list[ChunkId]:
        """About the chunks whose pooled vectors are nearest to `row`, `(dim,)`; the nearest first.

        Empty where the database can't find vectors. What came in since `index_vectors` may be missing.
        """

    async def index_vectors(self, user: UserId, model_id: str) -> int:
        """Bring what `nearest` looks at up to date, made when missing; the number of vectors taken.

        For a memory too large to be read before its first answer. 0 where the database has no such index.
        """

    async def extent(self, user: UserId) -> Extent:
        """How many chunks and terms the user has; reads an index of all of them."""

    async def latest_chunks(self, user: UserId, most: int) -> list[ChunkId]:
        """The chunks with the highest ids, ascending."""

    async def part(self, user: UserId, model_id: str | None, chunk_ids: Sequence[ChunkId]) -> Part:
        """Columns and vectors of the chunks and of those in their turns and the turns next to these."""

    async def postings(self, user: UserId, terms: Sequence[str]) -> dict[str, Postings]:
        """Where each term stands in this user's chunks; unknown terms are left out."""

    async def chunk_ids(self, user: UserId, where: ChunkFilter) -> list[ChunkId]:
        """Ids of the chunks that pass, ascending."""

    async def chunks(self, user: UserId, chunk_ids: Sequence[ChunkId]) -> list[ChunkRow]:
        """The chunks in the order of the ids; ids that are gone are left out."""

    async def turn_chunks(self, user: UserId, turn_ids: Sequence[TurnId]) -> list[ChunkRow]:
        """The chunks of the turns, ascending by id."""


class KnowledgeStore(Protocol):
    """Facts, blocks and the user's edits."""

    async def facts(self, user: UserId, query: FactQuery) -> list[Fact]:
        """The facts that match."""

    async def fact_changes(self, user: UserId, after: int) -> FactChanges:
        """What became of the user's facts since version `after`, 0 for nothing known; cheap for nothing."""

    async def fact_events(self, user: UserId, fact_ids: Sequence[FactId]) -> list[FactEvent]:
        """The history of the facts, oldest first."""

    async def blocks(
        self, user: UserId, *, block_ids: Sequence[BlockId] | None = None, limit: int | None = None
    ) -> list[StoredBlock]:
        """Blocks, the one with the latest turn (by seq) first."""

    async def edits(self, user: UserId) -> list[Edit]:
        """The user's own edits in the order they were made."""

    async def apply(self, user: UserId, changes: Sequence[Change], *, finish: Sequence[Lease] = ()) -> None:
        """Make all changes and finish the leased jobs in one transaction, or none of it.

        LeaseLost when a job was taken over, Conflict when a record is not as expected.
        """
