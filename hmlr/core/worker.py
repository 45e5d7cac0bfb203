"""A worker: it does the errands of its queues, for all users of a database, until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from datetime import datetime, timedelta

from hmlr.core.gardening import GardenOptions, tend
from hmlr.core.member import Member
from hmlr.core.services import Services, open_errands
from hmlr.errands.port import QUEUES, Errand, Shift
from hmlr.errands.waiting import first_of
from hmlr.errors import InvalidInput
from hmlr.memory.gardener.allowance import Allowance
from hmlr.memory.gardener.manner import Manner
from hmlr.memory.gardener.manual_gardener import IN_A_ROW
from hmlr.records import Queue, UserId
from hmlr.settings import Settings

logger = logging.getLogger(__name__)

# Then the others have their turn: who has much to garden or to learn may not keep a place for hours.
TURN_S = 60.0
PAUSE_S = 1.0  # until a user is looked at again at whom nothing could be done
DRAIN_S = 0.5  # how often a stop is looked for while somebody learns
# After users in a row at whom the model failed it is taken to be down; the worker waits before the next one.
HOLD_S, HOLD_TIMES, MOST_HOLD_S = 2.0, 2.0, 300.0


def checked_shift(
    settings: Settings, queues: Sequence[Queue], concurrency: int, every_s: float | None
) -> Shift:
    """How a worker works. InvalidInput for what makes no sense."""
    unknown = sorted(set(queues) - set(QUEUES))
    if unknown or not queues:
        known = " and ".join(QUEUES)
        raise InvalidInput(f"unknown queue {', '.join(unknown)}".rstrip(), hint=f"There are {known}")
    if every_s is not None and not every_s > 0:
        raise InvalidInput("every_s is not above 0", hint="Give seconds")
    return Shift(
        queues=tuple(queue for queue in QUEUES if queue in queues),
        concurrency=concurrency,
        every_s=settings.garden_every_s if every_s is None else every_s,
        lease_s=settings.worker_lease_s,
        retry_s=settings.worker_retry_s,
        grace_s=settings.worker_grace_s,
    )


async def work(services: Services, shift: Shift, options: GardenOptions, stop: asyncio.Event) -> None:
    """Do errands until `stop` is set; see `Errands.serve`."""
    async with aclosing(await open_errands(services)) as errands:
        await errands.serve(Worker(services, shift, options, stop), shift, stop)


class Worker:
    """`Work` on the memories of one open database."""

    def __init__(self, services: Services, shift: Shift, options: GardenOptions, stop: asyncio.Event) -> None:
        self._services = services
        self._store = services.store
        self._clock = services.clock
        self._shift = shift
        self._options = options
        self._stop = stop
        self._allowance = Allowance(calls_at_once=shift.concurrency)
        self._hold = _Hold(stop)

    async def users_left(self, queue: Queue) -> Sequence[UserId]:
        """See Work."""
        return await self._store.users_left(queue, self._clock())

    async def do(self, errand: Errand) -> datetime | None:
        """See Work."""
        await self._hold.over()
        if self._stop.is_set():
            return self._clock()
        moved = await (self._learn if errand.queue == "learn" else self._garden)(errand.user)
        if moved is None:
            return None
        due = await self._store.next_due(errand.user, errand.queue)
        if due is None or moved:
            return due
        return max(due, self._clock() + timedelta(seconds=PAUSE_S))

    async def _garden(self, user: UserId) -> bool | None:
        """Whether any block was gardened; None when none is left."""
        if "learn" in self._shift.queues and (await self._store.job_counts(user, self._clock())).waiting:
            await self._learn(user)  # what was said last belongs to what is gardened
        outcome = await tend(self._services, user, self._options, self._allowance, self._manner())
        if outcome.failed or outcome.halts:
            logger.warning("gardening a user stopped, %d topics are left", outcome.left)
        self._hold.note(failed=outcome.failed or outcome.halts)
        return outcome.done.blocks > 0 if outcome.left else None

    def _manner(self) -> Manner:
        loop = asyncio.get_running_loop()
        until = loop.time() + TURN_S
        return Manner(
            asked=False,
            lease_s=self._shift.lease_s,
            back_off_s=self._shift.retry_s,
            enough=lambda: self._stop.is_set() or loop.time() >= until,
        )

    async def _learn(self, user: UserId) -> bool | None:
        """Let the user's background work run until none is due; whether any was done, None: none is left."""
        loop = asyncio.get_running_loop()
        until = loop.time() + TURN_S
        before = await self._left(user)
        member = Member(self._services.for_user(user, self._options.day_limit), user, None)
        await member.start()
        try:
            while not self._stop.is_set() and loop.time() < until:
                due = await self._store.next_due(user, "learn")
                if due is None or due > self._clock():
                    break
                await member.background.drain(DRAIN_S)
        finally:
            await member.aclose()  # after the batch that runs
        left = await self._left(user)
        return left < before if left else None

    async def _left(self, user: UserId) -> int:
        counts = await self._store.job_counts(user, self._clock())
        return counts.waiting + counts.running


class _Hold:
    """Keeps a worker from asking a model for every user that is down."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop
        self._in_a_row = 0
        self._until = 0.0  # by the loop's clock

    def note(self, *, failed: bool) -> None:
        """How gardening one user ended."""
        self._in_a_row = self._in_a_row + 1 if failed else 0
        if self._in_a_row >= IN_A_ROW:
            hold_s = min(HOLD_S * HOLD_TIMES ** (self._in_a_row - IN_A_ROW), MOST_HOLD_S)
            self._until = asyncio.get_running_loop().time() + hold_s

    async def over(self) -> None:
        """Wait until the next user may be tried, or the worker is stopped."""
        wait_s = self._until - asyncio.get_running_loop().time()
        if wait_s > 0:
            await first_of(self._stop.wait(), timeout_s=wait_s)
