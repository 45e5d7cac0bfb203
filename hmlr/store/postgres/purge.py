"""Purging: what an erasure removed leaves the tables of a PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine


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
