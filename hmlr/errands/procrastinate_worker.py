"""One worker on procrastinate: its tasks, the look for users, and the care for what dead workers left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg_pool  # noqa: F401 - that it is missing is seen when this is imported
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status

from hmlr.errands.failing import log_errand, log_failure
from hmlr.errands.on_procrastinate import ERRAND, LOOK, queue_lock, translated
from hmlr.errands.port import Errand, Shift, Work, back_off
from hmlr.errands.procrastinate_jobs import Jobs, errand_job, look_job, unless_gone
from hmlr.errands.waiting import ended, first_of
from hmlr.errors import StorageUnreachable
from hmlr.records import Queue, UserId

_RECOVER = 0x484D4C58  # who takes over from dead workers holds this advisory lock
_SIGNS = 4  # of life, in the time of one lease
_POLL_S, _LEAST_POLL_S = 5.0, 0.1  # how often it is asked for errands, at the least and at the most
_RESTART_S = 1.0  # after the database server went away
_AGAIN_S = (0.1, 0.5, 2.0)  # until it is tried again to queue something
_AT_ONCE = 500  # errands that are queued in one statement
_TO_COME = (Status.TODO.value, Status.DOING.value)
_BUSY_S = 1.0  # until it is waited for a user at whom somebody is: another one may be about to take the user


class ParkedError(Exception):
    """Makes procrastinate keep the errand as failed. Without a cause: its words may be a user's."""


class ProcrastinateWorker:
    """Works until it is stopped, over restarts of the database server."""

    def __init__(
        self, connector: PsycopgConnector, work: Work, shift: Shift, clock: Callable[[], datetime]
    ) -> None:
        self._connector = connector
        self._work = work
        self._shift = shift
        self._clock = clock
        self._app = App(connector=connector)
        self._jobs = self._app.job_manager = Jobs(connector)
        self._app.task(name=ERRAND, pass_context=True)(self._do)
        self._app.task(name=LOOK, pass_context=True)(self._looked)
        self._at_work: set[int] = set()  # jobs that are being done here
        self._ids: set[int] = set()  # under which procrastinate knows this worker, or did
        self._orphans: set[int] = set()  # jobs that are said to be done here, and are not

    async def serve(self, stop: asyncio.Event) -> None:
        """See Errands.serve."""
        caring = asyncio.create_task(self._care())
        try:
            while not stop.is_set():
                try:
                    with translated():
                        await self._jobs.let_go()
                        await self._begin_to_look()
                        await self._run(stop)
                except StorageUnreachable as error:
                    log_failure("a worker has lost its queue", error)
                if not stop.is_set():
                    await first_of(stop.wait(), timeout_s=_RESTART_S)
        finally:
            await ended([caring], grace_s=0.0)

    async def _run(self, stop: asyncio.Event) -> None:
        """Procrastinate's worker, until `stop` or until it has lost the database."""
        shift = self._shift
        sign_s = shift.lease_s / _SIGNS
        often_s = min(map(shift.period_s, shift.queues)) / 4
        running = asyncio.create_task(
            self._app.run_worker_async(
                queues=list(shift.queues),
                concurrency=shift.concurrency,
                # Errands that were put off are found by polling alone.
                fetch_job_polling_interval=max(_LEAST_POLL_S, min(_POLL_S, sign_s, shift.retry_s, often_s)),
                abort_job_polling_interval=_POLL_S,
                shutdown_graceful_timeout=shift.grace_s,
                delete_jobs="successful",
                install_signal_handlers=False,
                update_heartbeat_interval=sign_s,
                stalled_worker_timeout=shift.lease_s,
            )
        )
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((running, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            running.cancel()  # it finishes what runs, within its grace
            await asyncio.wait((running, stopping))
        if not running.cancelled() and (error := running.exception()) is not None:
            raise error

    async def _do(self, context: JobContext, user: str, attempts: int = 0) -> None:
        """The task of an errand."""
        job = context.job
        errand = Errand(queue="learn" if job.queue == "learn" else "garden", user=UserId(user))
        with self._at(job):
            try:
                taken = await self._jobs.take(job, errand)
                if taken == "taken":
                    await self._attempt(errand, attempts)
                elif taken == "busy":
                    await self._queue(errand, attempts=attempts, wait_s=_BUSY_S, for_user=True)
                else:
                    self._jobs.leave(job)
            except asyncio.CancelledError:  # the worker is stopped: somebody else goes on
                await asyncio.shield(self._defer_once(errand_job(errand, attempts=attempts)))

    @contextmanager
    def _at(self, job: Job) -> Iterator[None]:
        """The job is being done here while the block runs.

        When what comes next can't be queued, its row is left, and becomes due again as a dead worker's does.
        """
        assert job.id is not None  # noqa: S101 - it comes from the database
        self._at_work.add(job.id)
        if job.worker_id is not None:
            self._ids.add(job.worker_id)
        try:
            with translated():
                yield
        except StorageUnreachable as error:
            self._jobs.leave(job)
            log_failure("a worker could not queue what comes next", error)
        finally:
            self._at_work.discard(job.id)

    async def _attempt(self, errand: Errand, attempts: int) -> None:
        """Do it, and queue what comes next."""
        try:
            again = await self._work.do(errand)
        except Exception as error:  # noqa: BLE001 - the runner's edge: no user may stop the others
            wait_s = back_off(attempts + 1, self._shift.retry_s)
            log_errand(errand, error, wait_s)
            if wait_s is None:
                raise ParkedError(type(error).__name__) from None
            await self._queue(errand, attempts=attempts + 1, wait_s=wait_s)
        else:
            if again is not None:
                await self._queue(errand, wait_s=(again - self._clock()).total_seconds())

    async def _looked(self, context: JobContext, queue: Queue, every_s: float) -> None:
        """The task that looks for users, and is queued again by itself."""
        wait_s = min(every_s, self._shift.retry_s)
        with self._at(context.job):
            try:
                await self._put(queue, await self._work.users_left(queue))
                wait_s = every_s
            except Exception as error:  # noqa: BLE001 - the runner's edge: the next look may succeed
                log_failure("workers could not look for users", error)
            finally:
                await self._look_in(queue, every_s, wait_s)

    async def _begin_to_look(self) -> None:
        """Look at once, whatever was planned: another period may hold now."""
        for queue in self._shift.queues:
            for planned in await self._jobs.list_jobs_async(task=LOOK, queue=queue, status="todo"):
                assert planned.id is not None  # noqa: S101
                await self._jobs.cancel_job_by_id_async(planned.id, delete_job=True)
            await self._look_in(queue, self._shift.period_s(queue), 0.0)

    async def _look_in(self, queue: Queue, every_s: float, wait_s: float) -> None:
        await self._defer(look_job(queue, every_s=every_s, wait_s=wait_s))

    async def _queue(
        self, errand: Errand, *, attempts: int = 0, wait_s: float = 0.0, for_user: bool = False
    ) -> None:
        await self._defer(errand_job(errand, attempts=attempts, wait_s=wait_s, for_user=for_user))

    async def _defer(self, job: Job) -> None:
        """Queue it, unless it waits already. Raises ConnectorException when that fails again and again."""
        for wait_s in _AGAIN_S:
            with suppress(ConnectorException):
                await self._defer_once(job)
                return
            await asyncio.sleep(wait_s)
        await self._defer_once(job)

    async def _defer_once(self, job: Job) -> None:
        with suppress(AlreadyEnqueued):
            await self._jobs.defer_job_async(job)

    async def _put(self, queue: Queue, users: Sequence[UserId]) -> None:
        """Queue an errand for each user who has none, waiting, running or parked."""
        known = {job.queueing_lock for job in await self._jobs.list_jobs_async(task=ERRAND, queue=queue)}
        new = [
            errand_job(Errand(queue=queue, user=user))
            for user in users
            if queue_lock(queue, user) not in known
        ]
        for start in range(0, len(new), _AT_ONCE):
            some = new[start : start + _AT_ONCE]
            try:
                await self._jobs.batch_defer_jobs_async(some)
            except AlreadyEnqueued:  # somebody else has queued one of them meanwhile: one by one
                for job in some:
                    await self._defer(job)

    async def _care(self) -> None:
        """Take over from dead workers, and see to it that there is a look to come, again and again."""
        while True:
            await asyncio.sleep(self._shift.lease_s / _SIGNS)
            try:
                with translated():
                    await self._take_over()
                    await self._keep_looking()
            except StorageUnreachable as error:
                log_failure("a worker could not look after the others", error)

    async def _keep_looking(self) -> None:
        for queue in self._shift.queues:
            looks = await self._jobs.list_jobs_async(task=LOOK, queue=queue)
            if not any(look.status in _TO_COME for look in looks):
                await self._look_in(queue, self._shift.period_s(queue), 0.0)

    async def _take_over(self) -> None:
        """Make due again what dead workers had. One worker at a time, lest a job be taken that runs again."""
        async with self._connector.pool.connection() as connection, connection.transaction():
            found = await connection.execute(f"SELECT pg_try_advisory_xact_lock({int(_RECOVER)})")
            row = await found.fetchone()
            if row is None or not row[0]:
                return
            for job in await self._jobs.get_stalled_jobs(seconds_since_heartbeat=self._shift.lease_s):
                await self._release(job)
            await self._jobs.prune_stalled_workers(self._shift.lease_s)
        await self._release_orphans()

    async def _release_orphans(self) -> None:
        """Make due again what is said to be done here and is not: its end could not be written."""
        said: dict[int, Job] = {}
        for worker_id in self._ids:
            for job in await self._jobs.list_jobs_async(status="doing", worker_id=worker_id):
                if job.id is not None and job.id not in self._at_work:
                    said[job.id] = job
        for job_id in self._orphans & said.keys():  # seen twice: it is no moment between two steps
            await self._release(said[job_id])
        self._orphans = set(said)

    async def _release(self, job: Job) -> None:
        try:
            with unless_gone():
                await self._jobs.give_back(job)
        except UniqueViolation:  # the user's next errand waits already
            await self._jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)
