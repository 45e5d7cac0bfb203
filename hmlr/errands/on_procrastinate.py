"""The workers' queues on procrastinate, in the PostgreSQL database that holds the memories.

Its tables lie in a schema of their own and belong to the user of the address: the role that works on memories
can't read them. A row names a user and a queue, and how often it was tried. One errand of a user runs at a
time (`lock`, see procrastinate_jobs), and one of each queue waits (`queueing_lock`). One that is done leaves
no row; a parked one stays, so that it is not queued again before `retry`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from hmlr.errands.port import QUEUES, Errands, Shift, Work
from hmlr.errors import MissingPackage, StorageUnreachable
from hmlr.records import Queue, QueueState, UserId, WorkState
from hmlr.store.port import WorkStore
from hmlr.store.postgres.settings import JOBS_SCHEMA, Reach, libpq_url
from hmlr.store.records import UsersLeft

if TYPE_CHECKING:
    from procrastinate import PsycopgConnector
    from psycopg import AsyncConnection

ERRAND, LOOK = "hmlr_errand", "hmlr_look"  # the tasks: an errand, and to look for users
_BUILD = 0x484D4C57  # who builds the schema holds this advisory lock
_CONNECTIONS = 4  # of a worker, beside that of its ear
_OPEN_S = 5.0  # the pool would try for half a minute
_ALIVE = """
SELECT count(*) FILTER (WHERE last_heartbeat >= now() - %(lease_s)s * interval '1 second') AS alive,
    count(*) FILTER (WHERE last_heartbeat < now() - %(lease_s)s * interval '1 second') AS dead
FROM procrastinate_workers
"""


def user_lock(user: UserId) -> str:
    """What the one row has under which somebody is at the user, and those that wait for that one's end."""
    return f"user:{user}"


def queue_lock(queue: Queue, user: UserId) -> str:
    """What the one row has that waits for the user in a queue."""
    return f"{queue}:{user_lock(user)}"


async def open_procrastinate(
    reach: Reach, store: WorkStore, clock: Callable[[], datetime], *, lease_s: float
) -> ProcrastinateErrands:
    """Connect. Raises MissingPackage and StorageUnreachable."""
    try:
        await asyncio.to_thread(import_module, "hmlr.errands.procrastinate_worker")
        from procrastinate import PsycopgConnector
    except ImportError:
        raise MissingPackage(
            "workers on PostgreSQL need procrastinate", hint="pip install -r requirements-postgres.txt"
        ) from None
    logging.getLogger("procrastinate").setLevel(logging.ERROR)  # it names users
    connector = PsycopgConnector(
        conninfo=libpq_url(reach.url),
        kwargs={
            "options": f"-c search_path={JOBS_SCHEMA} -c timezone=UTC",
            "application_name": "hmlr-worker",
        },
        min_size=1,
        max_size=_CONNECTIONS,
        timeout=reach.pool_timeout_s,
    )
    try:
        with translated():
            async with asyncio.timeout(_OPEN_S):
                await connector.open_async()
    except BaseException:
        await connector.close_async()
        raise
    return ProcrastinateErrands(connector, store, clock, lease_s)


@contextmanager
def translated() -> Iterator[None]:
    """What procrastinate and its driver raise comes out as StorageUnreachable, with its cause chained."""
    import psycopg
    from procrastinate.exceptions import ConnectorException

    try:
        yield
    except (ConnectorException, psycopg.Error, TimeoutError) as error:
        raise StorageUnreachable(
            f"the workers' queue can't be reached ({type(error).__name__})", hint="See that the server runs"
        ) from error


class ProcrastinateErrands:
    """`Errands` on procrastinate. Made by open_procrastinate()."""

    def __init__(
        self, connector: PsycopgConnector, store: WorkStore, clock: Callable[[], datetime], lease_s: float
    ) -> None:
        self._connector = connector
        self._store = store
        self._clock = clock
        self._lease_s = lease_s

    async def serve(self, work: Work, shift: Shift, stop: asyncio.Event) -> None:
        """See Errands."""
        from hmlr.errands.procrastinate_worker import ProcrastinateWorker

        with translated():
            await self._build()
        await ProcrastinateWorker(self._connector, work, shift, self._clock).serve(stop)

    async def state(self) -> WorkState:
        """See Errands."""
        left = await self._store.work_left(self._clock())
        with translated():
            if not await self._is_built():
                return _unserved(left)
            workers = await self._connector.execute_query_one_async(_ALIVE, lease_s=self._lease_s)
            stalled = await self._jobs().get_stalled_jobs(
                task_name=ERRAND, seconds_since_heartbeat=self._lease_s
            )
            queues = [await self._queue(queue, left[queue]) for queue in QUEUES]
        return WorkState(
            queues=tuple(queues), workers=workers["alive"], dead=workers["dead"], stalled=len(list(stalled))
        )

    async def retry(self, user: UserId) -> int:
        """See Errands."""
        with translated():
            if not await self._is_built():
                return 0
            parked = [
                job
                for queue in QUEUES
                for job in await self._jobs().list_jobs_async(
                    task=ERRAND, queueing_lock=queue_lock(queue, user), status="failed"
                )
            ]
            for job in parked:
                await self._jobs().retry_job(job, lock=job.queueing_lock)
        return len(parked)

    async def aclose(self) -> None:
        """See Errands."""
        with translated():
            await self._connector.close_async()

    async def _queue(self, queue: Queue, left: UsersLeft) -> QueueState:
        row: dict[str, Any] = {"todo": 0, "doing": 0, "failed": 0}
        for found in await self._jobs().list_tasks_async(queue=queue, task=ERRAND):
            row = found
        waiting = max(row["todo"], left.waiting - row["doing"])  # it may be that nobody has looked yet
        return QueueState(
            queue=queue, waiting=waiting, running=row["doing"], failed=row["failed"] + left.failed
        )

    def _jobs(self) -> Any:
        from procrastinate.manager import JobManager

        return JobManager(self._connector)

    async def _is_built(self) -> bool:
        row = await self._connector.execute_query_one_async(
            "SELECT to_regclass('procrastinate_jobs') IS NOT NULL AS built"
        )
        return bool(row["built"])

    async def _build(self) -> None:
        """Make procrastinate's schema when it is missing, as a whole."""
        from procrastinate.schema import SchemaManager

        tables = await asyncio.to_thread(SchemaManager.get_schema)  # it reads a file
        async with self._connector.pool.connection() as connection, connection.transaction():
            await connection.execute(f"SELECT pg_advisory_xact_lock({int(_BUILD)})")
            if await _has_tables(connection):
                return
            await connection.execute("CREATE SCHEMA IF NOT EXISTS hmlr_jobs")
            await connection.execute(tables)


async def _has_tables(connection: AsyncConnection[Any]) -> bool:
    found = await connection.execute("SELECT to_regclass('procrastinate_jobs')")
    row = await found.fetchone()
    return row is not None and row[0] is not None


def _unserved(left: dict[Queue, UsersLeft]) -> WorkState:
    """What there is to do where no worker has ever been."""
    queues = tuple(
        QueueState(queue=queue, waiting=left[queue].waiting, running=0, failed=left[queue].failed)
        for queue in QUEUES
    )
    return WorkState(queues=queues, workers=0, dead=0, stalled=0)


if TYPE_CHECKING:
    _conforms: type[Errands] = ProcrastinateErrands
