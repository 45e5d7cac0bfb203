"""Building the index of a large user's vectors (points.py) beside everybody's work.

It takes minutes for a million vectors. CONCURRENTLY lets them come and go meanwhile, but works in no
transaction: what is cut short, by the close of the store or by a kill, leaves an index that is not valid, and
whoever builds next throws that away.
"""

from __future__ import annotations

import asyncio

from sqlalchemy import BigInteger, Connection, bindparam, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hmlr.errors import ClosedError
from hmlr.records import UserId
from hmlr.store.postgres import points
from hmlr.store.postgres.engine import owner_engine
from hmlr.store.postgres.settings import Reach
from hmlr.store.sql.index import known_model

# The session may wait long for those who hold an older moment of the database; nobody waits for it.
_SESSION = text("SELECT set_config('hmlr.user', :user, false), set_config('lock_timeout', '0', false)")
# Who builds an index holds an advisory lock by its name, until the session ends.
_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended(:index, :builders))").bindparams(
    bindparam("builders", 0x484D4C49, BigInteger)
)


class Builds:
    """The builds of a store, all in one thread; the close ends them."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._tasks: set[asyncio.Task[object]] = set()
        self._ended = False

    async def run(self, user: UserId, model_id: str) -> None:
        """Build the user's index unless it is there, or another process is at it; ClosedError at the end."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it runs
        self._tasks.add(task)
        try:
            await self._build(user, model_id)
        except asyncio.CancelledError:
            if self._ended:
                raise ClosedError("the store was closed during the building of an index") from None
            raise
        finally:
            self._tasks.discard(task)

    async def end(self) -> None:
        """Cut those short that run, in the server too."""
        self._ended = True
        for task in self._tasks:
            task.cancel()

    async def _build(self, user: UserId, model_id: str) -> None:
        owner = owner_engine(self._reach)
        try:
            async with owner.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                await connection.execute(_SESSION, {"user": user})
                await _build(connection, model_id)
        finally:
            await owner.dispose()


async def _build(connection: AsyncConnection, model_id: str) -> None:
    model = await connection.run_sync(known_model, model_id)
    if model is None:
        return
    plan = await connection.run_sync(points.plan, model)
    if plan is None or not (await connection.execute(_LOCK, {"index": plan.index})).scalar():
        return
    if (valid := await connection.run_sync(_is_valid, plan)) is not None:
        if valid:
            return
        await connection.exec_driver_sql(plan.drop)
    await connection.exec_driver_sql(plan.build)


def _is_valid(connection: Connection, plan: points.Plan) -> bool | None:
    """Whether the index is whole; None when there is none."""
    found = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:index)")
    return connection.execute(found, {"index": plan.index}).scalar()
