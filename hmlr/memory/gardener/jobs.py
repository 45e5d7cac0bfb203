"""The jobs of blocks that wait for gardening: made, taken one at a time, given back with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from hmlr.errors import BudgetExceeded, DayBudgetExceeded, HMLRError, ModelError
from hmlr.memory.gardener.manner import Manner
from hmlr.memory.gardener.pending import Unit
from hmlr.memory.leasing import Leasing
from hmlr.records import TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import Lease

RETRY_S = 60.0  # until a block is tried again that a conversation has changed meanwhile
POLL_S = 0.25  # how often a block is looked for that another process has
FAILED_S = 3600.0  # until a block at which the model fails is tried again, unless somebody asks for it


class BlockJobs:
    """One user's jobs of gardening, for one gardener."""

    def __init__(
        self, store: Store, user: UserId, clock: Callable[[], datetime], leasing: Leasing, manner: Manner
    ) -> None:
        self.given_up: set[TurnId] = set()  # that stand for blocks which this gardener can't garden
        self._store = store
        self._user = user
        self._clock = clock
        self._leasing = leasing
        self._manner = manner

    async def add(self, units: Sequence[Unit]) -> None:
        """Make a job for each block, and have those that failed before tried again by who was asked."""
        turn_ids = [unit.turn_id for unit in units if unit.turn_id is not None]
        if turn_ids:
            await self._store.add_jobs(self._user, "garden", turn_ids)
            if self._manner.asked:
                await self._store.hasten(self._user, "garden")

    @asynccontextmanager
    async def next(self) -> AsyncIterator[Lease | None]:
        """The next block's lease, as long as the block runs; None when none is left that may be had.

        What another process holds is waited for while that gets on, and as long as a lease lasts.
        """
        if self._manner.enough():
            yield None
            return
        tries, before = 0, None
        while tries * POLL_S <= self._manner.lease_s + 1:
            claiming = self._store.claim(
                self._user, "garden", limit=1, lease_s=self._manner.lease_s, now=self._clock()
            )
            async with self._leasing.holding(
                self._user, claiming, list, lease_s=self._manner.lease_s
            ) as leases:
                if leases:
                    yield leases[0]
                    return
                if not self._manner.asked:
                    break
            if not await self._held_elsewhere():
                break
            left = (await self._store.garden_mark(self._user)).garden_version
            tries = tries + 1 if left == before else 0
            before = left
            await asyncio.sleep(POLL_S)
        yield None

    async def _held_elsewhere(self) -> bool:
        turns = await self._store.waiting_turns(
            self._user, ["garden"], before_seq=2**62, most=1, now=self._clock()
        )
        return bool(turns)

    async def give_back(self, lease: Lease, reason: Exception, wait_s: float | None) -> None:
        """Let go of a block that could not be gardened; it is left alone so long, or until somebody asks."""
        self.given_up.add(lease.turn_id)
        retry_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        tried = not isinstance(reason, DayBudgetExceeded)
        await self._store.fail(
            self._user, [lease], error=type(reason).__name__, retry_at=retry_at, tried=tried
        )

    def wait_s(self, lease: Lease, error: HMLRError) -> float | None:
        """How long a block is left alone at which the model failed; None: until somebody asks for it."""
        if isinstance(error, DayBudgetExceeded):
            return (error.until - self._clock()).total_seconds()
        if self._manner.asked or not isinstance(error, ModelError) or isinstance(error, BudgetExceeded):
            return FAILED_S
        return self._manner.wait_s(lease.attempts)
