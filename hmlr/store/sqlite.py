"""The store on one SQLite file: what it can do, each call handed to the thread that does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hmlr.errors import ConfigurationError
from hmlr.records import (
    BlockId,
    Check,
    ChunkId,
    DayLimit,
    Fact,
    FactEvent,
    FactId,
    JobKind,
    Stats,
    StoredMessage,
    Turn,
    TurnId,
    Usage,
    UserId,
)
from hmlr.store import (
    sqlite_apply,
    sqlite_blocks,
    sqlite_care,
    sqlite_check,
    sqlite_erase,
    sqlite_export,
    sqlite_facts,
    sqlite_filter,
    sqlite_import,
    sqlite_jobs,
    sqlite_leases,
    sqlite_purge,
    sqlite_search,
    sqlite_spending,
    sqlite_turns,
)
from hmlr.store.port import ExportRecord, Store
from hmlr.store.records import (
    AddedTurn,
    Change,
    ChunkColumns,
    ChunkFilter,
    ChunkRow,
    DayCount,
    Edit,
    Erased,
    ErasePlan,
    FactChanges,
    FactQuery,
    IndexState,
    JobCounts,
    Lease,
    NewMessage,
    NewTurn,
    Postings,
    StoredBlock,
    TurnQuery,
    VectorBatch,
)
from hmlr.store.slicing import Slicer
from hmlr.store.sqlite_access import SqliteAccess
from hmlr.store.sqlite_engine import Database
from hmlr.store.sqlite_garden_store import SqliteGarden
from hmlr.store.sqlite_gate import Gate
from hmlr.store.sqlite_readers import Readers
from hmlr.store.sqlite_writer import Writer


async def open_sqlite(
    path: Path,
    *,
    slicer: Slicer,
    durability: str = "full",
    busy_timeout_s: float = 30.0,
    readers: int = 4,
) -> SqliteStore:
    """Open the database file, made when missing, with its schema brought up to date.

    `slicer` cuts a message into chunks with their terms, for import and rebuild. `durability` is "full"
    (every answered write survives power loss) or "fast" (the last writes may not).
    Raises StorageError of all kinds and SchemaTooNew, leaving the file untouched.
    """
    if durability not in ("full", "fast"):
        raise ConfigurationError(f"unknown durability {durability!r}", hint="Use full or fast")
    database = Database(path, durability=durability, busy_timeout_s=busy_timeout_s)
    link = await asyncio.to_thread(database.prepare)
    return SqliteStore(database, Gate(database, Writer(database, link), Readers(database, readers)), slicer)


class SqliteStore(SqliteGarden, SqliteAccess):
    """An open SQLite file; the contract is `hmlr.store.port.Store`. Made by open_sqlite()."""

    def __init__(self, database: Database, gate: Gate, slicer: Slicer) -> None:
        self._database = database
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
        return await self._gate.write(lambda c: sqlite_apply.add_turns(c, user, turns, changes))

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
            lambda c: sqlite_turns.add_reply(c, user, turn_id, reply, kinds=jobs, erasures=erasures)
        )

    async def turns(self, user: UserId, query: TurnQuery) -> list[Turn]:
        """See TurnStore."""
        return await self._gate.read(lambda c: sqlite_turns.read_turns(c, user, query))

    async def day_counts(
        self, user: UserId, *, since: datetime | None = None, until: datetime | None = None
    ) -> list[DayCount]:
        """See TurnStore."""
        return await self._gate.read(lambda c: sqlite_turns.read_days(c, user, since, until))

    # Search

    async def index_state(self, user: UserId, model_id: str) -> IndexState:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.index_state(c, user, model_id))

    async def chunk_columns(self, user: UserId, after_chunk: int) -> ChunkColumns:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.chunk_columns(c, user, after_chunk))

    async def former_model(self, user: UserId, model_id: str) -> str | None:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.former_model(c, user, model_id))

    async def vectors(self, user: UserId, model_id: str, after_vector: int) -> VectorBatch:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.read_vectors(c, user, model_id, after_vector))

    async def postings(self, user: UserId, terms: Sequence[str]) -> dict[str, Postings]:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.postings(c, user, terms))

    async def chunk_ids(self, user: UserId, where: ChunkFilter) -> list[ChunkId]:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_filter.chunk_ids(c, user, where))

    async def chunks(self, user: UserId, chunk_ids: Sequence[ChunkId]) -> list[ChunkRow]:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.read_chunks(c, user, chunk_ids))

    async def turn_chunks(self, user: UserId, turn_ids: Sequence[TurnId]) -> list[ChunkRow]:
        """See SearchStore."""
        return await self._gate.read(lambda c: sqlite_search.turn_chunks(c, user, turn_ids))

    # Knowledge

    async def facts(self, user: UserId, query: FactQuery) -> list[Fact]:
        """See KnowledgeStore."""
        return await self._gate.read(lambda c: sqlite_facts.read_facts(c, user, query))

    async def fact_changes(self, user: UserId, after: int) -> FactChanges:
        """See KnowledgeStore."""
        return await self._gate.read(lambda c: sqlite_facts.fact_changes(c, user, after))

    async def fact_events(self, user: UserId, fact_ids: Sequence[FactId]) -> list[FactEvent]:
        """See KnowledgeStore."""
        return await self._gate.read(lambda c: sqlite_facts.read_events(c, user, fact_ids))

    async def blocks(
        self, user: UserId, *, block_ids: Sequence[BlockId] | None = None, limit: int | None = None
    ) -> list[StoredBlock]:
        """See KnowledgeStore."""
        return await self._gate.read(lambda c: sqlite_blocks.read_blocks(c, user, block_ids, limit))

    async def edits(self, user: UserId) -> list[Edit]:
        """See KnowledgeStore."""
        return await self._gate.read(lambda c: sqlite_facts.read_edits(c, user))

    async def apply(self, user: UserId, changes: Sequence[Change], *, finish: Sequence[Lease] = ()) -> None:
        """See KnowledgeStore."""
        await self._gate.write(lambda c: sqlite_apply.apply(c, user, changes, finish))

    # Jobs

    async def claim(
        self, user: UserId, kind: JobKind, *, limit: int, lease_s: float, now: datetime
    ) -> list[Lease]:
        """See JobStore."""
        return await self._gate.write(
            lambda c: sqlite_leases.claim(c, user, kind, limit=limit, lease_s=lease_s, now=now)
        )

    async def renew(self, user: UserId, leases: Sequence[Lease], *, lease_s: float, now: datetime) -> None:
        """See JobStore."""
        await self._gate.write(lambda c: sqlite_leases.renew(c, user, leases, lease_s=lease_s, now=now))

    async def fail(
        self, user: UserId, leases: Sequence[Lease], *, error: str, retry_at: datetime | None
    ) -> None:
        """See JobStore."""
        await self._gate.write(lambda c: sqlite_leases.fail(c, user, leases, error=error, retry_at=retry_at))

    async def add_jobs(self, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId]) -> None:
        """See JobStore."""
        await self._gate.write(lambda c: sqlite_jobs.add_jobs(c, user, kind, turn_ids))

    async def turns_without_vectors(self, user: UserId, model_id: str) -> list[TurnId]:
        """See JobStore."""
        return await self._gate.read(lambda c: sqlite_jobs.turns_without_vectors(c, user, model_id))

    async def hasten(self, user: UserId, kind: JobKind) -> None:
        """See JobStore."""
        await self._gate.write(lambda c: sqlite_jobs.hasten(c, user, kind))

    async def retry_failed(self, user: UserId) -> int:
        """See JobStore."""
        return await self._gate.write(lambda c: sqlite_jobs.retry_failed(c, user))

    async def job_counts(self, user: UserId, now: datetime) -> JobCounts:
        """See JobStore."""
        return await self._gate.read(lambda c: sqlite_jobs.job_counts(c, user, now))

    async def waiting_turns(
        self, user: UserId, kinds: Sequence[JobKind], *, before_seq: int, most: int, now: datetime
    ) -> list[TurnId]:
        """See JobStore."""
        return await self._gate.read(
            lambda c: sqlite_jobs.waiting_turns(c, user, kinds, before_seq=before_seq, most=most, now=now)
        )

    # Care

    async def messages_containing(self, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
        """See CareStore."""
        return await self._gate.read(lambda c: sqlite_turns.messages_containing(c, user, needles))

    async def erase(self, user: UserId, plan: ErasePlan, *, now: datetime) -> Erased:
        """See CareStore."""
        return await self._gate.write(lambda c: sqlite_erase.erase(c, user, plan, now))

    async def purge_files(self) -> bool:
        """See CareStore."""
        return await self._gate.alone(sqlite_purge.purge)

    async def purge_pending(self) -> bool:
        """See CareStore."""
        return await self._gate.read(sqlite_purge.is_pending)

    async def export(self, user: UserId) -> AsyncGenerator[ExportRecord, None]:
        """See CareStore; one snapshot, held until the iterator is read to its end or closed."""
        snapshot = self._gate.hold()
        try:
            for kind, statement in sqlite_export.statements(user):
                async for page in snapshot.pages(statement, sqlite_export.PAGE):
                    for row in page:
                        yield sqlite_export.to_record(kind, row)
        finally:
            await snapshot.close()

    async def import_records(self, user: UserId, records: Sequence[ExportRecord]) -> int:
        """See CareStore. InvalidInput names the first record that can't be taken; none is then."""
        self._gate.check()
        parcel = await asyncio.to_thread(sqlite_import.unpack, records, self._slicer)
        return await self._gate.write(lambda c: sqlite_import.import_parcel(c, user, parcel))

    async def rebuild_search(self) -> int:
        """See CareStore."""
        return await self._gate.write(lambda c: sqlite_care.rebuild(c, self._slicer))

    async def drop_knowledge(self, user: UserId) -> None:
        """See CareStore."""
        await self._gate.write(lambda c: sqlite_care.drop_knowledge(c, user))

    # Spending

    async def book(self, user: UserId, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """See SpendingStore."""
        await self._gate.write(lambda c: sqlite_spending.book(c, user, day, usage, within))

    async def stats(self, user: UserId) -> Stats:
        """See CareStore."""
        return await self._gate.read(lambda c: sqlite_care.stats(c, user, self._database.path))

    async def check(self) -> list[Check]:
        """See CareStore."""
        return await sqlite_check.check(self._gate, self._database)

    async def users(self) -> list[UserId]:
        """See CareStore."""
        return await self._gate.read(sqlite_care.users_here)


if TYPE_CHECKING:
    _conforms: type[Store] = SqliteStore
