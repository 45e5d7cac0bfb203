"""Stretches of time counted from a date: "the week before 3 August", "two days after 1 May"."""

from __future__ import annotations

import re
from datetime import datetime

from hmlr.language import date_calendar as cal
from hmlr.language.date_calendar import NUMBERS

_N = "|".join(sorted(NUMBERS, key=len, reverse=True))
# What stands in front of the date.
_COUNTED = re.compile(
    rf"\b(?:(?P<n>\d{{1,3}}|{_N})\s(?:of\s)?|(?:the\s)?)(?P<unit>day|week|month|year)(?P<many>s?)\s"
    r"(?P<side>before|prior\sto|after|following)\s(?:the\s)?\Z",
    re.IGNORECASE | re.ASCII,
)
# What stands between a relative date and the date it is counted from: "last weekend before 10 April".
BETWEEN = re.compile(r",?\s(?P<side>before|prior\sto|after|following)\s(?:the\s)?", re.IGNORECASE | re.ASCII)


def counted_from(head: str, start: datetime, end: datetime) -> tuple[datetime, datetime] | None:
    """The stretch that the words before a date count from it, half open; None when they count nothing.

    The date is `[start, end)`. "The week before" ends with it, "two weeks before" a week earlier.
    """
    found = _COUNTED.search(head)
    if found is None or (found["many"] and not found["n"]):
        return None
    word, unit = (found["n"] or "a").lower(), found["unit"].lower()
    least, most = (int(word), int(word)) if word.isdigit() else NUMBERS[word]
    if least < 1:
        return None
    try:
        if is_after(found):
            return cal.shift(end, unit, least - 1), cal.shift(end, unit, most)
        return cal.shift(start, unit, -most), cal.shift(start, unit, 1 - least)
    except (OverflowError, ValueError):  # the year 0
        return None


def is_after(found: re.Match[str]) -> bool:
    """Whether the words lead to a time after the date."""
    return found["side"].lower() in {"after", "following"}
