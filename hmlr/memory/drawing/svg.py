"""The drawing room: what every picture is made of. Pure.

A picture is one SVG document, or one HTML page with the picture and the same as a list. It needs no font,
script or file beside it; all that comes from a memory is escaped. What is pointed at, or reached with the
keyboard, tells itself in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from unicodedata import east_asian_width

from hmlr.records import Fact, FactState

COLOURS: Mapping[FactState, str] = {"active": "#1f7a4d", "superseded": "#8a8f98", "invalidated": "#b8433b"}
FONT = 11  # pixels
_CHAR = 6.6  # pixels of a letter, about; those of other scripts may be as wide as high

# Whoever opens a page from a memory runs nothing that was said in it, and asks no other machine for anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.45 sans-serif; margin: 1.5rem; color: #222222; background: #ffffff; }
figure { margin: 0; overflow-x: auto; }
svg g[tabindex]:focus { outline: 2px solid #1f5fa8; outline-offset: 1px; }
ul { padding-left: 1.3rem; } li { margin: 0.15rem 0; } summary { cursor: pointer; margin: 1rem 0; }
"""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A drawing, and the same in words."""

    title: str
    words: str  # what is to be seen, in a sentence or two, and what was left out
    width: int  # pixels
    height: int
    body: Sequence[str]  # elements of SVG
    listed: Sequence[Entry]  # all that is drawn, for whoever does not look at it

    def svg(self) -> str:
        """An SVG document."""
        return f"{self._drawn()}\n"

    def html(self) -> str:
        """An HTML page with the picture and the list."""
        return "\n".join(
            [
                "<!DOCTYPE html>",
                '<html lang="en"><head><meta charset="utf-8">',
                f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
                '<meta name="viewport" content="width=device-width">',
                f"<title>{clean(self.title)}</title><style>{_STYLE}</style></head>",
                f"<body><main><h1>{clean(self.title)}</h1><p>{clean(self.words)}</p>",
                f"<figure>{self._drawn()}</figure>",
                "<details><summary>The same as a list</summary>",
                *_list(self.listed),
                "</details></main></body></html>\n",
            ]
        )

    def _drawn(self) -> str:
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}" font-family="sans-serif" font-size="{FONT}" '
                'role="group" aria-labelledby="title words">',
                f'<title id="title">{clean(self.title)}</title>',
                f'<desc id="words">{clean(self.words)}</desc>',
                '<rect width="100%" height="100%" fill="#ffffff"/>',
                *self.body,
                "</svg>",
            ]
        )


@dataclass(frozen=True)
class Entry:
    """A line of the list, with what belongs to it."""

    text: str
    below: Sequence[Entry] = ()


def _list(entries: Sequence[Entry]) -> Iterator[str]:
    yield "<ul>"
    for each in entries:
        yield f"<li>{clean(each.text)}"
        if each.below:
            yield from _list(each.below)
        yield "</li>"
    yield "</ul>"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Time across a picture."""

    start: datetime
    end: datetime
    left: float  # pixels
    width: float

    @classmethod
    def of(cls, facts: Iterable[Fact], now: datetime, *, left: float, width: float) -> Span:
        """The span of all the facts, to now at least."""
        held = list(facts)
        start = min((fact.valid_from for fact in held), default=now - timedelta(days=1))
        end = max((fact.valid_to or fact.valid_from for fact in held), default=now)
        return cls(start=start, end=max(end, now, start + timedelta(days=1)), left=left, width=width)

    def x(self, at: datetime) -> float:
        """Where a time lies."""
        return self.left + self.width * ((at - self.start) / (self.end - self.start))

    def axis(self, top: float, bottom: float) -> Iterator[str]:
        """Lines with dates."""
        for part in range(5):
            at = self.start + (self.end - self.start) * part / 4
            x = self.x(at)
            yield f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}" stroke="#dddddd"/>'
            anchor = "end" if part == 4 else "middle"
            yield caption(x, top - 6, f"{at:%Y-%m-%d}", f'text-anchor="{anchor}" fill="#555555"')


def legend(left: float, y: float) -> Iterator[str]:
    """What the colours mean."""
    for place, (state, colour) in enumerate(COLOURS.items()):
        x = left + place * 110
        yield f'<rect x="{x}" y="{y}" width="12" height="12" fill="{colour}"/>'
        yield caption(x + 17, y + 10, state)


def group(told: str, parts: Iterable[str]) -> Iterator[str]:
    """Parts that are one thing: what is told of it is shown on pointing at it, and read out."""
    yield f'<g tabindex="0" role="img" aria-label="{clean(told)}"><title>{clean(told)}</title>'
    yield from parts
    yield "</g>"


def told_of(fact: Fact) -> str:
    """What is told of a fact in full: value, state, time, quote and speaker; of a secret no value."""
    until = f"{fact.valid_to:%Y-%m-%d}" if fact.valid_to else "…"
    secret = fact.category == "secret"
    value = "(secret)" if secret else fact.value
    said = "" if secret else f"\n“{fact.quote}” ({fact.said_by})"
    return f"{value}: {fact.state}, {fact.valid_from:%Y-%m-%d} to {until}{said}"


def caption(x: float, y: float, words: str, style: str = "") -> str:
    """A line of text."""
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{clean(words)}</text>'


def cut(words: str, pixels: float) -> str:
    """As much of the words as has room, "" when that is next to nothing."""
    words = " ".join(words.split())
    if width_of(words) <= pixels:
        return words
    kept, room = "", pixels - 9
    for character in words:
        if (room := room - width_of(character)) < 0:
            break
        kept += character
    return f"{kept.rstrip()}…" if len(kept) >= 3 else ""


def width_of(words: str) -> float:
    """About how many pixels the words take."""
    return sum(2 * _CHAR if east_asian_width(each) in "WF" else _CHAR for each in words)


def clean(words: str) -> str:
    """The words for XML and HTML, which know no control characters."""
    return escape("".join(c if c.isprintable() or c in "\n\t" else "�" for c in words))
