"""Connections to a PostgreSQL database: how they are made, and what must hold before they are used."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hmlr.errors import ConfigurationError, StorageUnreachable
from hmlr.store.postgres import schema
from hmlr.store.postgres.errors import translated
from hmlr.store.postgres.full_text import FullText
from hmlr.store.postgres.settings import Reach, driver_url
from hmlr.store.sql.special import OPTION

_CONNECT_TIMEOUT_S = 3.0
# Weaker than "on" is asked for only where the last writes may be lost; stronger ones are left as they are.
_WEAK = {"off", "local"}


def owner_engine(reach: Reach) -> AsyncEngine:
    """Connections as the user of the address, who owns the tables; for building and VACUUM alone."""
    return create_async_engine(
        driver_url(reach.url),
        poolclass=NullPool,
        connect_args=_connect_args(reach, {"statement_timeout": "0"}),
    )


def member_engine(reach: Reach, *, synchronous_commit: str) -> AsyncEngine:
    """The pool; its connections are the member's, whose rights end at row-level security."""
    own = {
        "role": schema.MEMBER,
        "statement_timeout": f"{round(reach.statement_timeout_s * 1000)}",
        "synchronous_commit": synchronous_commit,
        "idle_in_transaction_session_timeout": f"{round(reach.statement_timeout_s * 1000)}",
    }
    return create_async_engine(
        driver_url(reach.url),
        pool_size=reach.pool_size,
        max_overflow=0,
        pool_timeout=reach.pool_timeout_s,
        pool_use_lifo=True,
        connect_args=_connect_args(reach, own),
        query_cache_size=2000,
        execution_options={OPTION: FullText()},
    )


def _connect_args(reach: Reach, own: dict[str, str]) -> dict[str, Any]:
    return {
        "timeout": _CONNECT_TIMEOUT_S,
        "command_timeout": reach.statement_timeout_s + 5.0,  # a network that says nothing any more
        "server_settings": {
            "application_name": "hmlr",
            "timezone": "UTC",
            "lock_timeout": f"{round(reach.lock_timeout_s * 1000)}",
            **own,
        },
    }


async def prepared(reach: Reach, *, build: bool = True) -> AsyncEngine:
    """A pool on a database that has its schema and keeps what it promises; `build` makes what is missing.

    Raises NotFound without it, ConfigurationError when the server or the role would break a promise,
    StorageUnreachable, SchemaTooNew and StorageError.
    """
    owner = owner_engine(reach)
    try:
        with translated():
            async with owner.begin() as connection:
                await connection.run_sync(schema.build if build else schema.require)
                commit = await connection.run_sync(_commit_mode, reach.durability)
    finally:
        await owner.dispose()
    engine = member_engine(reach, synchronous_commit=commit)
    try:
        with translated():
            async with engine.connect() as connection:
                await connection.run_sync(_require_bound)
    except BaseException:
        await engine.dispose()
        raise
    return engine


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
            hint=f"ALTER ROLE {schema.MEMBER} NOSUPERUSER NOBYPASSRLS, and let it not own the tables",
        )
