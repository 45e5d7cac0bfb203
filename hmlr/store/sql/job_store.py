"""The part of the store that background work and budgets use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from hmlr.errors import HMLRError
from hmlr.records import DayLimit, JobKind, TurnId, Usage, UserId
from hmlr.store.records import JobCounts, Lease, Spent
from hmlr.store.sql import jobs as job_rows
from hmlr.store.sql import leases as lease_rows
from hmlr.store.sql import spending
from hmlr.store.sql.gate import Gate


class SqlJobs:
    """JobStore and SpendingStore on a relational database."""

    _gate: Gate

    async def claim(
        self, user: UserId, kind: JobKind, *, limit: int, lease_s: float, now: datetime
    ) -> list[Lease]:
        """See JobStore."""
        return await self._gate.write(
            user, lambda c: lease_rows.claim(c, user, kind, limit=limit, lease_s=lease_s, now=now)
        )

    async def renew(self, user: UserId, leases: Sequence[Lease], *, lease_s: float, now: datetime) -> None:
        """See JobStore."""
        await self._gate.write(user, lambda c: lease_rows.renew(c, user, leases, lease_s=lease_s, now=now))

    async def fail(
        self,
        user: UserId,
        leases: Sequence[Lease],
        *,
        error: str,
        retry_at: datetime | None,
        tried: bool = True,
    ) -> None:
        """See JobStore."""
        await self._gate.write(
            user, lambda c: lease_rows.fail(c, user, leases, error=error, retry_at=retry_at, tried=tried)
        )

    async def add_jobs(self, user: UserId, kind: JobKind, turn_ids: Sequence[TurnId]) -> None:
        """See JobStore."""
        await self._gate.write(user, lambda c: job_rows.add_jobs(c, user, kind, turn_ids))

    async def turns_without_vectors(self, user: UserId, model_id: str) -> list[TurnId]:
        """See JobStore."""
        return await self._gate.read(user, lambda c: job_rows.turns_without_vectors(c, user, model_id))

    async def hasten(self, user: UserId, kind: JobKind) -> None:
        """See JobStore."""
        await self._gate.write(user, lambda c: job_rows.hasten(c, user, kind))

    async def retry_failed(self, user: UserId) -> int:
        """See JobStore."""
        return await self._gate.write(user, lambda c: job_rows.retry_failed(c, user))

    async def job_counts(self, user: UserId, now: datetime) -> JobCounts:
        """See JobStore."""
        return await self._gate.read(user, lambda c: job_rows.job_counts(c, user, now))

    async def waiting_turns(
        self, user: UserId, kinds: Sequence[JobKind], *, before_seq: int, most: int, now: datetime
    ) -> list[TurnId]:
        """See JobStore."""
        return await self._gate.read(
            user, lambda c: job_rows.waiting_turns(c, user, kinds, before_seq=before_seq, most=most, now=now)
        )

    async def book(self, user: UserId, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """See SpendingStore."""
        await self._gate.write(user, lambda c: spending.book(c, user, day, usage, within))

    async def book_all(self, spent: Sequence[Spent]) -> int:
        """See SpendingStore; in a transaction of its own each, as rows of several users have to be."""
        for number, each in enumerate(spent):
            try:
                await self.book(each.user, each.day, each.usage)
            except HMLRError:
                if not number:
                    raise
                return number
        return len(spent)
