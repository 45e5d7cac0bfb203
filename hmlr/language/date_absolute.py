"""The rules for dates that name a year, a month or a day of one.

"May" and "march" are verbs and April, June and Jan are people: a month alone is a date only after a
preposition that fits or a modifier, unless its name has no second meaning.
"""

from __future__ import annotations

import re
from datetime import datetime

from hmlr.language import date_calendar as cal
from hmlr.language.date_calendar import MONTHS, Local
from hmlr.language.date_rules import WHICH, Rule, S, looks_forward, rule, which
from hmlr.language.word_lists import words

_MONTH = rf"(?P<month>{'|'.join(sorted(MONTHS, key=len, reverse=True))})\b\.?"
_NTH = r"(?:st|nd|rd|th)"
_DAY = rf"(?P<day>\d{{1,2}})(?P<nth>{_NTH})?"
_YEAR = r"(?P<year>(?:1[5-9]|20|21)\d\d)"
# A number that counts something is no year and no day of a month: "in 2000 steps", "March 10 miles".
_NO_COUNT = (
    r"(?![\w:/%]|[.,]\d|\s?-\s?\d|\s(?:people|times|dollars|euros|pounds|kilomet\w+|met(?:er|re)s?|km|miles?"
    r"|steps|words|hours?|minutes?|seconds?|days|weeks|months|years|pages|points|items|percent)\b)"
)
_NARROW = r"(?:(?:early|late|mid|the|end|start|beginning|middle|summer|year)[\s-](?:of\s)?){0,3}"
# After these even "may" in lower case is the month.
_SURE = frozenset(words("in since until till during early late mid throughout end start beginning middle"))
# After these a capital April is the month, after "from", "by" and "of" she is rather a friend.
_PERIODS = words(
    "week weekend half rest days morning night monday tuesday wednesday thursday friday saturday sunday"
)
_LIKELY = frozenset(words("as before after between through")) | frozenset(_PERIODS)
_IN_MONTH = (
    r"in|since|until|till|during|early|late|mid|throughout|before|after|by|around|between|through|of|from"
    rf"|(?:{'|'.join(_PERIODS)})\sof"
)
_IN_YEAR = r"in|since|until|till|during|early|late|mid|throughout|before|after|by|between|through|from|year"
_VERBS = frozenset({"may", "march", "mar"})
_PEOPLE = frozenset(words("jan april may june august"))
_RANGE_FOLLOWS = re.compile(r"\s(?:to|until|till|through|on|onwards?)\b", re.IGNORECASE | re.ASCII)
_LEAP = 9  # years to search for a 29 February: 1896 to 1904


def _month_number(match: re.Match[str]) -> int:
    return MONTHS[match["month"].lower()]


def _month_of(now: datetime, number: int, side: int | None) -> Local:
    """Return the month ``number`` nearest to ``now``: before this month (-1), of this year (0), after it (1).

    None gives the one that began last, this month included.
    """
    offset = number - now.month
    if side is None:
        offset -= 12 if offset > 0 else 0
    elif side < 0:
        offset -= 12 if offset >= 0 else 0
    elif side > 0:
        offset += 12 if offset <= 0 else 0
    return cal.month(now, offset)


def _month_which(match: re.Match[str], now: datetime) -> Local:
    return _month_of(now, _month_number(match), which(match))


def _month_in(match: re.Match[str], now: datetime) -> Local | None:
    lead, name = frozenset(re.split(r"[\s-]", match["lead"].lower())), match["month"]
    if lead.isdisjoint(_SURE):
        if name in _VERBS:
            return None
        clear = "to" in lead or _RANGE_FOLLOWS.match(match.string, match.end()) or looks_forward(match)
        if name.lower() in _PEOPLE and lead.isdisjoint(_LIKELY) and not clear:
            return None
    return _month_alone(match, now)


def _month_alone(match: re.Match[str], now: datetime) -> Local:
    number = _month_number(match)
    if number != now.month and looks_forward(match):
        return _month_of(now, number, 1)
    return _month_of(now, number, None)


def _month_year(match: re.Match[str], now: datetime) -> Local:
    return cal.month(now.replace(year=int(match["year"]), month=_month_number(match), day=1))


def _month_and_day(match: re.Match[str], now: datetime) -> Local | None:
    """Resolve "7 May 2023", "May 7th", "May 7-9"."""
    if match["month"] in _VERBS and not (match["year"] or match["nth"] or match["lead"]):
        return None  # "you may 2 times"
    number, first = _month_number(match), int(match["day"])
    last = int(match["last"] or first)
    if match["year"]:
        start = now.replace(year=int(match["year"]), month=number, day=first)
    else:
        start = _nearest_date(now, number, first, forward=looks_forward(match))
    span = cal.day(start)
    return (*span[:2], "day") if last <= first else (span[0], cal.day(start.replace(day=last))[1], "day")


def _nearest_date(now: datetime, month: int, day: int, *, forward: bool) -> datetime:
    """Return the nearest such day up to today, or from today on when ``forward``."""
    for distance in range(_LEAP):
        year = now.year + (distance if forward else -distance)
        if month == 2 and day == 29 and not _is_leap(year):
            continue
        found = now.replace(year=year, month=month, day=day)
        if found >= now if forward else found <= now:
            return found
    raise ValueError("no such day")


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _digits(match: re.Match[str], now: datetime) -> Local:
    """Resolve 2023-05-07, 2023-05 and 2023年5月7日."""
    if not match["m"]:
        return cal.year(int(match["year"]))
    start = now.replace(year=int(match["year"]), month=int(match["m"]), day=int(match["day"] or 1))
    return cal.day(start) if match["day"] else cal.month(start)


def _numeric(match: re.Match[str], now: datetime) -> Local | None:
    first, second, year = int(match["first"]), int(match["second"]), int(match["year"])
    if len(match["year"]) == 2:
        if match["mark"] != "/":
            return None  # 1.2.23 is a version
        year += 2000 if year < 70 else 1900
    day_first = match["mark"] == "." or first > 12
    month, day = (second, first) if day_first else (first, second)
    return cal.day(now.replace(year=year, month=month, day=day))


def _year(match: re.Match[str], now: datetime) -> Local:
    return cal.year(int(match["year"]))


def _years(match: re.Match[str], now: datetime) -> Local:
    start, end = cal.year(int(match["year"]))[0], cal.year(int(match["last"]))[1]
    if start >= end:
        raise ValueError("years in wrong order")
    return start, end, "year"


def _decade(match: re.Match[str], now: datetime) -> Local:
    first = int(match["decade"])
    start = cal.year(first if first > 99 else 1900 + first)[0]
    return cal.unit_at(start, "decade")


_NAMES = " ".join(MONTHS)
_UNMISTAKABLE = "january|february|july|august|september|october|november|december"
_RANGE_END = rf"(?:\s?[-–]\s?(?P<last>\d{{1,2}}){_NTH}?)?"

ABSOLUTE: tuple[Rule, ...] = (
    rule(
        rf"(?<![\w.,:/-])(?:(?P<lead>on|by|since|until|before|after|from){S}(?:the{S})?)?"
        rf"(?P<at>{_DAY}{_RANGE_END}(?:{S}(?:day{S})?of)?(?:{S}|-){_MONTH}(?:,?(?:{S}|-)(?:of{S})?{_YEAR}\b)?)(?!\w)",
        _NAMES,
        _month_and_day,
    ),
    rule(
        rf"\b(?:(?P<lead>on|by|since|until|before|after|from){S})?"
        rf"(?P<at>{_MONTH}{S}(?:the{S})?{_DAY}{_RANGE_END}(?:,?{S}{_YEAR}\b)?){_NO_COUNT}",
        _NAMES,
        _month_and_day,
    ),
    rule(rf"\b{_MONTH},?{S}(?:of{S})?{_YEAR}{_NO_COUNT}", _NAMES, _month_year),
    rule(rf"\b{WHICH}{S}{_MONTH}(?!\w)", _NAMES, _month_which),
    rule(rf"\b(?P<lead>(?:as{S}of|{_IN_MONTH})[\s-]{_NARROW})(?P<at>{_MONTH})(?!\w)", _NAMES, _month_in),
    rule(
        rf"\b(?P<lead>(?:between|from){S}\w{{3,9}}{S}(?:and|to|until){S})(?P<at>{_MONTH})(?!\w)",
        _NAMES,
        _month_in,
    ),
    rule(rf"\b(?P<month>{_UNMISTAKABLE})\b", _UNMISTAKABLE.replace("|", " "), _month_alone),
    rule(
        r"(?<![\w./-])(?P<year>\d{4})(?P<mark>[-/.])(?P<m>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?!\d|[-/.]\d)",
        None,
        _digits,
    ),
    rule(r"(?<![\w./-])(?P<year>\d{4})-(?P<m>0[1-9]|1[0-2])(?P<day>(?!))?(?![\w-])", None, _digits),
    rule(r"(?<!\d)(?P<year>\d{4})年(?:(?P<m>\d{1,2})月(?:(?P<day>\d{1,2})日)?)?", None, _digits),
    rule(
        r"(?<![\w./-])(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4}|\d{2})(?!\w|[-/.]\d)",
        None,
        _numeric,
    ),
    rule(rf"\b(?:as{S}of|{_IN_YEAR})[\s-]{_NARROW}(?P<at>{_YEAR}){_NO_COUNT}", None, _year),
    rule(rf"\b(?:between|from|in){S}\d{{4}}{S}(?:and|to|until|or){S}(?P<at>{_YEAR}){_NO_COUNT}", None, _year),
    rule(rf"(?<![\w./-]){_YEAR}\s?[-–]\s?(?P<last>(?:1[5-9]|20|21)\d\d)(?![\w/-])", None, _years),
    rule(r"\b(?:the\s)?(?P<decade>(?<=the\s)[3-9]0|(?:1[5-9]|20)\d0)['’]?s\b", None, _decade),
)
