"""The part of the store that moves whole memories."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from datetime import datetime
from functools import partial

from hmlr.records import UserId
from hmlr.store.move_records import Arriving, Page, Tally
from hmlr.store.sql import move_parts, move_read, move_write
from hmlr.store.sql.gate import Gate


class SqlMoves:
    """MoveStore on a relational database."""

    _gate: Gate

    async def every_user(self) -> list[UserId]:
        """See MoveStore."""
        return await self._gate.patient.read(
            None, lambda c: list(c.execute(move_parts.every_user()).scalars())
        )

    async def row_count(self, user: UserId | None) -> int:
        """See MoveStore."""
        return await self._gate.patient.read(
            user, lambda c: int(c.execute(move_parts.row_count(user)).scalar_one())
        )

    async def tally(self, user: UserId) -> Tally:
        """See MoveStore."""
        return await self._gate.patient.read(user, lambda c: move_read.tally(c, user))

    async def pages(self, user: UserId) -> AsyncGenerator[Page, None]:
        """See MoveStore; one snapshot, held until the iterator is read to its end or closed."""
        snapshot = self._gate.hold(user)
        try:
            for step in move_read.Reading(user).steps():
                async for rows in snapshot.pages(step.statement, step.size):
                    if taken := step.take(rows):
                        yield Page(step.table, taken)
        finally:
            await snapshot.close()

    async def take_in(
        self, arriving: Arriving, pages: AsyncIterator[Page], told: Callable[[int], None]
    ) -> str:
        """See MoveStore."""
        arrival = move_write.Arrival(arriving)
        async with self._gate.change(arriving.user) as transaction:
            await transaction.step(arrival.begin)
            rows = 0
            async for page in pages:
                await transaction.step(partial(arrival.take, page=page))
                rows += len(page.rows)
                told(len(page.rows))
            digest = await transaction.step(arrival.end)
        told(rows)
        return digest

    async def begin_moves(self, users: Sequence[UserId], now: datetime) -> None:
        """See MoveStore."""
        await self._gate.write(None, lambda c: move_write.begin_moves(c, users, now))

    async def moves(self) -> dict[UserId, str]:
        """See MoveStore."""
        return await self._gate.read(None, move_write.read_moves)

    async def end_moves(self, users: Sequence[UserId]) -> None:
        """See MoveStore."""
        await self._gate.write(None, lambda c: move_write.end_moves(c, users))
