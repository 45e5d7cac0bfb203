"""The rules that read dates: patterns as a table, each with the function that resolves its matches.

A rule only runs when one of its trigger words occurs, so ordinary text costs next to nothing. Where words
leave a choice:

- a week begins on Monday; seasons are those of the northern half of the globe, by whole months;
- "on Friday" and "last Friday" are the nearest Friday before today, "next Friday" the nearest after it,
  "this Friday" the nearest from today on; "in May" is the May that began last, "last May" one that ended
  before this month. Where the sentence looks forward ("I will …", "see you …") the nearest to come is meant;
- "two weeks ago" is the calendar week, "a month ago" the calendar month, "a year ago" the calendar year;
- 07/05/2023 is month/day/year unless the first number is over 12; 07.05.2023 is day.month.year.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hmlr.language import date_calendar as cal
from hmlr.language.date_calendar import MONTHS, NUMBERS, SEASONS, WEEKDAYS, Local

Resolver = Callable[[re.Match[str], datetime], Local | None]

S = r"\s{1,3}"
_N = rf"(?:(?:an?{S})?(?P<n>\d{{1,4}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})(?:{S}of)?)"
_UNIT = r"(?P<unit>minute|min|hour|day|weekend|week|month|year|decade)s?"
_WEEKDAY = rf"(?P<weekday>{'|'.join(sorted(WEEKDAYS, key=len, reverse=True))})"
# "Friday, May 12" and "the last Friday of May" say the day better than the weekday does.
_MONTHS = rf"(?:{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b"
_MONTH_DAY = rf"(?:\d{{1,2}}(?:st|nd|rd|th)?{S}(?:of{S})?)?{_MONTHS}"
_NO_FULL_DATE = rf"(?!,?{S}(?:the{S}|of{S}|in{S})?(?:{_MONTH_DAY}|\d{{4}}-\d))"
_SEASON = rf"(?P<season>{'|'.join(SEASONS)})"
WHICH = r"(?P<which>(?:this|the)\s(?:past|last|coming|next)|last|past|previous|this|next|coming)"
_FORWARD = re.compile(
    r"\b(?:will|shall|gonna|(?<!was\s)(?<!were\s)going\sto|see\syou|let'?s|upcoming|coming\sup|due|deadline"
    r"|tomorrow|planned|planning|plans?\s|scheduled?|looking\sforward|remind|don'?t\sforget|have\sto|need\sto"
    r"|(?:i'm|i\sam|we're|we\sare|he's|she's|they're|they\sare)\s\w+ing)\b|['’]ll\b|\bby\s(?:the\s)?$",
    re.IGNORECASE | re.ASCII,
)
_FORWARD_AFTER = re.compile(
    r",?\s(?:i|we|you|he|she|they|it)(?:['’]ll|\swill|['’](?:m|re|s)\sgoing|\s(?:am|are|is)\sgoing)\b",
    re.IGNORECASE | re.ASCII,
)
_SENTENCE_STOP = re.compile(r"[.!?\n]\s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One way of naming a date."""

    pattern: re.Pattern[str]
    """What it looks like; the group ``at``, if there is one, is the date without its preposition."""
    triggers: frozenset[str] | None
    """Lower-case words one of which occurs in every match; None when it is known by its digits."""
    resolve: Resolver
    """Gives the span in local time, or None when the match is no date after all."""


# ASCII, because otherwise "ſ" and "K" match s and k and the look-up of the word fails.
_FLAGS = re.IGNORECASE | re.ASCII


def rule(pattern: str, triggers: str | None, resolve: Resolver) -> Rule:
    """Return a rule; ``triggers`` are words parted by spaces."""
    words = None if triggers is None else frozenset(triggers.split())
    return Rule(pattern=re.compile(pattern, _FLAGS), triggers=words, resolve=resolve)


def looks_forward(match: re.Match[str]) -> bool:
    """Tell whether the sentence around the match speaks of what is to come."""
    text, at = match.string, match.start()
    before = _SENTENCE_STOP.split(text[max(0, at - 80) : at])[-1]
    return bool(_FORWARD.search(before) or _FORWARD_AFTER.match(text, match.end()))


def which(match: re.Match[str]) -> int:
    """Return -1 for last, 0 for this, 1 for next."""
    word = match["which"].lower().split()[-1]
    return {"this": 0, "next": 1, "coming": 1}.get(word, -1)


def _unit(match: re.Match[str]) -> str:
    unit = match["unit"].lower()
    return "minute" if unit == "min" else unit


def _count(match: re.Match[str]) -> tuple[int, int]:
    word = match["n"].lower()
    return (int(word), int(word)) if word.isdigit() else NUMBERS[word]


_NAMED_DAYS = {
    "day before yesterday": -2,
    "yesterday": -1,
    "today": 0,
    "tomorrow": 1,
    "tmrw": 1,
    "day after tomorrow": 2,
}


def _named_day(match: re.Match[str], now: datetime) -> Local:
    return cal.day(now, _NAMED_DAYS[" ".join(match["name"].lower().split())])


def _part_of_today(match: re.Match[str], now: datetime) -> Local:
    words = match.group().lower().split()
    part = "night" if words == ["tonight"] else words[-1]
    return day_part(cal.day(now, -1 if words[0] == "last" else 0), part)


def day_part(whole: Local, part: str) -> Local:
    """Return the morning, afternoon, evening or night of a day."""
    first, last = cal.DAY_PARTS[part]
    return whole[0] + timedelta(hours=first), whole[0] + timedelta(hours=last), "hour"


def _ago(match: re.Match[str], now: datetime) -> Local:
    return _around(match, now, -1)


def _ahead(match: re.Match[str], now: datetime) -> Local | None:
    if match["sure"] is None and not looks_forward(match):
        return None  # "I finished it in two weeks" is a duration
    return _around(match, now, 1)


def _around(match: re.Match[str], now: datetime, sign: int) -> Local:
    """Return the unit so many units away; "a few" gives the stretch from the nearest to the farthest."""
    unit = _unit(match)
    near, far = (_steps(now, unit, sign * count) for count in _count(match))
    return min(near[0], far[0]), max(near[1], far[1]), near[2]


def _steps(now: datetime, unit: str, count: int) -> Local:
    if unit == "weekend":
        return cal.weekend(now, count)
    # From the first of the month, 31 March minus one month is in February whatever its length.
    anchor = now.replace(day=1) if unit in {"month", "year", "decade"} else now
    return cal.unit_at(cal.shift(anchor, unit, count), unit)


def _weekdays_ago(match: re.Match[str], now: datetime) -> Local:
    start = _nearest_weekday(now, WEEKDAYS[match["weekday"].lower()], -1)
    return cal.day(start - (_count(match)[1] - 1) * cal.WEEK)


def _period(match: re.Match[str], now: datetime) -> Local:
    return _steps(now, _unit(match), which(match))


def _before_last(match: re.Match[str], now: datetime) -> Local:
    return _steps(now, _unit(match), -2 if match["last"] else -1)


def _stretch(match: re.Match[str], now: datetime) -> Local:
    """Resolve "the last three weeks": from the day that long ago to the end of today."""
    unit, most = _unit(match), _count(match)[1]
    step = "week" if unit == "weekend" else unit
    first, last = sorted((cal.shift(now, step, most if which(match) > 0 else -most), now))
    grain = "minute" if unit in {"minute", "hour"} else "day"
    return cal.unit_at(first, grain)[0], cal.unit_at(last, grain)[1], cal.unit_at(now, unit)[2]


def _nearest_weekday(now: datetime, weekday: int, direction: int) -> datetime:
    """Return the nearest such day: before today (-1), from today on (0), after today (1)."""
    ahead = (weekday - now.weekday()) % 7
    if direction == 0:
        return now + ahead * cal.DAY
    if direction > 0:
        return now + (ahead or 7) * cal.DAY
    return now - (7 - ahead) * cal.DAY


def _weekday(match: re.Match[str], now: datetime) -> Local | None:
    name = match["weekday"]
    weekday = WEEKDAYS[name.lower()]
    if len(name) == 3 and name[:1].islower() and name.lower() in {"sun", "sat", "wed", "mon"}:
        return None
    if match["week"]:
        offset = {"last": -1, "this": 0, "next": 1}[match["week"].lower()]
        return cal.day(cal.week(now, offset)[0], weekday)
    if match["which"]:
        return cal.day(_nearest_weekday(now, weekday, which(match)))
    if len(name) <= 5 and not match["on"]:
        return None  # "Sun", "Fri": too short to be sure without "on", "last" or "next"
    return cal.day(_nearest_weekday(now, weekday, 1 if looks_forward(match) else -1))


def _season(match: re.Match[str], now: datetime) -> Local:
    name, side = match["season"].lower(), which(match)
    around = [cal.season(name, now.year + i) for i in (-2, -1, 0, 1) if 1 <= now.year + i < 9999]
    if side < 0:
        return max(s for s in around if s[1] <= now)
    if side > 0:
        return min(s for s in around if s[0] > now)
    return next((s for s in around if s[0] <= now < s[1]), cal.season(name, now.year))


def _season_of_year(match: re.Match[str], now: datetime) -> Local:
    return cal.season(match["season"].lower(), int(match["year"]))


_UNITS = (
    "minute minutes min mins hour hours day days weekend weekends week weeks month months year years"
    " decade decades"
)

RELATIVE: tuple[Rule, ...] = (
    rule(
        rf"\b(?:the{S})?(?P<name>day{S}before{S}yesterday|day{S}after{S}tomorrow|yesterday|today|tomorrow|tmrw)\b",
        "yesterday today tomorrow tmrw",
        _named_day,
    ),
    rule(
        rf"\b(?:tonight|last{S}(?:night|evening)|this{S}(?:morning|afternoon|evening))\b",
        "tonight night evening morning afternoon",
        _part_of_today,
    ),
    rule(rf"\b{_N}{S}{_UNIT}{S}(?:ago|back)\b", "ago back", _ago),
    rule(rf"\b{_N}{S}{_WEEKDAY}s{S}ago\b", "ago", _weekdays_ago),
    rule(rf"\b{_N}{S}{_UNIT}{S}(?P<sure>from){S}(?:now|today)\b", "now today", _ahead),
    rule(rf"\bin{S}{_N}{S}{_UNIT}\b(?!{S}(?:ago|from))(?P<sure>(?!))?", _UNITS, _ahead),
    rule(rf"\b{WHICH}{S}(?P<unit>weekend|week|month|year|decade)\b", _UNITS, _period),
    rule(
        rf"\b(?:the{S})?(?P<unit>weekend|week|month|year){S}before"
        rf"(?:{S}(?P<last>last)\b|(?=\s{{0,3}}(?:[.,;!?)]|\Z)))",
        _UNITS,
        _before_last,
    ),
    rule(rf"\b(?:the{S})?{WHICH}{S}{_N}{S}{_UNIT}\b", _UNITS, _stretch),
    rule(
        r"(?<!every\s)(?<!each\s)(?<!first\s)(?<!second\s)(?<!third\s)(?<!fourth\s)"
        rf"\b(?:(?P<on>on){S})?(?P<at>(?:{WHICH}{S})?{_WEEKDAY}\b"
        rf"(?:,?{S}(?:of{S})?(?P<week>last|this|next){S}week\b)?){_NO_FULL_DATE}",
        " ".join(WEEKDAYS),
        _weekday,
    ),
    rule(rf"\b{WHICH}{S}{_SEASON}\b", " ".join(SEASONS), _season),
    rule(rf"\b{_SEASON}(?:{S}of)?,?{S}(?P<year>\d{{4}})\b", " ".join(SEASONS), _season_of_year),
)
