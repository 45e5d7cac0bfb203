"""Facts over time as one SVG: a row for each subject and key, a bar for each value. Pure.

It needs no font, script or file beside it; pointing at a bar shows the quote. Secrets show their key alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape

from hmlr.memory.facts.board import rank
from hmlr.records import OWNER, Fact, FactState

COLOURS: Mapping[FactState, str] = {"active": "#1f7a4d", "superseded": "#8a8f98", "invalidated": "#b8433b"}
MAX_ROWS = 400  # more than a picture is looked at for; the rows with the latest facts are kept
_LEFT, _WIDTH, _RIGHT = 240, 820, 20  # pixels: names, time, margin
_TOP, _ROW, _BAR = 64, 22, 16
_LEAST = 4.0  # pixels of the shortest bar
_CHAR = 6.2  # pixels of a character, about

Lane = tuple[str, list[Fact]]


def picture(facts: Iterable[Fact], now: datetime) -> str:
    """An SVG document of the facts, whatever their state; open ends reach to `now`."""
    lanes = _lanes(facts)
    start, end = _span([fact for _, held in lanes for fact in held], now)
    height = _TOP + _ROW * sum(_tracks(held) for _, held in lanes) + 20
    width = _LEFT + _WIDTH + _RIGHT
    body = [*_legend(), *_axis(start, end, height), *_rows(lanes, start, end, now)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _lanes(facts: Iterable[Fact]) -> list[Lane]:
    """Facts by subject and key, the owner's first; each lane in the order of event time."""
    lanes: dict[tuple[bool, str, str], list[Fact]] = {}
    for fact in sorted(facts, key=rank):
        subject = fact.subject.casefold()
        lanes.setdefault((subject != OWNER, subject, fact.key), []).append(fact)
    latest = sorted(lanes, key=lambda lane: lanes[lane][-1].valid_from, reverse=True)[:MAX_ROWS]
    return [(f"{lanes[lane][0].subject} · {lane[2]}", lanes[lane]) for lane in sorted(latest)]


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


def _span(facts: Sequence[Fact], now: datetime) -> tuple[datetime, datetime]:
    start = min((fact.valid_from for fact in facts), default=now - timedelta(days=1))
    end = max((fact.valid_to or fact.valid_from for fact in facts), default=now)
    return start, max(end, now, start + timedelta(days=1))


def _x(at: datetime, start: datetime, end: datetime) -> float:
    return _LEFT + _WIDTH * ((at - start) / (end - start))


def _legend() -> Iterator[str]:
    yield _text(8, 20, "Facts over time", 'font-size="14" font-weight="bold"')
    for place, (state, colour) in enumerate(COLOURS.items()):
        x = _LEFT + place * 110
        yield f'<rect x="{x}" y="10" width="12" height="12" fill="{colour}"/>'
        yield _text(x + 17, 20, state)


def _axis(start: datetime, end: datetime, height: int) -> Iterator[str]:
    for part in range(5):
        at = start + (end - start) * part / 4
        x = _x(at, start, end)
        yield f'<line x1="{x:.1f}" y1="{_TOP - 8}" x2="{x:.1f}" y2="{height - 12}" stroke="#dddddd"/>'
        yield _text(x, _TOP - 14, f"{at:%Y-%m-%d}", 'text-anchor="middle" fill="#555555"')


def _rows(lanes: Sequence[Lane], start: datetime, end: datetime, now: datetime) -> Iterator[str]:
    top = _TOP
    for name, held in lanes:
        yield _text(8, top + _BAR - 3, _cut(name, _LEFT - 16), "")
        for track, fact in _placed(held):
            yield from _bar(fact, top + track * _ROW, (start, end), now)
        top += _ROW * _tracks(held)


def _bar(fact: Fact, top: int, span: tuple[datetime, datetime], now: datetime) -> Iterator[str]:
    left = _x(fact.valid_from, *span)
    right = max(_x(fact.valid_to or max(now, fact.valid_from), *span), left + _LEAST)
    value = "(secret)" if fact.category == "secret" else fact.value
    until = f"{fact.valid_to:%Y-%m-%d}" if fact.valid_to else "…"
    told = "" if fact.category == "secret" else f"\n“{fact.quote}” ({fact.said_by})"
    yield f"<g><title>{_clean(f'{value}: {fact.state}, {fact.valid_from:%Y-%m-%d} to {until}{told}')}</title>"
    style = ' opacity="0.55"' if fact.state == "invalidated" else ""
    yield (
        f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{_BAR}" rx="2" '
        f'fill="{COLOURS[fact.state]}"{style}/>'
    )
    if label := _cut(value, right - left - 8):
        yield _text(left + 4, top + _BAR - 4, label, 'fill="#ffffff"')
    yield "</g>"


def _cut(text: str, pixels: float) -> str:
    """As much of the text as has room, "" when that is next to nothing."""
    text = " ".join(text.split())
    room = int(pixels / _CHAR)
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if room >= 4 else ""


def _clean(text: str) -> str:
    """The text for XML, which knows no control characters."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "�" for c in text))


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{_clean(text)}</text>'
