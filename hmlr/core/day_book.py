"""What model calls take of a user's day, kept with the memory: a crash or a schedule begins no new budget."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime

from hmlr.records import DayLimit, Usage, UserId
from hmlr.store.port import SpendingStore


class StoredDayBook:
    """The port `DayBook` on a store."""

    def __init__(self, store: SpendingStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def today(self) -> date:
        """See DayBook."""
        return self._clock().astimezone(UTC).date()

    async def book(self, user: str, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """See DayBook."""
        await self._store.book(UserId(user), day, usage, within=within)
