"""The rows of procrastinate's table: errands and looks, and who is at a user.

An errand waits under a lock of its own queue, so that it hinders no other one of the user, however long it is
put off. Who has fetched it takes the user: its row gets the user's lock, which one row that is being done can
have. One that comes while somebody else is at the user waits for that lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager

from hmlr.errands.on_procrastinate import ERRAND, LOOK, queue_lock, user_lock
from hmlr.errands.port import QUEUES, Errand
from hmlr.records import Queue

Taken = Literal["taken", "busy", "gone"]

_FIRST = {"learn": 1, "garden": 0}  # priorities
_LOOK_FIRST = 9
# Who has fetched an errand that goes first is about to take the user.
_TAKE = """
UPDATE procrastinate_jobs AS mine
SET lock = CASE WHEN EXISTS (
        SELECT FROM procrastinate_jobs AS other
        WHERE other.status = 'doing' AND other.lock = ANY (%(first)s::text[])
    ) THEN mine.lock ELSE %(lock)s END
WHERE id = %(job)s AND status = 'doing' AND worker_id = %(worker)s
RETURNING lock
"""
_LET_GO = """
UPDATE procrastinate_jobs SET lock = queueing_lock
WHERE task_name = %(task)s AND status = 'todo' AND lock IS DISTINCT FROM queueing_lock
"""


class Jobs(JobManager):
    """Procrastinate's jobs; an end that comes too late is none, for somebody else has the job now."""

    def __init__(self, connector: PsycopgConnector) -> None:
        super().__init__(connector)
        self._connector = connector
        self._left: set[int] = set()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """The next one; None as well when somebody has taken its user in the same moment."""
        try:
            return await super().fetch_job(queues, worker_id)
        except UniqueViolation:
            return None

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """End a job, if it is still there and was not left."""
        if job.id in self._left:
            self._left.discard(job.id)
            return
        with unless_gone():
            await super().finish_job(job, status, delete_job)

    def leave(self, job: Job) -> None:
        """Let its row be when it ends here."""
        assert job.id is not None  # noqa: S101 - it comes from the database
        self._left.add(job.id)

    async def take(self, job: Job, errand: Errand) -> Taken:
        """Be the only one at the user of a fetched errand until it ends.

        `busy`: somebody else is, or goes first. `gone`: the errand is no longer this worker's.
        """
        wanted = user_lock(errand.user)
        if job.lock == wanted:  # it has waited for it
            return "taken"
        before = QUEUES[: QUEUES.index(errand.queue)]
        try:
            rows = await self._connector.execute_query_all_async(
                _TAKE,
                job=job.id,
                worker=job.worker_id,
                lock=wanted,
                first=[queue_lock(queue, errand.user) for queue in before],
            )
        except UniqueViolation:
            return "busy"
        if not rows:
            return "gone"
        return "taken" if rows[0]["lock"] == wanted else "busy"

    async def give_back(self, job: Job) -> None:
        """Make due again what is no longer being done, or has failed."""
        await self.retry_job(job, lock=job.queueing_lock)

    async def let_go(self) -> None:
        """Let no errand that waits for its user hinder another: it may be that nobody serves its queue."""
        await self._connector.execute_query_async(_LET_GO, task=ERRAND)


@contextmanager
def unless_gone() -> Iterator[None]:
    """What is done to a job that is not there any more is nothing."""
    try:
        yield
    except ConnectorException as error:
        if not isinstance(error.__cause__, psycopg.errors.RaiseException):
            raise


def errand_job(errand: Errand, *, attempts: int = 0, wait_s: float = 0.0, for_user: bool = False) -> Job:
    """An errand to be queued; `for_user`: it waits until nobody is at the user."""
    lock = queue_lock(errand.queue, errand.user)
    return Job(
        queue=errand.queue,
        lock=user_lock(errand.user) if for_user else lock,
        queueing_lock=lock,
        priority=_FIRST[errand.queue],
        task_name=ERRAND,
        task_kwargs={"user": errand.user, "attempts": attempts},
        scheduled_at=_in(wait_s),
    )


def look_job(queue: Queue, *, every_s: float, wait_s: float) -> Job:
    """A look for users to be queued."""
    lock = f"look:{queue}"
    return Job(
        queue=queue,
        lock=lock,
        queueing_lock=lock,
        priority=_LOOK_FIRST,
        task_name=LOOK,
        task_kwargs={"queue": queue, "every_s": every_s},
        scheduled_at=_in(wait_s),
    )


def _in(wait_s: float) -> datetime | None:
    """So many seconds from now; None: at once."""
    return datetime.now(UTC) + timedelta(seconds=wait_s) if wait_s > 0 else None
