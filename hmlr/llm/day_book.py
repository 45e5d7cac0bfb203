"""What a user's calls take of a day, kept over all processes: the port to where, and how it is used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from hmlr.errors import HMLRError, ModelTimeout
from hmlr.records import DayLimit, Usage

# How long a call waits for its booking; a database that takes longer takes no turns either.
BOOK_S = 5.0
_log = logging.getLogger(__name__)


class DayBook(Protocol):
    """Durable sums by user and day."""

    def today(self) -> date:
        """The day, in UTC."""

    async def book(self, user: str, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        """Add to what the user's calls took of a day; durable when it returns. Negative numbers give back.

        Raises DayBudgetExceeded, and adds nothing, when it would be more than `within` allows.
        """

    def count(self, user: str, day: date, usage: Usage) -> None:
        """Add what a call took that has no limit; durable a moment later."""


@dataclass
class Booking:
    """What a request took; nothing when it was not sent."""

    took: Usage = field(default_factory=Usage)


@asynccontextmanager
async def booked(book: DayBook | None, user: str, expected: Usage, limit: DayLimit) -> AsyncIterator[Booking]:
    """Book a request that is sent within: before it as expected when there is a limit, then as it was.

    So a process that is killed meanwhile has it booked where a limit has to hold. Without a book, or for
    nobody, nothing is kept.
    """
    booking, held = Booking(), Usage()
    if book is None or not user:
        yield booking
        return
    day = book.today()
    limited = limit != DayLimit()
    if limited:
        try:
            async with asyncio.timeout(BOOK_S):
                await book.book(user, day, expected, within=limit)
        except TimeoutError as error:
            raise ModelTimeout("the call could not be booked in time; nothing was sent") from error
        held = expected
    try:
        yield booking
    finally:
        if not limited:
            book.count(user, day, booking.took)
        elif booking.took != held:
            try:
                async with asyncio.timeout(BOOK_S):
                    await book.book(user, day, booking.took - held)
            except (HMLRError, TimeoutError) as error:  # the answer is there; what was held stays booked
                _log.warning("a call could not be booked: %s", type(error).__name__)
