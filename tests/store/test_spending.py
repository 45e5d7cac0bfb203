"""What model calls took of a day is kept by user, and a limit is checked where it is added."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from hmlr.errors import DayBudgetExceeded
from hmlr.records import DayLimit, DaySpending, Usage
from hmlr.store.records import Spent
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.aging import age
from tests.store.making import ADA, BOB, slices, turn

TODAY = date(2026, 3, 1)
CALL = Usage(calls=1, input_tokens=70, output_tokens=30, cost_usd=0.25)


async def test_days_and_users_are_kept_apart(store: SqliteStore) -> None:
    yesterday = TODAY - timedelta(days=1)
    for user, day in ((ADA, yesterday), (ADA, TODAY), (ADA, TODAY), (BOB, TODAY)):
        await store.book(user, day, CALL)
    await store.book(ADA, TODAY, Usage(input_tokens=-70, cost_usd=-0.25))
    assert (await store.stats(ADA)).days == (
        DaySpending(day=TODAY, calls=2, tokens=130, cost_usd=0.25),
        DaySpending(day=yesterday, calls=1, tokens=100, cost_usd=0.25),
    )
    assert (await store.stats(BOB)).days == (DaySpending(day=TODAY, calls=1, tokens=100, cost_usd=0.25),)


@pytest.mark.parametrize("limit", [DayLimit(calls=2), DayLimit(tokens=299), DayLimit(cost_usd=0.5)])
async def test_what_does_not_fit_is_not_added(store: SqliteStore, limit: DayLimit) -> None:
    booked = [store.book(ADA, TODAY, CALL, within=limit) for _ in range(9)]
    outcomes = await asyncio.gather(*booked, return_exceptions=True)
    errors = [each for each in outcomes if isinstance(each, DayBudgetExceeded)]
    assert len(errors) == 7
    assert errors[0].until == datetime(2026, 3, 2, tzinfo=UTC)
    assert (await store.stats(ADA)).days[0].calls == 2
    await store.book(ADA, TODAY + timedelta(days=1), CALL, within=limit)
    await store.book(BOB, TODAY, CALL, within=limit)


async def test_of_several_users_each_gets_what_is_theirs(store: SqliteStore) -> None:
    yesterday = TODAY - timedelta(days=1)
    spent = [Spent(user=user, day=day, usage=CALL) for user in (ADA, BOB) for day in (yesterday, TODAY)]
    assert await store.book_all([]) == 0
    assert await store.book_all(spent) == len(spent)
    assert await store.book_all(spent[:1]) == 1
    assert [day.calls for day in (await store.stats(ADA)).days] == [1, 2]
    assert [day.calls for day in (await store.stats(BOB)).days] == [1, 1]


async def test_a_schema_without_spending_is_upgraded(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    await store.add_turns(ADA, [turn()])
    await store.aclose()
    await asyncio.to_thread(age, db_path, revision="0004")
    store = await open_sqlite(db_path, slicer=slices)
    await store.book(ADA, TODAY, CALL)
    assert (await store.stats(ADA)).days[0].calls == 1
    assert await store.garden_runs(ADA) == []
    await store.aclose()
