"""Leases are kept while their work goes on, however long it takes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from hmlr.errors import HMLRError
from hmlr.records import UserId
from hmlr.store.port import JobStore
from hmlr.store.records import Lease

logger = logging.getLogger(__name__)

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
    """Renew the leases until the block ends."""
    renewing = asyncio.create_task(_renew(store, user, leases, lease_s, clock))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait([renewing])


async def _renew(
    store: JobStore, user: UserId, leases: Sequence[Lease], lease_s: float, clock: Callable[[], datetime]
) -> None:
    while True:
        await asyncio.sleep(lease_s / RENEWALS)
        try:
            await store.renew(user, leases, lease_s=lease_s, now=clock())
        except HMLRError as error:  # once more soon; when the lease is lost, finishing the job tells
            logger.warning("work could not renew its leases: %s", type(error).__name__)
