"""The store's contract. Every adapter passes `tests/store`.

- The user is the first argument of every call that touches memories, and nothing of another user is
  ever read, changed or named. An unknown id and a foreign one are the same NotFound.
- A write that returns is durable: it survives kill and power loss. A write that raises stored nothing,
  or, when the outcome is unknown, can be repeated with the same idempotency key without harm.
- A cancelled call has happened wholly or not at all, and leaves no transaction open.
- Errors are those of `hmlr.errors`: StorageBusy, StorageFull, StorageCorrupt, StorageReadOnly,
  SchemaTooNew, ClosedError; InvalidInput, NotFound and Conflict where said. Nothing of the driver escapes.
- Safe for concurrent calls of one event loop; several stores in several processes may share a database.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hmlr.garden_records import DossierFile, GardenRun
from hmlr.records import (
    AccessToken,
    Backup,
    BlockId,
    Check,
    ChunkId,
    DayLimit,
    DossierId,
    Fact,
    FactEvent,
    FactId,
    JobKind,
    Queue,
    RunId,
    Stats,
    StoredMessage,
    Tag,
    Turn,
    TurnId,
    Usage,
    UserId,
)
from hmlr.store.garden_records import DossierVector, FoundDossier, GardenMark, GardenStep, GardenView
from hmlr.store.move_records import Arriving, Page, Tally
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
    Extent,
    FactChanges,
    FactQuery,
    IndexNews,
    IndexState,
    JobCounts,
    Lease,
    NewMessage,
    NewTurn,
    Part,
    Postings,
    Spent,
    StoredBlock,
    TurnQuery,
    UsersLeft,
    VectorBatch,
)

ExportRecord = Mapping[str, object]


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

    async def index_state(self, user: UserId, model_id: str) -> IndexState:
        """How far the user's search data has come; cheap."""

    async def index_news(self, user: UserId, model_id: str | None, known: IndexState) -> IndexNews:
        """What search data has come since a state, read in one snapshot; cheap when there is none.

        Without columns when rows have gone since: everything has to be read again, from UNREAD on.
        """

    async def chunk_columns(self, user: UserId, after_chunk: int) -> ChunkColumns:
        """Chunks with an id above the given one."""

    async def vectors(self, user: UserId, model_id: str, after_vector: int) -> VectorBatch:
        """Vectors of that model with a number above the given one."""

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


class GardenStore(Protocol):
    """Dossiers, tags and the runs of the gardener. Turns, facts and headers are never changed by these."""

    async def garden_mark(self, user: UserId) -> GardenMark:
        """How far the user's memory has come; cheap."""

    async def garden_view(self, user: UserId, model_id: str | None) -> GardenView:
        """All that gardening works on, with the dossiers' vectors of that model, as of one moment."""

    async def garden_step(self, user: UserId, step: GardenStep, *, finish: Sequence[Lease] = ()) -> None:
        """Write what gardening a block makes, keep the way back, finish the lease: all or nothing.

        Conflict when a dossier or the block has changed since it was read, when a fact is gone, when a
        dropped dossier holds facts, or when the user has forgotten anything since: the step may tell of it.
        LeaseLost when the job was taken over.
        """

    async def undo_run(self, user: UserId, run_id: RunId, *, now: datetime) -> GardenRun:
        """Put back what a run changed, take its entries from the log, and the edits that it stands for.

        An export is as it was before.

        A run that was undone is left as it is. NotFound; Conflict when a later run has built on it;
        InvalidInput when something that it stands on was forgotten since.
        """

    async def garden_runs(self, user: UserId) -> list[GardenRun]:
        """The runs over this user's memory, the latest first."""

    async def dossiers(self, user: UserId, model_id: str | None) -> list[FoundDossier]:
        """The dossiers that hold facts, the one with the latest event first."""

    async def dossier(self, user: UserId, dossier_id: DossierId) -> DossierFile:
        """A dossier with its facts and its log; one that was merged is found in the other. NotFound."""

    async def put_dossier_vectors(
        self, user: UserId, vectors: Sequence[tuple[DossierId, str, DossierVector]]
    ) -> None:
        """Store vectors of search summaries (dossier, summary, vector); not where the summary has changed."""

    async def tags(self, user: UserId, block_ids: Sequence[BlockId]) -> list[Tag]:
        """The tags and section rules of the blocks."""


class JobStore(Protocol):
    """Background work. A job exists once per user, kind and turn; a finished one is gone.

    Jobs of the kind `garden` wait for somebody to ask for them; they are not counted by `job_counts`.
    """

    async def claim(
        self, user: UserId, kind: JobKind, *, limit: int, lease_s: float, now: datetime
    ) -> list[Lease]:
        """Lease the oldest due jobs (by the turns' seq).

        Exclusive by user and kind: empty while another claim's lease on that kind is alive. Leases that
        came from `NewTurn.held` don't count for that.
        """

    async def renew(self, user: UserId, leases: Sequence[Lease], *, lease_s: float, now: datetime) -> None:
        """Let the leases end `lease_s` seconds from now; those that were lost stay with who has them."""

    async def fail(
        self, user: UserId, leases: Sequence[Lease], *, error: str, retry_at: datetime | None
    ) -> None:
        """Give jobs back; they are due at `retry_at`, or parked as failed when it is None."""

    async def add_jobs(self, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId]) -> None:
        """Add jobs that are missing."""

    async def turns_without_vectors(self, user: UserId, model_id: str) -> list[TurnId]:
        """Turns of which a chunk has no vector of that model; by seq."""

    async def hasten(self, user: UserId, kind: JobKind) -> None:
        """Make jobs of the kind due that back off or are parked."""

    async def retry_failed(self, user: UserId) -> int:
        """Make parked jobs due again; the number of them."""

    async def job_counts(self, user: UserId, now: datetime) -> JobCounts:
        """Jobs by state."""

    async def waiting_turns(
        self, user: UserId, kinds: Sequence[JobKind], *, before_seq: int, most: int, now: datetime
    ) -> list[TurnId]:
        """Turns before `before_seq` with a job of these kinds that is due or running, `most` at the utmost.

        Parked jobs and those that back off don't count. Cheap for a long queue.
        """


class WorkStore(Protocol):
    """What is left to do over all users; for workers and the operator's own tools only."""

    async def users_left(self, queue: Queue, now: datetime) -> list[UserId]:
        """Whose memories a worker of that queue should look at.

        `learn`: learning jobs that nobody is at, some seconds after their turns were stored. `garden`: blocks
        that are finished, and facts that have changed since the last run; but not what backs off, is parked,
        or is in somebody's hands. There may be a user more than there should. A changed fact may be missed
        while another topic goes on that has changed facts, too: it is gardened with that one.
        """

    async def users_stalled(self, queue: Queue, now: datetime) -> list[UserId]:
        """Of whom a lease has run out: whoever held it has ended, or sleeps. Cheap."""

    async def next_due(self, user: UserId, queue: Queue) -> datetime | None:
        """When the first of the user's queued jobs is due, or its lease over; in the past when it is now.

        None when there is none but parked ones.
        """

    async def work_left(self, now: datetime) -> dict[Queue, UsersLeft]:
        """How many users wait for what. Reads as much as `users_left`."""


class SpendingStore(Protocol):
    """What model calls took of each user's days: the budget that holds over processes."""

    async def book(self, user: UserId, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """Add to what was taken of a day; negative numbers give back.

        DayBudgetExceeded, and nothing is added, when it would be more than `within` allows.
        """

    async def book_all(self, spent: Sequence[Spent]) -> int:
        """Add what was taken, without a limit; how many were added, in their order.

        Fewer than were given when the database failed meanwhile; raises when the first could not be added.
        """


class CareStore(Protocol):
    """Erasure, portability, repair."""

    async def messages_containing(self, user: UserId, needles: Sequence[str]) -> list[StoredMessage]:
        """Messages in which any of the texts stands, in any case; by message number.

        Looks at content, speaker and metadata, whose keys and numbers count as texts.

        Reads all messages of the user: seconds for a large memory.
        """

    async def erase(self, user: UserId, plan: ErasePlan, *, now: datetime) -> Erased:
        """Remove in one transaction, leaving tombstones without content.

        A fact whose successor is removed is succeeded by that one's successor, or is active again, and so is
        one that a removed turn had ended. Reasons that came from removed turns or facts are emptied, and the
        plan's words blanked in all others, in edits and in headers. Blocks of the plan replace the stored
        headers under a new version; a block without turns goes. Edits that name a removed fact go too.
        Whoever works on a job of a rewritten message loses the lease, and the job is due anew.
        A dossier that told of anything removed or changed loses its texts and vector, tags whose quote no
        longer stands go, and a garden run that kept any of it can't be undone any more.
        """

    async def purge_files(self) -> bool:
        """Rewrite the database files without removed content (full-text segments, free pages, WAL).

        False when another process kept a snapshot open, so that it must be repeated. Every erasure is
        pending, from its own transaction on, until this was done after it.
        """

    async def purge_pending(self) -> bool:
        """Whether the files may hold what was erased, by any user, since nobody finished the purge; cheap."""

    def export(self, user: UserId) -> AsyncGenerator[ExportRecord, None]:
        """Everything of the user but what search derives, as plain JSON values, in a fixed order."""

    async def import_records(self, user: UserId, records: Sequence[ExportRecord]) -> int:
        """Take exported records, under this user; those present already are left. The number added.

        What was forgotten here, turn by turn, session by session or fact by fact, is not taken again, nor are
        the texts of a dossier that told of it.
        Chunks, index rows and embed jobs are made anew; no other job is.
        """

    async def rebuild_search(self) -> int:
        """Make chunks, index rows and vectors' bookkeeping anew from the messages, for all users.

        The new rows are complete before the old are dropped. The number of messages indexed.
        """

    async def drop_knowledge(self, user: UserId) -> None:
        """Drop facts, blocks, dossiers and tags, which are derived, with all garden runs; put a job of each
        kind that learns for every turn.
        """

    async def stats(self, user: UserId) -> Stats:
        """How much is stored."""

    async def check(self) -> list[Check]:
        """Whether the database is sound: integrity, content hashes, gaps, index against messages."""

    async def backup(self, target: Path, *, overwrite: bool) -> Backup:
        """Copy the memories of all users as they are at one moment, while others read and write.

        The file appears when it was read through and found sound. InvalidInput when there is one already, or
        none can be; StorageCorrupt when what was copied is damaged.
        """

    async def users(self) -> list[UserId]:
        """Whose memories are here; for the operator's own tools only."""


class AccessStore(Protocol):
    """Tokens of the server's doors. They belong to the operator: no memory is read or changed by these."""

    async def add_token(self, token: AccessToken, digest: str) -> None:
        """Keep a new token under the digest of its secret."""

    async def token_of(self, digest: str) -> AccessToken | None:
        """The token of a secret; None when there is none, or it is revoked. Called for every request."""

    async def tokens(self) -> list[AccessToken]:
        """All tokens, revoked ones included, the oldest first."""

    async def token_digests(self) -> list[tuple[AccessToken, str]]:
        """All tokens with the digests of their secrets, to be moved."""

    async def revoke_token(self, token_id: str, now: datetime) -> AccessToken:
        """End a token; one that is ended already stays as it is. NotFound."""


class MoveStore(Protocol):
    """Whole memories on their way to another database; for the operator's own tools only."""

    async def every_user(self) -> list[UserId]:
        """Users of whom there is anything, be it a tombstone; by name."""

    async def row_count(self, user: UserId | None) -> int:
        """How many rows a move of this user takes, or of all."""

    async def tally(self, user: UserId) -> Tally:
        """How many rows there are of the user in each table, and what they hold, hashed."""

    def pages(self, user: UserId) -> AsyncGenerator[Page, None]:
        """Everything of the user, search data, jobs and counters included; from one snapshot."""

    async def take_in(
        self, arriving: Arriving, pages: AsyncIterator[Page], told: Callable[[int], None]
    ) -> str:
        """Store the pages of a user in one transaction, prove them by a tally, and give its digest.

        `told` hears of rows that were stored, and once more when they were proved.
        Conflict when the user's memory here may not be replaced; CopyDiffers when the proof fails.
        """

    async def begin_moves(self, users: Sequence[UserId], now: datetime) -> None:
        """Note that users are on their way here; those that are noted stay as they are."""

    async def moves(self) -> dict[UserId, str]:
        """The users that are on their way here, with the digest of their copy, empty while there is none."""

    async def end_moves(self, users: Sequence[UserId]) -> None:
        """Their move is done: what is here is a memory like any other."""


class Store(
    TurnStore,
    SearchStore,
    KnowledgeStore,
    GardenStore,
    JobStore,
    WorkStore,
    SpendingStore,
    CareStore,
    AccessStore,
    MoveStore,
    Protocol,
):
    """A store that is open; see the module docstring."""

    async def aclose(self) -> None:
        """Finish running writes and close; safe to call twice."""
