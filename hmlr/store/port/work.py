"""What is made of it: dossiers, the jobs that make them, and what the models took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from hmlr.garden_records import DossierFile, GardenRun
from hmlr.records import BlockId, DayLimit, DossierId, JobKind, Queue, RunId, Tag, TurnId, Usage, UserId
from hmlr.store.garden_records import DossierVector, FoundDossier, GardenMark, GardenStep, GardenView
from hmlr.store.records import JobCounts, Lease, Spent, UsersLeft


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
        self,
        user: UserId,
        leases: Sequence[Lease],
        *,
        error: str,
        retry_at: datetime | None,
        tried: bool = True,
    ) -> None:
        """Give jobs back; they are due at `retry_at`, or parked as failed when it is None.

        Without having `tried` them that is no attempt: who stops at work has not failed at it.
        """

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
