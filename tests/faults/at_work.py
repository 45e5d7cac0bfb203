"""What the tests of workers share: a client at work while a block runs, and waiting for what comes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hmlr import HMLRClient
from hmlr.records import UserId
from hmlr.settings import Settings
from hmlr.store.port import Store
from hmlr.testing import ScriptedModel, hash_embedder

Place = Path | str  # a file, or an address
NO_TAGS: dict[str, Any] = {"tag_classification": {"tags": [], "section_rules": []}}


def door(
    place: Place, user: str = "nobody", *, model: ScriptedModel | None = None, **given: Any
) -> HMLRClient:
    """A client that is not open yet, with a model that leaves all but tags to the rules."""
    settings = Settings.load(
        db_path=str(place), embedder="none", model="offline", durability="fast", user=user, **given
    )
    return HMLRClient(settings=settings, model=model or ScriptedModel(NO_TAGS), embedder=hash_embedder())


@asynccontextmanager
async def at_work(client: HMLRClient, **shift: Any) -> AsyncIterator[None]:
    """The client works while the block runs; at the end it is stopped."""
    stop = asyncio.Event()
    working = asyncio.create_task(client.work(stop=stop, **{"queues": ["garden"], **shift}))
    try:
        yield
        assert not working.done(), working
    finally:
        stop.set()
        await asyncio.wait_for(working, 30)


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float) -> float:
    """Wait until it holds; the seconds that it took."""
    begun = time.monotonic()
    while not await holds():
        assert time.monotonic() - begun < within_s
        await asyncio.sleep(0.02)
    return time.monotonic() - begun


def store_of(client: HMLRClient) -> Store:
    """The open store."""
    return client._member.services.store


async def pending(client: HMLRClient, *users: str) -> int:
    """Finished topics of the users that are not gardened yet."""
    return sum([(await store_of(client).stats(UserId(user))).topics_waiting for user in users])


async def all_done(client: HMLRClient, *users: str) -> bool:
    """Whether nothing of the users is to be gardened."""
    return await pending(client, *users) == 0


async def is_running(client: HMLRClient) -> bool:
    """Whether anybody gardens now."""
    return (await store_of(client).work_left(datetime.now(UTC)))["garden"].running > 0


async def is_idle(client: HMLRClient) -> bool:
    """Whether workers have nothing to do, and nothing is left of dead ones."""
    state = await client.work_state()
    return not (state.stalled or any(each.waiting or each.running for each in state.queues))
