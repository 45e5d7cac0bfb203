"""Facts over time: a row for each subject and key, a bar for each value. Pure.

Pointing at a bar shows the quote. Secrets show their key alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from hmlr.memory.drawing.svg import COLOURS, Entry, Picture, Span, caption, cut, group, legend, told_of
from hmlr.memory.facts.board import rank
from hmlr.records import OWNER, Fact

MAX_ROWS = 400  # more than a picture is looked at for; the rows with the latest facts are kept
_LEFT, _WIDTH, _RIGHT = 240, 820, 30  # pixels: names, time, margin
_TOP, _ROW, _BAR = 64, 22, 16
_LEAST = 4.0  # pixels of the shortest bar

Lane = tuple[str, list[Fact]]


def picture(facts: Iterable[Fact], now: datetime) -> Picture:
    """A picture of the facts, whatever their state; open ends reach to `now`."""
    every = _lanes(facts)
    lanes = sorted(
        sorted(every, key=lambda lane: lane[1][-1].valid_from, reverse=True)[:MAX_ROWS], key=_order
    )
    span = Span.of((fact for _, held in lanes for fact in held), now, left=_LEFT, width=_WIDTH)
    height = _TOP + _ROW * sum(_tracks(held) for _, held in lanes) + 20
    left_out = len(every) - len(lanes)
    words = f"{sum(len(held) for _, held in lanes)} facts under {len(lanes)} keys, each as long as it held."
    return Picture(
        title="Facts over time",
        words=words + (f" {left_out} keys with older facts are left out." if left_out else ""),
        width=_LEFT + _WIDTH + _RIGHT,
        height=height,
        body=[
            caption(8, 20, "Facts over time", 'font-size="14" font-weight="bold"'),
            *legend(_LEFT, 10),
            *span.axis(_TOP - 8, height - 12),
            *_rows(lanes, span, now),
        ],
        listed=[Entry(name, [Entry(told_of(fact)) for fact in held]) for name, held in lanes],
    )


def _lanes(facts: Iterable[Fact]) -> list[Lane]:
    """Facts by subject and key, each lane in the order of event time."""
    lanes: dict[tuple[str, str], list[Fact]] = {}
    for fact in sorted(facts, key=rank):
        lanes.setdefault((fact.subject.casefold(), fact.key), []).append(fact)
    return [(f"{held[0].subject} · {held[0].key}", held) for held in lanes.values()]


def _order(lane: Lane) -> tuple[bool, str, str]:
    """The owner's first, then by name."""
    subject = lane[1][0].subject.casefold()
    return subject != OWNER, subject, lane[1][0].key


def _tracks(held: Sequence[Fact]) -> int:
    return max(place for place, _ in _placed(held)) + 1


def _placed(held: Sequence[Fact]) -> Iterator[tuple[int, Fact]]:
    """Each fact with the first track of its lane that is free when it begins."""
    until: list[datetime | None] = []  # when each track is free again; None: never
    for fact in held:
        free = (place for place, ends in enumerate(until) if ends is not None and ends <= fact.valid_from)
        place = next(free, len(until))
        until[place : place + 1] = [fact.valid_to]
        yield place, fact


def _rows(lanes: Sequence[Lane], span: Span, now: datetime) -> Iterator[str]:
    top = _TOP
    for name, held in lanes:
        yield caption(8, top + _BAR - 4, cut(name, _LEFT - 16))
        for track, fact in _placed(held):
            yield from _bar(fact, top + track * _ROW, span, now)
        top += _ROW * _tracks(held)


def _bar(fact: Fact, top: int, span: Span, now: datetime) -> Iterator[str]:
    left = span.x(fact.valid_from)
    right = max(span.x(fact.valid_to or max(now, fact.valid_from)), left + _LEAST)
    style = ' opacity="0.55"' if fact.state == "invalidated" else ""
    parts = [
        f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{_BAR}" rx="2" '
        f'fill="{COLOURS[fact.state]}"{style}/>'
    ]
    if label := cut("(secret)" if fact.category == "secret" else fact.value, right - left - 8):
        parts.append(caption(left + 4, top + _BAR - 4, label, 'fill="#ffffff"'))
    return group(told_of(fact), parts)
