"""The leases that an open memory has of jobs: each is owned by one block, from its taking to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from hmlr.errors import ClosedError, HMLRError
from hmlr.memory.cancelling import to_its_end
from hmlr.records import UserId
from hmlr.store.port import JobStore
from hmlr.store.records import Lease

logger = logging.getLogger(__name__)

T = TypeVar("T")
RENEWALS = 4  # in the time of one lease: a busy disk may cost some


@dataclass(frozen=True, eq=False)
class _Held:
    """What one block took, or is taking."""

    user: UserId
    taking: asyncio.Task[Any]
    leases_of: Callable[[Any], Sequence[Lease]]


class Leasing:
    """Owns leases from the call that takes them. For one event loop."""

    def __init__(self, store: JobStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._held: set[_Held] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def holding(
        self,
        user: UserId,
        taking: Coroutine[Any, Any, T],
        leases_of: Callable[[T], Sequence[Lease]],
        *,
        lease_s: float | None = None,
    ) -> AsyncIterator[T]:
        """What `taking` gives; its leases are ours as long as the block runs, and renewed with `lease_s`.

        When it is left by an error or a cancellation, even one that came while they were being taken, the
        jobs that are not finished are due at once. ClosedError, with nothing taken, after closing.
        """
        if self._closed:
            taking.close()
            raise ClosedError("the memory is closed", hint="Open it again")
        task = asyncio.create_task(taking)
        held = _Held(user, task, leases_of)
        self._held.add(held)
        try:
            taken = await asyncio.shield(task)
            async with self._renewed(user, leases_of(taken), lease_s):
                yield taken
        except Exception:
            await to_its_end(self._give_back(held, tried=True))
            raise
        except asyncio.CancelledError:
            await to_its_end(self._give_back(held, tried=False))
            raise
        finally:
            self._held.discard(held)

    async def aclose(self) -> None:
        """Give back what is still held, when its taking is over; nothing is taken from now on."""
        self._closed = True
        await asyncio.gather(*[self._give_back(held, tried=False) for held in self._held])

    async def _give_back(self, held: _Held, *, tried: bool) -> None:
        """Make the jobs due at once; those that are finished, or were given back, stay so."""
        await asyncio.wait([held.taking])
        if held.taking.cancelled() or held.taking.exception() is not None:
            return  # nothing was leased
        leases = held.leases_of(held.taking.result())
        if leases:
            with contextlib.suppress(HMLRError):  # they end by themselves
                await self._store.fail(held.user, leases, error="", retry_at=self._clock(), tried=tried)

    @contextlib.asynccontextmanager
    async def _renewed(
        self, user: UserId, leases: Sequence[Lease], lease_s: float | None
    ) -> AsyncIterator[None]:
        if lease_s is None or not leases:
            yield
            return
        renewing = asyncio.create_task(self._renew(user, leases, lease_s))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait([renewing])

    async def _renew(self, user: UserId, leases: Sequence[Lease], lease_s: float) -> None:
        while True:
            await asyncio.sleep(lease_s / RENEWALS)
            try:
                await self._store.renew(user, leases, lease_s=lease_s, now=self._clock())
            except HMLRError as error:  # once more soon; when the lease is lost, finishing the job tells
                logger.warning("work could not renew its leases: %s", type(error).__name__)
