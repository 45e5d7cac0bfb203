"""What calls without a limit took is written together, soon, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from hmlr.core import day_book
from hmlr.core.day_book import StoredDayBook
from hmlr.errors import StorageBusy
from hmlr.records import DayLimit, Usage, UserId
from hmlr.store.records import Spent

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = Usage(calls=1, input_tokens=70)


class Ledger:
    """Keeps what is booked; `room` are the rows that it still takes before it fails once."""

    def __init__(self, room: int | None = None) -> None:
        self.rows: list[Spent] = []
        self.writes = 0
        self.room = room

    async def book(self, user: UserId, day: date, usage: Usage, *, within: DayLimit | None = None) -> None:
        self.rows.append(Spent(user=user, day=day, usage=usage))

    async def book_all(self, spent: Sequence[Spent]) -> int:
        self.writes += 1
        await asyncio.sleep(0.01)
        room, self.room = self.room, None
        if room == 0:
            raise StorageBusy("busy")
        taken = spent[:room]
        self.rows += taken
        return len(taken)

    @property
    def calls(self) -> dict[str, int]:
        sums: dict[str, int] = {}
        for each in self.rows:
            sums[each.user] = sums.get(each.user, 0) + each.usage.calls
        return sums


def book_of(ledger: Ledger) -> StoredDayBook:
    return StoredDayBook(ledger, lambda: NOW)


async def test_calls_of_many_are_one_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_book, "EVERY_S", 0.05)
    ledger = Ledger()
    book = book_of(ledger)
    for number in range(30):
        book.count(f"user{number % 3}", book.today(), CALL)
    assert ledger.rows == []
    await asyncio.sleep(0.2)
    assert ledger.writes == 1
    assert ledger.calls == {"user0": 10, "user1": 10, "user2": 10}


async def test_a_call_that_comes_while_others_are_written_is_written_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(day_book, "EVERY_S", 0.05)
    ledger = Ledger()
    book = book_of(ledger)
    book.count("ada", book.today(), CALL)
    while not ledger.writes:
        await asyncio.sleep(0.001)
    book.count("bob", book.today(), CALL)
    await asyncio.sleep(0.3)
    assert ledger.calls == {"ada": 1, "bob": 1}


@pytest.mark.parametrize("room", [0, 1])
async def test_what_could_not_be_written_is_written_the_next_time(room: int) -> None:
    ledger = Ledger(room)
    book = book_of(ledger)
    for user in ("ada", "bob", "ada"):
        book.count(user, book.today(), CALL)
    await book.aclose()
    book.count("bob", book.today(), CALL)
    await book.settle()
    assert ledger.calls == {"ada": 2, "bob": 2}


async def test_who_gives_up_waiting_writes_nothing_twice() -> None:
    ledger = Ledger()
    book = book_of(ledger)
    book.count("ada", book.today(), CALL)
    task = asyncio.create_task(book.settle())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await book.settle()
    assert ledger.calls == {"ada": 1}
