"""Durable background work of one user: jobs are claimed, done in batches, finished with their effect."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from hmlr.errors import ClosedError, ConfigurationError, DayBudgetExceeded, HMLRError, LeaseLost, TryLater
from hmlr.memory.cancelling import to_its_end
from hmlr.memory.foreground import Foreground
from hmlr.memory.leasing import Leasing
from hmlr.records import JobKind, UserId
from hmlr.store.port import JobStore
from hmlr.store.records import Lease

# A handler does the work of its leases and finishes them in the transaction of their effect.
Handler = Callable[[Sequence[Lease]], Awaitable[None]]


class SomeFailed(Exception):
    """A handler finished its other leases, but not these, each with its reason."""

    def __init__(self, failed: Sequence[tuple[Lease, HMLRError]]) -> None:
        super().__init__(f"{len(failed)} jobs failed")
        self.failed = failed


logger = logging.getLogger(__name__)

BATCH = 256  # jobs of one kind at a time: few transactions for many turns, short enough to stop soon
# ... and of those that ask a model, which takes seconds: new turns should not wait long for their vectors.
MODEL_BATCH = 16
# A lease is renewed while its job runs, so that work of a killed process is soon taken up by another one.
LEASE_S = 20.0
MAX_ATTEMPTS = 6
BACK_OFF_S = (1.0, 5.0, 30.0, 300.0, 3600.0)
# A container is stopped within 10 s, and models take longer.
STOP_S = 5.0
# Jobs that back off, or that another process holds, are looked at again this often.
POLL_S = 2.0
MAX_POLL_S = 60.0  # ... and less and less often while there is nothing: a server keeps many memories open
IDLE_S = 0.05  # ... and so often while somebody waits for them


class Background:
    """Runs jobs in one task, kind by kind in the order given, so that each finds what the earlier made.

    Kinds side by side were measured: the embedder takes every core, and waits for the interpreter's lock
    then, so that meaning was found later and the rest no sooner.
    """

    def __init__(
        self,
        store: JobStore,
        user: UserId,
        handlers: Mapping[JobKind, Handler],
        clock: Callable[[], datetime],
        *,
        leasing: Leasing,
        slow: frozenset[JobKind] = frozenset(),
        later: frozenset[JobKind] = frozenset(),
        foreground: Foreground | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        """`slow` are the kinds that ask a model; those and `later` let the turns of `foreground` go first."""
        self._store = store
        self._user = user
        self._handlers = handlers
        self._clock = clock
        self._leasing = leasing
        self._slow = slow
        self._later = slow | later
        self._foreground = foreground
        self._lease_s = lease_s
        self._wake = asyncio.Event()
        self._stopping = False
        self._over = False
        self._task: asyncio.Task[None] | None = None
        self._rounds = 0
        self._round_done = asyncio.Condition()

    def start(self) -> None:
        """Begin; jobs that an earlier process left are taken up."""
        self._task = asyncio.create_task(self._run(), name=f"hmlr-background-{self._user}")
        self.notify()

    def notify(self) -> None:
        """Say that there may be new jobs."""
        self._wake.set()

    async def drain(self, timeout_s: float | None) -> bool:
        """Wait until no job is waiting or running; False when time runs out first, or a job is parked.

        ClosedError when nothing is left that would do the work.
        """
        try:
            async with asyncio.timeout(timeout_s):
                with self._awaited():
                    return await self._drained()
        except TimeoutError:
            return False

    async def _drained(self) -> bool:
        before = None
        while True:
            counts = await self._store.job_counts(self._user, self._clock())
            if not counts.waiting and not counts.running:
                return not counts.failed
            if counts == before:  # what is left backs off, or another process has it
                await asyncio.sleep(IDLE_S)
            before = counts
            await self._next_round()

    def _awaited(self) -> contextlib.AbstractContextManager[None]:
        """Within it, the user's work does not let turns go first."""
        if self._foreground is None:
            return contextlib.nullcontext()
        return self._foreground.awaiting(self._user)

    async def aclose(self) -> None:
        """Stop after the batch that is running, which has `STOP_S`; what is left stays queued."""
        self._stopping = True
        self.notify()
        if self._task is not None:
            try:
                with self._awaited():  # what waits for its turn finds that we stop
                    await asyncio.wait([self._task], timeout=STOP_S)
            finally:
                self._task.cancel()
                await to_its_end(asyncio.wait([self._task]))  # it gives its leases back
            self._task = None

    async def _next_round(self) -> None:
        if self._task is None or self._over:
            raise ClosedError("background work has stopped")
        async with self._round_done:
            seen = self._rounds
            self.notify()
            await self._round_done.wait_for(lambda: self._rounds > seen or self._over)

    async def _run(self) -> None:
        pause_s = POLL_S
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    busy = await self._round()
                except Exception as error:  # noqa: BLE001 - the runner's edge: a bug may not end all later work
                    # The store can't be asked now, or we have stumbled: again with the next poll.
                    self._log("work waits", error)
                    busy = False
                async with self._round_done:
                    self._rounds += 1
                    self._round_done.notify_all()
                if busy:
                    pause_s = POLL_S
                    continue
                try:
                    await asyncio.wait_for(self._wake.wait(), pause_s)
                    pause_s = POLL_S
                except TimeoutError:
                    pause_s = min(2 * pause_s, MAX_POLL_S)
        finally:
            async with self._round_done:
                self._over = True
                self._round_done.notify_all()

    async def _round(self) -> bool:
        """Do what is due; whether there was anything."""
        busy, looked = False, False
        kinds = list(self._handlers.items())
        at = 0
        while at < len(kinds):
            async with self._place(kinds[at][0]):
                if self._stopping:
                    break
                if not looked:
                    self._wake.clear()  # what came while turns went first is done with the rest
                    # A read first: claiming writes, and an idle process must not disturb those that work.
                    if not (await self._store.job_counts(self._user, self._clock())).waiting:
                        break
                    looked = True
                count = await self._batch(*kinds[at])
            busy = busy or count > 0
            # After a full batch there may be more of this kind, and of an earlier one, which goes first:
            # what is stored while we route has to be embedded before it is routed.
            at = 0 if count == self._size(kinds[at][0]) else at + 1
        return busy

    @staticmethod
    def _log(what: str, error: Exception) -> None:
        """Say what failed, and of a bug where, but not the error's message: that may hold what was said."""
        if isinstance(error, HMLRError):
            logger.warning("background %s: %s", what, type(error).__name__)
            return
        where = "".join(traceback.format_tb(error.__traceback__))
        logger.error("background %s: %s\n%s", what, type(error).__name__, where)

    def _place(self, kind: JobKind) -> contextlib.AbstractAsyncContextManager[None]:
        """Within it, a batch of that kind may be done."""
        if kind not in self._later or self._foreground is None:
            return contextlib.nullcontext()
        return self._foreground.batch(self._user)

    async def _batch(self, kind: JobKind, handler: Handler) -> int:
        """Do one batch; the number of its jobs."""
        now, lease_s = self._clock(), self._lease_s
        claiming = self._store.claim(self._user, kind, limit=self._size(kind), lease_s=lease_s, now=now)
        async with self._leasing.holding(self._user, claiming, list, lease_s=lease_s) as leases:
            if leases and not await self._attempt(handler, leases, alone=len(leases) == 1):
                for lease in leases:  # one by one, so that only the culprit waits
                    await self._attempt(handler, [lease], alone=True)
        return len(leases)

    def _size(self, kind: JobKind) -> int:
        return MODEL_BATCH if kind in self._slow else BATCH

    async def _attempt(self, handler: Handler, leases: Sequence[Lease], *, alone: bool) -> bool:
        """Run the handler; False when a batch failed that may be tried one by one."""
        try:
            await handler(leases)
        except LeaseLost:
            return alone  # another worker has it: nothing of ours was written
        except SomeFailed as error:
            for lease, reason in error.failed:
                await self._failed([lease], reason)
        except Exception as error:  # noqa: BLE001 - the runner's edge: no job may stop the others
            # What may pass by itself fails the batch once; when it does not pass, one turn may be the cause.
            if not alone and (not isinstance(error, TryLater) or any(each.attempts > 1 for each in leases)):
                return False
            await self._failed(leases, error)
        return True

    async def _failed(self, leases: Sequence[Lease], error: Exception) -> None:
        """Give the jobs back, to be retried later or, after too many attempts, parked."""
        self._log(f"{leases[0].kind} failed for {len(leases)} turns", error)
        for lease in leases:
            # What a setting has to mend is parked at once: trying again would only cost.
            last = lease.attempts >= MAX_ATTEMPTS or isinstance(error, ConfigurationError)
            wait = BACK_OFF_S[min(lease.attempts, len(BACK_OFF_S)) - 1]
            retry_at = None if last else self._clock() + timedelta(seconds=wait)
            tried = True
            if isinstance(error, DayBudgetExceeded):
                retry_at, tried = error.until, False
            with contextlib.suppress(LeaseLost, TryLater):
                await self._store.fail(
                    self._user, [lease], error=type(error).__name__, retry_at=retry_at, tried=tried
                )
