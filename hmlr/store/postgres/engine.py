"""Connections to a PostgreSQL database: how they are made, and what must hold before they are used."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hmlr.errors import ConfigurationError, StorageUnreachable
from hmlr.store.postgres import schema
from hmlr.store.postgres.full_text import FullText
from hmlr.store.postgres.settings import Reach, driver_url, ms
from hmlr.store.sql.special import OPTION

_CONNECT_TIMEOUT_S = 3.0
_BUILDING_S = 60.0  # how long another process may take to build the tables
_SLACK_S = 5.0  # the server ends a statement before the driver gives up
FAREWELL_S = 1.0  # how long a server may take to close a connection
_OF_A_CALL = 0.85  # a statement may take as much of it, so that the server can say so in time
# Weaker than "on" is asked for only where the last writes may be lost; stronger ones are left as they are.
_WEAK = {"off", "local"}


def owner_engine(reach: Reach) -> AsyncEngine:
    """Connections as the user of the address, who owns the tables; for building and VACUUM alone."""
    return create_async_engine(
        driver_url(reach.url),
        poolclass=NullPool,
        connect_args=_connect_args(
            reach, {"statement_timeout": "0", "lock_timeout": ms(_BUILDING_S)}, command_timeout_s=None
        ),
    )


def member_engine(reach: Reach, *, synchronous_commit: str, size: int) -> AsyncEngine:
    """A pool; its connections are the member's, whose rights end at row-level security."""
    own = {
        "role": schema.MEMBER,
        "synchronous_commit": synchronous_commit,
        "statement_timeout": ms(_OF_A_CALL * reach.call_timeout_s),
        # A computer that vanished keeps its locks no longer than this.
        "idle_in_transaction_session_timeout": ms(reach.call_timeout_s + _SLACK_S),
        # A prepared statement keeps the plan that was made while its tables were empty, which is to read them
        # whole, until they are analysed. Every query of ours has an index.
        "enable_seqscan": "off",
        "jit": "off",  # what is expected to cost much by that mark need not
    }
    return create_async_engine(
        driver_url(reach.url),
        pool_size=size,
        max_overflow=0,
        pool_timeout=reach.pool_timeout_s,
        pool_use_lifo=True,
        connect_args=_connect_args(reach, own, command_timeout_s=reach.patient_timeout_s + _SLACK_S),
        query_cache_size=2000,
        execution_options={OPTION: FullText()},
    )


def _connect_args(reach: Reach, own: dict[str, str], *, command_timeout_s: float | None) -> dict[str, Any]:
    return {
        "timeout": _CONNECT_TIMEOUT_S,
        "command_timeout": command_timeout_s,  # a network that says nothing any more
        "server_settings": {
            "application_name": "hmlr",
            "timezone": "UTC",
            "lock_timeout": ms(reach.lock_timeout_s),
            **own,
        },
    }


async def looked_at(reach: Reach) -> tuple[bool, str]:
    """Whether the database has its schema, and the synchronous_commit that our sessions ask for.

    Raises ConfigurationError when the server would break a promise, SchemaTooNew and StorageError.
    """
    async with _as_owner(reach) as connection:
        return (
            await connection.run_sync(schema.is_current),
            await connection.run_sync(_commit_mode, reach.durability),
        )


async def build_schema(reach: Reach) -> None:
    """Make the schema where it is missing. Raises ConfigurationError, SchemaTooNew and StorageError."""
    async with _as_owner(reach) as connection:
        await connection.run_sync(schema.build)


class Pool:
    """Connections of the member; all of a pool are used in one event loop."""

    def __init__(self, reach: Reach, *, synchronous_commit: str, size: int) -> None:
        self._reach = reach
        self._synchronous_commit = synchronous_commit
        self.engine = member_engine(reach, synchronous_commit=synchronous_commit, size=size)
        self._drivers: weakref.WeakSet[Any] = weakref.WeakSet()
        event.listen(self.engine.sync_engine, "connect", self._note)

    def beside(self, size: int) -> Pool:
        """Another pool like this one, of so many connections at the utmost."""
        return Pool(self._reach, synchronous_commit=self._synchronous_commit, size=size)

    async def aclose(self) -> None:
        """Close them when none is used; where the server does not take the farewell, without one."""
        closing = asyncio.create_task(self.engine.dispose())
        done, _ = await asyncio.wait({closing}, timeout=FAREWELL_S)
        if not done:
            for connection in list(self._drivers):
                connection.terminate()
        await closing

    def _note(self, connection: Any, _: object) -> None:
        self._drivers.add(connection.driver_connection)


async def member_pool(reach: Reach, *, synchronous_commit: str) -> Pool:
    """The pool of connections to a database that has its schema.

    Raises ConfigurationError when its role would break a promise.
    """
    pool = Pool(reach, synchronous_commit=synchronous_commit, size=reach.pool_size)
    try:
        async with pool.engine.connect() as connection:
            await connection.run_sync(_require_bound)
    except BaseException:
        await pool.aclose()
        raise
    return pool


async def let_go(connection: AsyncConnection) -> None:
    """Give a connection back to its pool; thrown away where the server does not take its rollback."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await connection.close()


@asynccontextmanager
async def _as_owner(reach: Reach) -> AsyncIterator[AsyncConnection]:
    owner = owner_engine(reach)
    try:
        async with owner.begin() as connection:
            yield connection
    finally:
        await owner.dispose()


def _commit_mode(connection: Connection, durability: str) -> str:
    """The synchronous_commit that our sessions ask for."""
    if durability == "fast":
        return "off"
    if connection.execute(text("SHOW fsync")).scalar() != "on":
        raise ConfigurationError(
            "the database server runs with fsync off: an answered write would not survive a power loss",
            hint="Turn it on, or say durability fast",
        )
    mode = str(connection.execute(text("SHOW synchronous_commit")).scalar())
    return "on" if mode in _WEAK else mode


def _require_bound(connection: Connection) -> None:
    """Raise ConfigurationError when our role could read past row-level security."""
    free = connection.execute(
        text(
            "SELECT rolsuper OR rolbypassrls OR EXISTS ("
            "SELECT 1 FROM pg_class WHERE oid = 'turns'::regclass"
            " AND pg_has_role(current_user, relowner, 'usage'))"
            " FROM pg_roles WHERE rolname = current_user"
        )
    ).scalar()
    if free is None:
        raise StorageUnreachable("the database server does not say which role is used")
    if free:
        raise ConfigurationError(
            f"the role {schema.MEMBER} may pass row-level security, which keeps users apart",
            hint="ALTER ROLE hmlr_member NOSUPERUSER NOBYPASSRLS, and let it not own the tables",
        )
