"""The part of the store that workers ask about all users."""

from __future__ import annotations

from datetime import datetime

from hmlr.records import Queue, UserId
from hmlr.store.records import UsersLeft
from hmlr.store.sql import work
from hmlr.store.sql.gate import Gate


class SqlWork:
    """WorkStore on a relational database."""

    _gate: Gate

    async def users_left(self, queue: Queue, now: datetime) -> list[UserId]:
        """See WorkStore."""
        return await self._gate.read(None, lambda c: work.users_left(c, queue, now))

    async def users_stalled(self, queue: Queue, now: datetime) -> list[UserId]:
        """See WorkStore."""
        return await self._gate.read(None, lambda c: work.users_stalled(c, queue, now))

    async def next_due(self, user: UserId, queue: Queue) -> datetime | None:
        """See WorkStore."""
        return await self._gate.read(user, lambda c: work.next_due(c, user, queue))

    async def work_left(self, now: datetime) -> dict[Queue, UsersLeft]:
        """See WorkStore."""
        return await self._gate.read(None, lambda c: work.work_left(c, now))
