"""What model calls took of each user's days, and what they may take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from hmlr.errors import DayBudgetExceeded
from hmlr.records import DayLimit, DaySpending, Usage, UserId
from hmlr.store.records import Spent
from hmlr.store.schema import day_spending
from hmlr.store.sql.rows import mine, the
from hmlr.store.sql.words import Upsert, upsert

_COUNTED = ("calls", "tokens", "cost_usd")


def book(connection: Connection, user: UserId, day: date, usage: Usage, limit: DayLimit | None) -> None:
    """See SpendingStore.book."""
    row = _row(user, day, usage)
    if limit is not None:
        before = connection.execute(_taken(), {"user": user, "of": row["day"]}).one_or_none()
        for name, taken in zip(_COUNTED, before or (0, 0, 0.0), strict=True):
            _check(day, name, taken, row[name], getattr(limit, name))
    connection.execute(_add(), row)


def book_all(connection: Connection, spent: Sequence[Spent]) -> None:
    """See SpendingStore.book_all."""
    connection.execute(_add(), [_row(each.user, each.day, each.usage) for each in spent])


def _row(user: UserId, day: date, usage: Usage) -> dict[str, Any]:
    tokens = usage.input_tokens + usage.output_tokens
    counted = {"calls": usage.calls, "tokens": tokens, "cost_usd": usage.cost_usd}
    return {"user_id": user, "day": day.isoformat(), **counted}


@cache
def _taken() -> Select[Any]:
    return select(*(day_spending.c[name] for name in _COUNTED)).where(the(day_spending, "day"))


@cache
def _add() -> Upsert:
    put = upsert(day_spending)
    sums = {name: day_spending.c[name] + put.excluded[name] for name in _COUNTED}
    return put.on_conflict_do_update(index_elements=["user_id", "day"], set_=sums)


def _check(day: date, name: str, taken: float, wanted: float, most: float | None) -> None:
    if most is None or taken + wanted <= most:
        return
    unit = {"calls": "{:.0f} calls", "tokens": "{:.0f} tokens", "cost_usd": "${:.4f}"}[name]
    raise DayBudgetExceeded(
        f"the day's budget of {unit.format(most)} is used up: {unit.format(taken)} were taken on {day}, "
        f"and the call takes about {unit.format(wanted)}",
        hint="It goes on tomorrow (UTC), or with a higher limit",
        until=datetime.combine(day + timedelta(days=1), time(), UTC),
    )


def read_days(connection: Connection, user: UserId, most: int) -> list[DaySpending]:
    """The latest days with model calls, the latest first."""
    found = select(day_spending).where(mine(day_spending))
    rows = connection.execute(found.order_by(day_spending.c.day.desc()).limit(most), {"user": user})
    return [
        DaySpending(
            day=date.fromisoformat(row.day), calls=row.calls, tokens=row.tokens, cost_usd=row.cost_usd
        )
        for row in rows
    ]
