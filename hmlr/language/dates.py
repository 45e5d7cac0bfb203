"""Find the dates in a text and resolve them against the moment it was said.

English words and numeric forms, by rule: :mod:`hmlr.language.date_rules` says how ambiguous ones are read.
A text without a date costs one look at its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal

from hmlr.language import date_calendar as cal
from hmlr.language.date_absolute import ABSOLUTE
from hmlr.language.date_calendar import DAY_PARTS, Local, Precision
from hmlr.language.date_offsets import BETWEEN, counted_from, is_after
from hmlr.language.date_rules import RELATIVE, Rule, day_part

Relation = Literal["during", "before", "after"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeSpan:
    """A stretch of time that a text names."""

    start: datetime
    """First moment, UTC."""
    end: datetime
    """First moment after it, UTC; always later than ``start``."""
    text: str
    """The words that name it, verbatim, without preposition."""
    at: tuple[int, int]
    """Where these words stand in the text, half open."""
    precision: Precision
    """How exact the words are; a stretch of several units has the precision of its unit."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeQuery:
    """What a question says about when."""

    span: TimeSpan
    relation: Relation
    """Whether it asks for what lies in the span, before or after it."""
    inclusive: bool = False
    """Whether before and after take the span itself in: "as of June", "until June", "since June"."""

    @property
    def since(self) -> datetime | None:
        """First moment that is asked for; None for no lower bound."""
        if self.relation == "before":
            return None
        return self.span.start if self.relation == "during" or self.inclusive else self.span.end

    @property
    def until(self) -> datetime | None:
        """First moment that is no longer asked for; None for no upper bound."""
        if self.relation == "after":
            return None
        return self.span.end if self.relation == "during" or self.inclusive else self.span.start


Found = tuple[tuple[int, int], TimeSpan | None]  # where, and what unless it is an impossible date

_RULES: tuple[Rule, ...] = RELATIVE + ABSOLUTE
_TRIGGERS: frozenset[str] = frozenset().union(*(r.triggers for r in _RULES if r.triggers))
_WORD = re.compile(r"[a-z]{2,9}")
_DIGITS = re.compile(r"\d{4}|\d[/.-]\d|\d0['’]?s")

_CLOCK = r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d)(?::\d\d)?)?(?:\s?(?P<half>[ap])\.?m\b\.?)?"
_CLOCK_AFTER = re.compile(
    rf"(?:[Tt]|,?\s(?:at\s)?(?:about\s|around\s)?){_CLOCK}(?![\w:])", re.ASCII | re.IGNORECASE
)
_CLOCK_BEFORE = re.compile(rf"(?<![\w:.]){_CLOCK},?\s(?:on\s)?(?:the\s)?\Z", re.ASCII | re.IGNORECASE)
_PART_AFTER = re.compile(rf"\s(?:in\sthe\s)?(?P<part>{'|'.join(DAY_PARTS)})\b", re.ASCII | re.IGNORECASE)

# What stands before a date, which relation it means, and whether the date itself is taken in.
_PREPOSITIONS: tuple[tuple[str, Relation, bool], ...] = (
    (r"as\s(?:of|at)|until|till|up\sto|through|by", "before", True),
    (r"before|prior\sto|earlier\sthan", "before", False),
    (r"since|starting(?:\s(?:in|from|on))?", "after", True),
    (r"after|later\sthan", "after", False),
)
_FILLER = r"(?:(?:the|early|late|end|start|beginning|of)\s)*"
_RELATIONS: tuple[tuple[re.Pattern[str], Relation, bool], ...] = tuple(
    (re.compile(rf"\b(?:{words})\s{_FILLER}\Z", re.IGNORECASE | re.ASCII), relation, inclusive)
    for words, relation, inclusive in _PREPOSITIONS
)
_BETWEEN = re.compile(r"\b(?:between|from)\s(?:the\s)?\Z", re.IGNORECASE | re.ASCII)
_AND = re.compile(r"\s?(?:and|to|until|till|through|-|–)\s?(?:the\s)?", re.IGNORECASE | re.ASCII)
_FROM_ON = re.compile(r"\s(?:on|onwards?)\b", re.IGNORECASE | re.ASCII)


def find_dates(text: str, now: datetime) -> list[TimeSpan]:
    """Return the dates and stretches of time that ``text`` names, in order, none overlapping another.

    ``now`` is when it was said; days and weeks are those of its time zone, results are UTC. Durations
    ("for three years") are no dates, and what falls outside the years 1 to 9999 is left out. Raises
    ValueError when ``now`` has no zone.
    """
    if now.tzinfo is None:
        raise ValueError("now must carry a time zone")
    words = _TRIGGERS.intersection(_WORD.findall(text.lower()))
    digits = _DIGITS.search(text) is not None
    if not words and not digits:
        return []
    found: list[Found] = []
    for rule in _RULES:
        if digits if rule.triggers is None else not rule.triggers.isdisjoint(words):
            found.extend(_apply(rule, text, now))
    return _without_overlaps(found)


def question_time(question: str, now: datetime) -> TimeQuery | None:
    """Return the time that a question names, or None when it names none.

    The first date counts; "between March and May" is one stretch, "the week before 3 August" is counted from
    its date. Bounds are ``since`` and ``until`` of the
    result. A time to the minute is widened to its day, because memories are seldom kept that exactly.
    """
    dates = find_dates(question, now)
    if not dates:
        return None
    if counted := _counted(question, dates, now.tzinfo):
        return TimeQuery(span=counted, relation="during")
    span = dates[0]
    head = question[max(0, span.at[0] - 40) : span.at[0]]
    if _BETWEEN.search(head):
        if len(dates) > 1 and _AND.fullmatch(question[span.at[1] : dates[1].at[0]]):
            return TimeQuery(span=_union(question, span, dates[1], now.tzinfo), relation="during")
        if _FROM_ON.match(question, span.at[1]):
            return TimeQuery(span=span, relation="after", inclusive=True)
    for pattern, relation, inclusive in _RELATIONS:
        if pattern.search(head):
            return TimeQuery(span=span, relation=relation, inclusive=inclusive)
    return TimeQuery(span=_widened(span, now), relation="during")


def _counted(question: str, dates: list[TimeSpan], zone: tzinfo | None) -> TimeSpan | None:
    """The stretch that is counted from the first date, or is told by a relative one beside it."""
    span = dates[0]
    head = question[max(0, span.at[0] - 40) : span.at[0]]
    if bounds := counted_from(head, span.start, span.end):
        return replace(span, start=bounds[0], end=bounds[1])
    if len(dates) == 1:
        return None
    beside = BETWEEN.fullmatch(question[span.at[1] : dates[1].at[0]])
    if beside is None:
        return None
    words = re.sub(r"(?i)^(?:the\s)?(?:last|next|this|past)\s", "", span.text)
    which = "next" if is_after(beside) else "last"
    again = find_dates(f"{which} {words}", dates[1].start.astimezone(zone))
    return replace(again[0], text=span.text, at=span.at) if again else None


def _apply(rule: Rule, text: str, now: datetime) -> list[Found]:
    local = now.replace(tzinfo=None, fold=0)
    group: str | int = "at" if "at" in rule.pattern.groupindex else 0
    found: list[Found] = []
    for match in rule.pattern.finditer(text):
        at = match.span(group)
        try:
            resolved = rule.resolve(match, local)
            if resolved is not None:
                found.append(_found(text, at, resolved, now.tzinfo))
        except (OverflowError, ValueError):  # 30 February, year 0, year 10000
            found.append((at, None))
    return found


def _found(text: str, at: tuple[int, int], resolved: Local, zone: tzinfo | None) -> Found:
    at, (first, last, precision) = _narrowed(text, at, resolved)
    start, end = _utc(first, zone), _utc(last, zone)
    if start >= end:  # a zone may skip a whole day, as Samoa did in 2011
        return at, None
    return at, TimeSpan(start=start, end=end, text=text[slice(*at)], at=at, precision=precision)


def _narrowed(text: str, at: tuple[int, int], span: Local) -> tuple[tuple[int, int], Local]:
    """Return the span with the clock time or part of day that stands beside it, and where it stands then."""
    start, end, precision = span
    is_part = precision == "hour" and end - start > timedelta(hours=1)
    if not is_part and (precision != "day" or end - start > cal.DAY):
        return at, span
    part = None if is_part else _PART_AFTER.match(text, at[1])
    if part:
        at, span = (at[0], part.end()), day_part(span, part["part"].lower())
    if clock := _CLOCK_AFTER.match(text, at[1]):
        moment = _at_clock(start, clock)
        if moment:
            return (at[0], clock.end()), (moment, moment + timedelta(minutes=1), "minute")
    head = max(0, at[0] - 20)
    if clock := _CLOCK_BEFORE.search(text[head : at[0]]):
        moment = _at_clock(start, clock)
        if moment:
            return (head + clock.start(), at[1]), (moment, moment + timedelta(minutes=1), "minute")
    return at, span


def _at_clock(day: datetime, clock: re.Match[str]) -> datetime | None:
    """Return the clock time on that day, or None for a number that is no clock time."""
    hour, minute, half = int(clock["hour"]), int(clock["minute"] or 0), (clock["half"] or "").lower()
    if not half and clock["minute"] is None:
        return None
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59:
        return None
    return cal.midnight(day) + timedelta(hours=hour, minutes=minute)


def _utc(moment: datetime, zone: tzinfo | None) -> datetime:
    return moment.replace(tzinfo=UTC) if zone is UTC else moment.replace(tzinfo=zone).astimezone(UTC)


def _without_overlaps(found: list[Found]) -> list[TimeSpan]:
    """Keep the first of those that overlap, the longest of those that begin together.

    Impossible dates take part and fall out at the end: "30 February 2023" must not become February 2023.
    """
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f[0][0], -f[0][1])):
        if not kept or one[0][0] >= kept[-1][0][1]:
            kept.append(one)
    return [span for _, span in kept if span is not None]


def _union(text: str, first: TimeSpan, second: TimeSpan, zone: tzinfo | None) -> TimeSpan:
    """Return one span from the first to the second; "between March and May" is of one year."""
    if first.start > second.start:
        again = find_dates(text[: first.at[1]], second.start.astimezone(zone))
        first = again[0] if again and again[0].at == first.at else first
    at = (first.at[0], second.at[1])
    start, end = min(first.start, second.start), max(first.end, second.end)
    return replace(first, start=start, end=end, text=text[slice(*at)], at=at)


def _widened(span: TimeSpan, now: datetime) -> TimeSpan:
    if span.precision != "minute":
        return span
    start, end, precision = cal.day(span.start.astimezone(now.tzinfo).replace(tzinfo=None))
    return replace(span, start=_utc(start, now.tzinfo), end=_utc(end, now.tzinfo), precision=precision)
