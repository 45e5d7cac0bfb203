"""The way from the event loop to PostgreSQL: threads with a loop of their own, and pools of connections.

The queries are plain functions; SQLAlchemy lets one of them wait for the server while others go on. They run
in a thread of their own because reading a large memory into arrays takes longer than an event loop may stall.
What may take minutes runs in a second thread, or it would stall the calls of all others in the first.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from sqlalchemy import Connection

from hmlr.records import UserId
from hmlr.store.postgres.building import Builds
from hmlr.store.postgres.calls import PostgresCalls
from hmlr.store.postgres.engine import Pool
from hmlr.store.postgres.loop import LoopThread
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.snapshot import PostgresSnapshot
from hmlr.store.postgres.transaction import PostgresTransaction
from hmlr.store.sql.home import Home

T = TypeVar("T")

# Connections, at the utmost, of patient calls, and as many again of snapshots: an export whose reader is slow
# keeps one for as long, and keeps no erasure from one.
PATIENT = 4


class PostgresGate:
    """`Gate` on a PostgreSQL database."""

    def __init__(self, pool: Pool, loop: LoopThread, reach: Reach) -> None:
        self._reach = reach
        self._home = Home()
        self._pool = pool
        self._prompt = PostgresCalls(pool.engine, loop, self.check, reach, patient=False)
        self._lanes = [_Lane(loop, pool)]
        self.builds = Builds(reach)  # run by the patient calls
        self._slow: tuple[PostgresCalls, PostgresCalls] | None = None
        self._held: weakref.WeakSet[PostgresSnapshot] = weakref.WeakSet()
        self._closed: asyncio.Task[None] | None = None

    async def read(self, user: UserId | None, work: Callable[[Connection], T]) -> T:
        """See Calls."""
        return await self._prompt.read(user, work)

    async def write(self, user: UserId | None, work: Callable[[Connection], T], *, alone: bool = False) -> T:
        """See Calls."""
        return await self._prompt.write(user, work, alone=alone)

    @property
    def patient(self) -> PostgresCalls:
        """See Gate; in a thread and on connections of their own."""
        calls, _ = self._patient()
        return calls

    @asynccontextmanager
    async def change(self, user: UserId) -> AsyncIterator[PostgresTransaction]:
        """A write of many steps, on a connection of its own."""
        patient = self.patient
        transaction = PostgresTransaction(patient, await patient.begin(user))
        try:
            yield transaction
            await patient.run(lambda _: transaction.commit())
        finally:
            await patient.in_thread(lambda _: transaction.close())

    def hold(self, user: UserId) -> PostgresSnapshot:
        """A snapshot for a read of many steps; its user closes it, or aclose() does."""
        self.check()
        _, snapshots = self._patient()
        snapshot = PostgresSnapshot(snapshots, user)
        self._held.add(snapshot)
        return snapshot

    def check(self) -> None:
        """Raise ClosedError where a call could only hang or do harm."""
        self._home.check(closed=self._closed is not None)

    async def aclose(self) -> None:
        """Finish what runs and close; every call waits for the same end. Does nothing in a fork."""
        if self._home.is_forked:
            return
        if self._closed is None:
            self._closed = asyncio.create_task(self._close(), name="hmlr-postgres-close")
        await asyncio.shield(self._closed)

    async def _close(self) -> None:
        if self._slow is not None:
            calls, _ = self._slow
            await calls.in_thread(lambda _: self.builds.end())
        for snapshot in list(self._held):
            await snapshot.close_now()
        await asyncio.gather(*(lane.aclose() for lane in self._lanes))

    def _patient(self) -> tuple[PostgresCalls, PostgresCalls]:
        """The patient calls and those of snapshots, whose thread begins with the first of them."""
        if self._slow is None:
            self.check()
            size = min(PATIENT, self._reach.pool_size)
            loop = LoopThread("hmlr-postgres-patient")
            pools = [self._pool.beside(size) for _ in range(2)]
            self._lanes.append(_Lane(loop, *pools))
            calls, snapshots = (
                PostgresCalls(pool.engine, loop, self.check, self._reach, patient=True) for pool in pools
            )
            self._slow = calls, snapshots
        return self._slow


class _Lane:
    """A thread and the connections that are used in it."""

    def __init__(self, loop: LoopThread, *pools: Pool) -> None:
        self._loop = loop
        self._pools = pools

    async def aclose(self) -> None:
        """Finish what runs, close the connections and end the thread."""
        await self._loop.idle()
        await self._loop.run(lambda _: self._close_pools())
        await self._loop.stop()

    async def _close_pools(self) -> None:
        await asyncio.gather(*(pool.aclose() for pool in self._pools))
