"""Moving to another database: a library function, since it concerns every user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from hmlr.core.moving import Move, Progress
from hmlr.core.services import open_store, utc_now
from hmlr.errors import ConfigurationError, NotFound
from hmlr.memory.intake import user_id as checked_user
from hmlr.records import MoveReport
from hmlr.settings import Settings
from hmlr.store.port import Store


async def move(
    source: str | Path,
    target: str | Path,
    *,
    user_id: str | None = None,
    progress: Progress | None = None,
    settings: Settings | None = None,
) -> MoveReport:
    """Copy everything of every user, or of one, to another database: file to server, back, or alike.

    Nothing in the source changes. A user is in the target wholly or not at all; a run after one that was
    killed goes on behind the users that are there. `progress` hears how many steps of how many are done.

    `left` of the report names users who went on changing: run it again when nobody uses the source.
    Raises NotFound for a source that holds nothing, Conflict when the target holds another memory of a user,
    CopyDiffers when a copy is not what was read, ConfigurationError and StorageError for the databases.
    """
    base = settings or Settings.load()
    only = None if user_id is None else checked_user(user_id)
    reading = base.model_copy(update={"db_path": str(source)})
    writing = base.model_copy(update={"db_path": str(target)})
    await asyncio.to_thread(_check, reading, writing)
    async with _opened(reading, build=False) as here, _opened(writing, build=True) as there:
        told = progress or (lambda done, total: None)
        return await Move(here, there, clock=utc_now, progress=told).run(only)


def _check(source: Settings, target: Settings) -> None:
    """Refuse what can't be meant."""
    if not (source.db_path.strip() and target.db_path.strip()):
        raise ConfigurationError("a move needs two databases", hint="Give a file or postgresql://… for each")
    if source.database_url is None and not source.database.is_file():
        raise NotFound(f"the database {source.database} does not exist", hint="Check --from")
    if source.database_url is not None or target.database_url is not None:
        same = source.database_url == target.database_url
    else:
        same = target.database.exists() and source.database.samefile(target.database)
    if same:
        raise ConfigurationError("source and target are the same database", hint="Name another target")


@asynccontextmanager
async def _opened(settings: Settings, *, build: bool) -> AsyncIterator[Store]:
    store = await open_store(settings, build=build)
    try:
        yield store
    finally:
        await store.aclose()
