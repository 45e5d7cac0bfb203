"""Dossiers over time: under each title its facts, from when until when they held. Pure.

An event is a diamond on the day when it is; what holds for a time is a bar. Secrets show their key alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from hmlr.memory.drawing.svg import COLOURS, Entry, Picture, Span, caption, cut, group, legend, told_of
from hmlr.memory.facts.statement import state
from hmlr.records import Fact

MOST_DOSSIERS = 40  # those with the latest events are drawn
MOST_FACTS = 12  # of one dossier, the latest
_LEFT, _WIDTH, _RIGHT = 360, 700, 30  # pixels: statements, time, margin
_TOP, _HEAD, _ROW, _BAR = 72, 26, 18, 10
_DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_LEAST = 4.0  # pixels of the shortest bar


class Drawn(NamedTuple):
    """A dossier's title, and its facts in event-time order."""

    title: str
    facts: Sequence[Fact]


def picture(dossiers: Sequence[Drawn], now: datetime) -> Picture:
    """A picture of the dossiers, the one with the latest event first; open ends reach to `now`."""
    shown = dossiers[:MOST_DOSSIERS]
    facts = [fact for each in shown for fact in _latest(each)]
    span = Span.of(facts, max([now, *map(_day_of, facts)]), left=_LEFT, width=_WIDTH)
    rows = sum(len(_latest(each)) + (len(each.facts) > MOST_FACTS) for each in shown)
    height = _TOP + _HEAD * len(shown) + _ROW * rows + 20
    return Picture(
        title="Dossiers over time",
        words=_words(dossiers, shown, len(facts)),
        width=_LEFT + _WIDTH + _RIGHT,
        height=height,
        body=[
            caption(8, 20, "Dossiers over time", 'font-size="14" font-weight="bold"'),
            caption(8, 36, cut(_words(dossiers, shown, len(facts)), _LEFT + _WIDTH), 'fill="#555555"'),
            *legend(_LEFT, 10),
            _diamond(_LEFT + 346, 16, "#444444"),
            caption(_LEFT + 357, 20, "event"),
            *span.axis(_TOP - 8, height - 12),
            *_rows(shown, span, now),
        ],
        listed=[
            Entry(each.title, [Entry(f"{_statement(fact)}. {told_of(fact)}") for fact in each.facts])
            for each in dossiers
        ],
    )


def _words(every: Sequence[Drawn], shown: Sequence[Drawn], drawn: int) -> str:
    total = sum(len(each.facts) for each in every)
    words = f"{len(every)} dossiers with {total} facts."
    if len(shown) < len(every):
        words += f" The {len(shown)} dossiers with the latest events are drawn."
    if drawn < sum(len(each.facts) for each in shown):
        words += f" Of each dossier the latest {MOST_FACTS} facts are drawn."
    return words


def _latest(dossier: Drawn) -> Sequence[Fact]:
    return dossier.facts[-MOST_FACTS:]


def _statement(fact: Fact) -> str:
    if fact.category == "secret":
        return f"{fact.subject}: {fact.key.replace('_', ' ')} (secret)"
    return state(fact)


def _rows(dossiers: Sequence[Drawn], span: Span, now: datetime) -> Iterator[str]:
    top = _TOP
    for each in dossiers:
        yield f'<line x1="8" y1="{top + 3}" x2="{_LEFT + _WIDTH}" y2="{top + 3}" stroke="#c4c8ce"/>'
        yield caption(8, top + 18, cut(each.title or "(to be told anew)", _LEFT - 40), 'font-weight="bold"')
        top += _HEAD
        if earlier := len(each.facts) - len(_latest(each)):
            told = f"… {earlier} earlier fact{'s' * (earlier > 1)}"
            yield caption(20, top + 11, told, 'fill="#555555" font-style="italic"')
            top += _ROW
        for fact in _latest(each):
            yield from group(f"{_statement(fact)}\n{told_of(fact)}", _fact(fact, top, span, now))
            top += _ROW


def _fact(fact: Fact, top: float, span: Span, now: datetime) -> Iterator[str]:
    yield caption(20, top + 11, cut(_statement(fact), _LEFT - 32))
    colour = COLOURS[fact.state]
    if fact.category == "event":
        yield _diamond(span.x(_day_of(fact)), top + 7, colour)
        return
    left = span.x(fact.valid_from)
    right = max(span.x(fact.valid_to or max(now, fact.valid_from)), left + _LEAST)
    style = ' opacity="0.55" stroke-dasharray="3 2"' if fact.state == "invalidated" else ""
    yield (
        f'<rect x="{left:.1f}" y="{top + 2}" width="{right - left:.1f}" height="{_BAR}" rx="2" '
        f'fill="{colour}" stroke="{colour}"{style}/>'
    )


def _day_of(fact: Fact) -> datetime:
    """The day of an event, which its value tells when it was announced; else since when it is so."""
    told = _DAY.findall(fact.value) if fact.category == "event" else []
    try:
        return datetime.fromisoformat(f"{told[-1]}T12:00:00+00:00") if told else fact.valid_from
    except ValueError:  # no such day
        return fact.valid_from


def _diamond(x: float, y: float, colour: str) -> str:
    return f'<path d="M{x:.1f} {y - 6} l6 6 l-6 6 l-6 -6 z" fill="{colour}"/>'
