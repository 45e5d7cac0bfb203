"""Purging: what an erasure removed leaves the tables of a PostgreSQL database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from hmlr.records import UserId
from hmlr.store.postgres.settings import JOBS_SCHEMA

_AS_OPERATOR = text("SELECT set_config('hmlr.operator', 'on', false)")
# A row goes when the transaction that removed it is older than whatever anybody still works with: moments of
# the database, writes under way, standbys, prepared transactions. That of an erasure has written its
# tombstone. VACUUM itself holds nothing up.
_PENDING = text(
    """
    WITH pending AS (SELECT tombstone_no, age(tombstones.xmin) AS age FROM tombstones WHERE NOT purged),
    sessions AS (
        SELECT backend_xmin, backend_xid FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND (datname IS NULL OR datname = current_database())
        AND pid NOT IN (SELECT pid FROM pg_stat_progress_vacuum)
    ),
    held AS (
        SELECT age(backend_xmin) AS age FROM sessions
        UNION ALL SELECT age(backend_xid) FROM sessions
        UNION ALL SELECT age(xmin) FROM pg_replication_slots
        UNION ALL SELECT age(transaction) FROM pg_prepared_xacts WHERE database = current_database()
    )
    SELECT
        ARRAY(SELECT tombstone_no FROM pending) AS erasures,
        coalesce((SELECT max(age) FROM held) >= (SELECT min(age) FROM pending), false) AS held
    """
)
# By name, for VACUUM says only of tables that were named that it passed over them.
_VACUUM = text(
    """
    SELECT 'VACUUM (SKIP_LOCKED) ' || string_agg(quote_ident(nspname) || '.' || quote_ident(relname), ', ')
    FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind IN ('r', 'm') AND relpersistence <> 't' AND NOT relisshared AND pg_has_role(
        CASE WHEN relnamespace = 'pg_catalog'::regnamespace
        THEN (SELECT datdba FROM pg_database WHERE datname = current_database()) ELSE relowner END, 'usage'
    )
    """
)
_LOCKED = "55P03"


async def purge(owner: AsyncEngine) -> Sequence[int] | None:
    """Remove dead versions of rows from tables and indexes: the erasures whose rows have gone for good.

    None when some may be left: an export, a dump or a write that is older than an erasure can still see its
    rows, or another session's work on a table kept VACUUM from it.
    The bytes may stay in free space of the server's pages until that is used again, and in its write-ahead
    log, replicas and backups as long as those are kept: docs/postgres.md says what to do about that.
    """
    async with owner.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(_AS_OPERATOR)
        pending = (await connection.execute(_PENDING)).one()
        if pending.held or not await _vacuum(connection):
            return None
        erasures: Sequence[int] = pending.erasures
        return erasures


async def _vacuum(connection: AsyncConnection) -> bool:
    """Whether no table was passed over."""
    passed_over = False

    def note(_: object, message: Any) -> None:
        nonlocal passed_over
        passed_over |= message.sqlstate == _LOCKED

    statement: str = (await connection.execute(_VACUUM)).scalar_one()
    driver: Any = (await connection.get_raw_connection()).driver_connection
    driver.add_log_listener(note)
    await connection.exec_driver_sql(statement)
    await asyncio.sleep(0)  # the driver tells of messages when it comes to that
    driver.remove_log_listener(note)
    return not passed_over


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
