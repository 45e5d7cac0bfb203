"""The store on a relational database: what it can do, each call handed to the gate's connections.

Made by the adapters, `sqlite/store.py` and `postgres/store.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
from hmlr.store.slicing import Slicer
from hmlr.store.sql import apply as changing
from hmlr.store.sql import blocks as block_rows
from hmlr.store.sql import facts as fact_rows
from hmlr.store.sql import filter as filtering
from hmlr.store.sql import news as reading_news
from hmlr.store.sql import part as parts
from hmlr.store.sql import search as searching
from hmlr.store.sql import turns as turn_rows
from hmlr.store.sql.access import SqlAccess
from hmlr.store.sql.care_store import SqlCare
from hmlr.store.sql.garden_store import SqlGarden
from hmlr.store.sql.gate import Gate
from hmlr.store.sql.job_store import SqlJobs
from hmlr.store.sql.move_store import SqlMoves
from hmlr.store.sql.work_store import SqlWork


class SqlStore(SqlGarden, SqlJobs, SqlWork, SqlCare, SqlAccess, SqlMoves):
    """An open database; the contract is `hmlr.store.port.Store`."""

    def __init__(self, gate: Gate, slicer: Slicer) -> None:
        self._gate = gate
        self._slicer = slicer

    async def aclose(self) -> None:
        """Finish running writes and close; safe to call twice."""
        await self._gate.aclose()

    # Turns

    async def add_turns(
        self, user: UserId, turns: Sequence[NewTurn], *, changes: Sequence[Change] = ()
    ) -> list[AddedTurn]:
        """See TurnStore."""
        return await self._gate.write(user, lambda c: changing.add_turns(c, user, turns, changes))

    async def add_reply(
        self,
        user: UserId,
        turn_id: TurnId,
        reply: NewMessage,
        *,
        jobs: Sequence[JobKind] = (),
        erasures: int | None = None,
    ) -> None:
        """See TurnStore."""
        await self._gate.write(
            user, lambda c: turn_rows.add_reply(c, user, turn_id, reply, jobs=jobs, erasures=erasures)
        )

    async def turns(self, user: UserId, query: TurnQuery) -> list[Turn]:
        """See TurnStore."""
        return await self._gate.read(user, lambda c: turn_rows.read_turns(c, user, query))

    async def day_counts(
        self, user: UserId, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[DayCount]:
        """See TurnStore."""
        return await self._gate.read(user, lambda c: turn_rows.read_days(c, user, since, until))

    # Search

    async def index_news(self, user: UserId, model_id: str | None, known: IndexState) -> IndexNews:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: reading_news.index_news(c, user, model_id, known))

    async def former_model(self, user: UserId, model_id: str) -> str | None:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: reading_news.former_model(c, user, model_id))

    async def finds_vectors(self, user: UserId, model_id: str) -> bool:
        """See SearchStore; not unless the adapter can."""
        return False

    async def nearest(
        self, user: UserId, model_id: str, row: NDArray[np.float32], most: int
    ) -> list[ChunkId]:
        """See SearchStore; nothing unless the adapter can."""
        return []

    async def index_vectors(self, user: UserId, model_id: str) -> int:
        """See SearchStore; nothing unless the adapter can."""
        return 0

    async def extent(self, user: UserId) -> Extent:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: parts.extent(c, user))

    async def latest_chunks(self, user: UserId, most: int) -> list[ChunkId]:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: parts.latest_chunks(c, user, most))

    async def part(self, user: UserId, model_id: str | None, chunk_ids: Sequence[ChunkId]) -> Part:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: parts.read_part(c, user, model_id, chunk_ids))

    async def postings(self, user: UserId, terms: Sequence[str]) -> dict[str, Postings]:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: searching.postings(c, user, terms))

    async def chunk_ids(self, user: UserId, where: ChunkFilter) -> list[ChunkId]:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: filtering.chunk_ids(c, user, where))

    async def chunks(self, user: UserId, chunk_ids: Sequence[ChunkId]) -> list[ChunkRow]:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: searching.read_chunks(c, user, chunk_ids))

    async def turn_chunks(self, user: UserId, turn_ids: Sequence[TurnId]) -> list[ChunkRow]:
        """See SearchStore."""
        return await self._gate.read(user, lambda c: searching.turn_chunks(c, user, turn_ids))

    # Knowledge

    async def facts(self, user: UserId, query: FactQuery) -> list[Fact]:
        """See KnowledgeStore."""
        return await self._gate.read(user, lambda c: fact_rows.read_facts(c, user, query))

    async def fact_changes(self, user: UserId, after: int) -> FactChanges:
        """See KnowledgeStore."""
        return await self._gate.read(user, lambda c: fact_rows.fact_changes(c, user, after))

    async def fact_events(self, user: UserId, fact_ids: Sequence[FactId]) -> list[FactEvent]:
        """See KnowledgeStore."""
        return await self._gate.read(user, lambda c: fact_rows.read_events(c, user, fact_ids))

    async def blocks(
        self, user: UserId, *, block_ids: Sequence[BlockId] | None = None, limit: int | None = None
    ) -> list[StoredBlock]:
        """See KnowledgeStore."""
        return await self._gate.read(user, lambda c: block_rows.read_blocks(c, user, block_ids, limit))

    async def edits(self, user: UserId) -> list[Edit]:
        """See KnowledgeStore."""
        return await self._gate.read(user, lambda c: fact_rows.read_edits(c, user))

    async def apply(self, user: UserId, changes: Sequence[Change], *, finish: Sequence[Lease] = ()) -> None:
        """See KnowledgeStore."""
        await self._gate.write(user, lambda c: changing.apply(c, user, changes, finish))
