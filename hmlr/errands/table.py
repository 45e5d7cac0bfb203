"""The workers' queues over the store's own job table: what one file needs, and any number of processes on it.

The queue is the store itself. Each worker looks for users who have something left and goes through them in an
order of its own; that nobody else is at a user, the store says, whose leases are one worker's at a time. So
there is nothing to keep, and what a killed worker had is found by its leases that run out.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from itertools import count
from typing import TYPE_CHECKING

from hmlr.errands.failing import log_errand, log_failure
from hmlr.errands.port import Errand, Errands, Shift, Work, back_off
from hmlr.errands.waiting import ended, first_of
from hmlr.errors import HMLRError
from hmlr.records import Queue, QueueState, UserId, WorkState
from hmlr.store.port import WorkStore

IDLE_S = 60.0  # the longest sleep: the clock of a machine that was asleep jumps
BUSY_S = 1.0  # until a user is looked at again at whom this worker is already


class TableErrands:
    """`Errands` over the jobs of a store."""

    def __init__(self, store: WorkStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    async def serve(self, work: Work, shift: Shift, stop: asyncio.Event) -> None:
        """See Errands."""
        await _Worker(self._store, self._clock, work, shift).serve(stop)

    async def state(self) -> WorkState:
        """See Errands; nobody counts workers here, but a dead one has left its lease."""
        left = await self._store.work_left(self._clock())
        queues = tuple(
            QueueState(queue=queue, waiting=each.waiting, running=each.running, failed=each.failed)
            for queue, each in left.items()
        )
        stalled = left["garden"].stalled  # what was left to learn, the next process of the user takes up
        return WorkState(queues=queues, workers=None, dead=None, stalled=stalled)

    async def retry(self, user: UserId) -> int:
        """See Errands; parked ones are the running worker's, and forgotten when it is started anew."""
        return 0

    async def aclose(self) -> None:
        """See Errands."""


class _Worker:
    """One worker's list of errands and those it is at."""

    def __init__(self, store: WorkStore, clock: Callable[[], datetime], work: Work, shift: Shift) -> None:
        self._store = store
        self._clock = clock
        self._work = work
        self._shift = shift
        self._loop = asyncio.get_running_loop()
        self._list: list[tuple[float, int, Errand]] = []  # a heap by when they are due, of the loop's clock
        self._order = count()
        self._known: set[Errand] = set()  # in the list, running or parked
        self._attempts: Counter[Errand] = Counter()
        self._running: dict[asyncio.Task[None], Errand] = {}
        self._wake = asyncio.Event()

    async def serve(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        filling = [asyncio.create_task(self._fill(queue)) for queue in self._shift.queues]
        filling += [asyncio.create_task(self._take_over(queue)) for queue in self._shift.queues]
        try:
            while not stop.is_set():
                self._wake.clear()
                pause_s = self._begin()
                await first_of(stop.wait(), self._wake.wait(), timeout_s=pause_s)
        finally:
            await ended(filling, grace_s=0.0)
            await ended(self._running, grace_s=self._shift.grace_s)

    def _begin(self) -> float:
        """Begin what is due while there are places; how long nothing else can be."""
        busy = {errand.user for errand in self._running.values()}
        while self._list and len(self._running) < self._shift.concurrency:
            wait_s = self._list[0][0] - self._loop.time()
            if wait_s > 0:
                return min(wait_s, IDLE_S)
            _, _, errand = heapq.heappop(self._list)
            if errand.user in busy:
                self._put(errand, BUSY_S)
                continue
            busy.add(errand.user)
            task = asyncio.create_task(self._do(errand), name=f"hmlr-{errand.queue}")
            self._running[task] = errand
            task.add_done_callback(self._done)
        return IDLE_S

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._wake.set()

    async def _do(self, errand: Errand) -> None:
        try:
            again = await self._work.do(errand)
        except Exception as error:  # noqa: BLE001 - the runner's edge: no user may stop the others
            self._failed(errand, error)
            return
        self._attempts.pop(errand, None)
        if again is None:
            self._known.discard(errand)
        else:
            self._put(errand, (again - self._clock()).total_seconds())

    def _failed(self, errand: Errand, error: Exception) -> None:
        self._attempts[errand] += 1
        wait_s = back_off(self._attempts[errand], self._shift.retry_s)
        log_errand(errand, error, wait_s)
        if wait_s is not None:
            self._put(errand, wait_s)

    def _put(self, errand: Errand, wait_s: float) -> None:
        self._known.add(errand)
        heapq.heappush(self._list, (self._loop.time() + wait_s, next(self._order), errand))

    async def _fill(self, queue: Queue) -> None:
        """Look for users again and again."""
        while True:
            looked = await self._add(queue, self._work.users_left)
            period_s = self._shift.period_s(queue)
            await asyncio.sleep(period_s if looked else min(period_s, self._shift.retry_s))

    async def _take_over(self, queue: Queue) -> None:
        """Look for what dead workers have left, in between."""
        while True:
            await asyncio.sleep(self._shift.lease_s / 2)
            await self._add(queue, self._stalled)

    async def _stalled(self, queue: Queue) -> list[UserId]:
        return await self._store.users_stalled(queue, self._clock())

    async def _add(self, queue: Queue, look: Callable[[Queue], Awaitable[Sequence[UserId]]]) -> bool:
        """List the users that are found; whether it could be looked."""
        try:
            users = list(await look(queue))
        except HMLRError as error:  # the next look may succeed
            log_failure("workers could not look for users", error)
            return False
        random.shuffle(users)  # so that workers do not come to the same one
        for user in users:
            errand = Errand(queue=queue, user=user)
            if errand not in self._known:
                self._put(errand, 0.0)
        self._wake.set()
        return True


if TYPE_CHECKING:
    _conforms: type[Errands] = TableErrands
