"""Leases are kept while their work goes on, however long it takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from hmlr.errors import HMLRError
from hmlr.records import UserId
from hmlr.store.port import JobStore
from hmlr.store.records import Lease

logger = logging.getLogger(__name__)

T = TypeVar("T")
GiveBack = Callable[[Sequence[Lease]], Awaitable[None]]
RENEWALS = 4  # in the time of one lease: a busy disk may cost some


@contextlib.asynccontextmanager
async def renewed(
    store: JobStore,
    user: UserId,
    leases: Sequence[Lease],
    *,
    lease_s: float,
    clock: Callable[[], datetime],
) -> AsyncIterator[None]:
    """Renew the leases until the block ends; when it is cancelled, what is not finished is due at once."""
    renewing = asyncio.create_task(_renew(store, user, leases, lease_s, clock))
    try:
        yield
    except asyncio.CancelledError:
        await give_back(store, user, leases, clock)
        raise
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def taken(
    taking: Coroutine[Any, Any, T], leases_of: Callable[[T], Sequence[Lease]], back: GiveBack
) -> T:
    """The result of what leases jobs; when the caller is cancelled meanwhile, `back` gets the leases."""
    task = asyncio.create_task(taking)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(HMLRError):  # then nothing was leased
            await back(leases_of(await task))
        raise


async def give_back(
    store: JobStore, user: UserId, leases: Sequence[Lease], clock: Callable[[], datetime]
) -> None:
    """Make the leased jobs due at once; those that are finished stay so."""
    if leases:
        with contextlib.suppress(HMLRError):  # the leases end by themselves
            await store.fail(user, leases, error="", retry_at=clock())


async def _renew(
    store: JobStore, user: UserId, leases: Sequence[Lease], lease_s: float, clock: Callable[[], datetime]
) -> None:
    while True:
        await asyncio.sleep(lease_s / RENEWALS)
        try:
            await store.renew(user, leases, lease_s=lease_s, now=clock())
        except HMLRError as error:  # once more soon; when the lease is lost, finishing the job tells
            logger.warning("work could not renew its leases: %s", type(error).__name__)
