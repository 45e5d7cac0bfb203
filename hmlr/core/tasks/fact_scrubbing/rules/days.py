"""The day that a date of an appointment means: the next such day, for appointments lie ahead."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from hmlr.core.tasks.fact_scrubbing.rules.clauses import Clause
from hmlr.language.date_calendar import MONTHS, WEEK, WEEKDAYS
from hmlr.language.dates import TimeSpan

# Words for a day that comes once a year, and for one that comes every week.
OF_YEAR = re.compile(rf"\b(?:{'|'.join(MONTHS)})\b", re.IGNORECASE)
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(WEEKDAYS)})\b", re.IGNORECASE)


def ahead(when: TimeSpan, clause: Clause) -> TimeSpan:
    """The next such day when it names no year and would lie behind: appointments lie ahead."""
    if (
        when.end > clause.now
        or re.search(r"\d{4}|ago|last|yesterday", when.text)
        or when.precision not in {"minute", "hour", "day", "month"}
    ):
        return when
    if not OF_YEAR.search(when.text):
        return _next_week(when, clause) if _WEEKDAY.search(when.text) else when
    start, end = when.start + timedelta(days=365), when.end + timedelta(days=365)
    if when.precision != "month" and start.day != when.start.day:  # a leap day between
        start, end = start + timedelta(days=1), end + timedelta(days=1)
    return replace(when, start=start, end=end)


def _next_week(when: TimeSpan, clause: Clause) -> TimeSpan:
    """The weekday after today; who means today's says "today"."""
    weeks = WEEK
    while (when.start + weeks).astimezone(clause.now.tzinfo).date() <= clause.now.date():
        weeks += WEEK
    return replace(when, start=when.start + weeks, end=when.end + weeks)


def dated(when: TimeSpan, clause: Clause) -> str:
    """The words of a date that lies ahead, with the day they mean."""
    return with_day(ahead(when, clause))


def with_day(when: TimeSpan) -> str:
    """The words of the date with the day they mean."""
    day = first_day(when)
    return when.text if day in when.text else f"{when.text}, {day}"


def first_day(when: TimeSpan) -> str:
    """The first day of the span, as exact as the words."""
    if when.precision == "year":
        return f"{when.start:%Y}"
    if when.precision in {"month", "season", "quarter"}:
        return f"{when.start:%Y-%m}"
    return f"{when.start:%Y-%m-%d}"
