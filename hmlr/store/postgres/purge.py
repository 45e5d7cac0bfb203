"""Purging: what an erasure removed leaves the tables of a PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from hmlr.records import UserId
from hmlr.store.postgres.settings import JOBS_SCHEMA


async def vacuum(owner: AsyncEngine) -> None:
    """Remove dead versions of rows from tables and indexes.

    Their bytes may stay in free space of the server's pages until that is used again, and in its write-ahead
    log, replicas and backups as long as those are kept: docs/postgres.md says what to do about that.
    """
    async with owner.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.run_sync(_vacuum)


def _vacuum(connection: Connection) -> None:
    connection.execute(text("VACUUM (SKIP_LOCKED)"))


async def forget_errands(owner: AsyncEngine, user: UserId) -> None:
    """Remove the user from the workers' queue, if there is one; who is at the user finds nothing to do."""
    jobs = f"{JOBS_SCHEMA}.procrastinate_jobs"
    async with owner.begin() as connection:
        there = await connection.exec_driver_sql("SELECT to_regclass($1)", (jobs,))
        if there.scalar() is not None:
            await connection.exec_driver_sql("SET LOCAL search_path TO hmlr_jobs")  # for its triggers
            await connection.exec_driver_sql(
                "DELETE FROM procrastinate_jobs WHERE args ->> 'user' = $1", (user,)
            )
