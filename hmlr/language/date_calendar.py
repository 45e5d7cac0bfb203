"""Calendar arithmetic and vocabulary for :mod:`hmlr.language.dates`: naive local time, no clock.

A span is ``(start, end, precision)``, half open. Functions let OverflowError and ValueError out when a
date leaves the years 1 to 9999; the caller drops such a match.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, time, timedelta
from typing import Literal

from hmlr.language.word_lists import words

Precision = Literal["minute", "hour", "day", "weekend", "week", "month", "season", "year", "decade"]
Local = tuple[datetime, datetime, Precision]

DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)

_MONTH_NAMES = words("january february march april may june july august september october november december")
MONTHS: dict[str, int] = {
    **{name: i for i, name in enumerate(_MONTH_NAMES, 1)},
    **{name[:3]: i for i, name in enumerate(_MONTH_NAMES, 1)},
    "sept": 9,
}
_DAY_NAMES = words("monday tuesday wednesday thursday friday saturday sunday")
WEEKDAYS: dict[str, int] = {
    **{name: i for i, name in enumerate(_DAY_NAMES)},
    **{name[:3]: i for i, name in enumerate(_DAY_NAMES)},
    "tues": 1,
    "thur": 3,
    "thurs": 3,
}
# First month of each season, northern half of the globe, by whole months.
SEASONS: dict[str, int] = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
# Hours from the day's midnight; a night ends in the next morning.
DAY_PARTS: dict[str, tuple[int, int]] = {
    "morning": (5, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30),
}  # fmt: skip
_NUMBER_NAMES = words("one two three four five six seven eight nine ten eleven twelve")
# Fewest and most that a word of number means.
NUMBERS: dict[str, tuple[int, int]] = {
    **{name: (i, i) for i, name in enumerate(_NUMBER_NAMES, 1)},
    "a": (1, 1),
    "an": (1, 1),
    "couple": (2, 2),
    "few": (2, 5),
    "several": (3, 7),
}


def midnight(moment: datetime) -> datetime:
    """Return the first moment of the day."""
    return datetime.combine(moment.date(), time(), tzinfo=moment.tzinfo)


def day(moment: datetime, offset: int = 0) -> Local:
    """Return the day ``offset`` days after that of ``moment``."""
    start = midnight(moment) + offset * DAY
    return start, start + DAY, "day"


def week(moment: datetime, offset: int = 0) -> Local:
    """Return a week from Monday to Sunday (ISO 8601)."""
    start = midnight(moment) - moment.weekday() * DAY + offset * WEEK
    return start, start + WEEK, "week"


def weekend(moment: datetime, offset: int = 0) -> Local:
    """Return the Saturday and Sunday of an ISO week."""
    end = week(moment, offset)[1]
    return end - 2 * DAY, end, "weekend"


def month(moment: datetime, offset: int = 0) -> Local:
    """Return the calendar month ``offset`` months after that of ``moment``."""
    start = _first_of_month(moment, offset)
    return start, _first_of_month(start, 1), "month"


def year(number: int) -> Local:
    """Return a calendar year."""
    return datetime(number, 1, 1), datetime(number + 1, 1, 1), "year"  # noqa: DTZ001 - naive local time


def season(name: str, number: int) -> Local:
    """Return the three months of a season that begins in year ``number``."""
    start = datetime(number, SEASONS[name], 1)  # noqa: DTZ001 - naive local time
    return start, _first_of_month(start, 3), "season"


def shift(moment: datetime, unit: str, count: int) -> datetime:
    """Return ``moment`` moved by calendar units; 31 March minus a month is the last of February."""
    if unit in {"month", "year", "decade"}:
        months = count * {"month": 1, "year": 12, "decade": 120}[unit]
        first = _first_of_month(moment, months)
        last_day = monthrange(first.year, first.month)[1]
        return moment.replace(year=first.year, month=first.month, day=min(moment.day, last_day))
    return moment + timedelta(**{f"{unit}s": count})


def unit_at(moment: datetime, unit: str) -> Local:
    """Return the minute, hour, day, week, weekend, month, year or decade in which ``moment`` lies."""
    if unit == "minute":
        start = moment.replace(second=0, microsecond=0)
        return start, start + timedelta(minutes=1), "minute"
    if unit == "hour":
        start = moment.replace(minute=0, second=0, microsecond=0)
        return start, start + timedelta(hours=1), "hour"
    if unit == "year":
        return year(moment.year)
    if unit == "decade":
        first = moment.year - moment.year % 10
        return year(first)[0], year(first + 9)[1], "decade"
    return {"day": day, "week": week, "weekend": weekend, "month": month}[unit](moment)


def _first_of_month(moment: datetime, offset: int) -> datetime:
    count = moment.year * 12 + moment.month - 1 + offset
    return midnight(moment).replace(year=count // 12, month=count % 12 + 1, day=1)
