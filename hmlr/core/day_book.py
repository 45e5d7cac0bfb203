"""What model calls take of a user's day, kept with the memory: a crash or a schedule begins no new budget."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime

from hmlr.errors import HMLRError
from hmlr.records import DayLimit, Usage, UserId
from hmlr.store.port import SpendingStore
from hmlr.store.records import Spent

# What has no limit is written together so often: a turn makes several calls, and a write for each of them
# would cost as much as all others of the turn.
EVERY_S = 0.5
_log = logging.getLogger(__name__)


class StoredDayBook:
    """The port `DayBook` on a store. For one event loop."""

    def __init__(self, store: SpendingStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._counted: dict[tuple[UserId, date], Usage] = {}  # not written yet
        self._writing = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None

    def today(self) -> date:
        """See DayBook."""
        return self._clock().astimezone(UTC).date()

    async def book(self, user: str, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """See DayBook."""
        await self._store.book(UserId(user), day, usage, within=within)

    def count(self, user: str, day: date, usage: Usage) -> None:
        """See DayBook."""
        if usage == Usage():
            return
        self._add(Spent(user=UserId(user), day=day, usage=usage))
        if self._later is None or self._later.done():
            self._later = asyncio.create_task(self._write_later(), name="hmlr-day-book")

    async def settle(self) -> None:
        """Write what was counted. Raises StorageError and StorageBusy, and keeps it for the next time."""
        await asyncio.shield(self._write())  # given up in the middle, it would be written twice

    async def aclose(self) -> None:
        """Write what was counted, if the database takes it."""
        try:
            await self.settle()
        except HMLRError as error:
            _log.warning("calls could not be booked: %s", type(error).__name__)

    async def _write(self) -> None:
        async with self._writing:
            counted, self._counted = self._counted, {}
            spent = [Spent(user=user, day=day, usage=usage) for (user, day), usage in counted.items()]
            added = 0
            try:
                added = await self._store.book_all(spent)
            finally:
                for each in spent[added:]:
                    self._add(each)

    def _add(self, spent: Spent) -> None:
        key = spent.user, spent.day
        self._counted[key] = self._counted.get(key, Usage()) + spent.usage

    async def _write_later(self) -> None:
        while self._counted:  # more may have come while it was written
            await asyncio.sleep(EVERY_S)
            try:
                await self.settle()
            except HMLRError as error:
                _log.warning("calls could not be booked yet: %s", type(error).__name__)
                return  # with the next call
