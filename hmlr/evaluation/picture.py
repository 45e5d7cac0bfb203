"""The report as one SVG: bars of the evidence found, with intervals, a panel for each set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from hmlr.evaluation.measures import Figure
from hmlr.evaluation.report import Group, Report

MEASURES: Mapping[str, str] = {
    "turn_fraction@10": "first 10",
    "inside_1000": "1,000 tokens",
    "inside_2000": "2,000 tokens",
    "inside_4000": "4,000 tokens",
}
COLOURS: Mapping[str, str] = {
    "HMLR": "#1f5fa8",
    "BM25": "#d98a2b",
    "MiniLM": "#8a8f98",
    "BM25/400": "#a8571f",
}

_BAR = 26
_GAP = 22  # between measures
_LEFT, _RIGHT = 44, 16
_TOP, _HEIGHT, _FOOT = 56, 200, 40  # pixels of a panel: its head, 100 %, what stands below


def picture(report: Report) -> str:
    """An SVG document; it needs no font or file beside it."""
    groups = [group for group in report.groups if group.methods]
    methods = len(groups[0].methods) if groups else 0
    width = _LEFT + len(MEASURES) * (methods * _BAR + _GAP) + _RIGHT
    panel = _TOP + _HEIGHT + _FOOT
    body = [line for place, group in enumerate(groups) for line in _panel(group, place * panel, width)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{panel * len(groups)}" '
            'font-family="sans-serif" font-size="11">',
            '<rect width="100%" height="100%" fill="#ffffff"/>',
            *body,
            "</svg>\n",
        ]
    )


def _panel(group: Group, top: int, width: int) -> Iterator[str]:
    title = f"{group.name}: evidence found, per cent ({group.questions} questions)"
    yield _text(_LEFT, top + 18, title, 'font-size="13" font-weight="bold"')
    for place, name in enumerate(group.methods):
        x = _LEFT + place * 80
        yield f'<rect x="{x}" y="{top + 28}" width="10" height="10" fill="{COLOURS[name]}"/>'
        yield _text(x + 14, top + 37, name)
    base = top + _TOP + _HEIGHT
    for per_cent in (0, 25, 50, 75, 100):
        y = base - per_cent * _HEIGHT / 100
        yield f'<line x1="{_LEFT}" y1="{y}" x2="{width - _RIGHT}" y2="{y}" stroke="#dddddd"/>'
        yield _text(_LEFT - 6, y + 4, str(per_cent), 'text-anchor="end"')
    cluster = len(group.methods) * _BAR
    for place, (measure, label) in enumerate(MEASURES.items()):
        left = _LEFT + _GAP / 2 + place * (cluster + _GAP)
        yield _text(left + cluster / 2, base + 18, label, 'text-anchor="middle"')
        for number, (name, figures) in enumerate(group.methods.items()):
            yield from _bar(figures[measure], left + number * _BAR, base, COLOURS[name])


def _bar(figure: Figure, x: float, base: float, colour: str) -> Iterator[str]:
    """A bar with its value inside and its interval as a whisker."""
    height = figure.mean * _HEIGHT / 100
    middle = x + _BAR / 2 - 1
    low, high = (base - value * _HEIGHT / 100 for value in (figure.low, figure.high))
    yield f'<rect x="{x}" y="{base - height:.1f}" width="{_BAR - 2}" height="{height:.1f}" fill="{colour}"/>'
    yield (
        f'<path d="M{middle - 4} {low:.1f}h8M{middle - 4} {high:.1f}h8M{middle} {low:.1f}V{high:.1f}" '
        'stroke="#222222" fill="none"/>'
    )
    yield _text(middle, base - 6, f"{figure.mean:.0f}", 'text-anchor="middle" fill="#ffffff"')


def _text(x: float, y: float, text: str, style: str = "") -> str:
    return f'<text x="{x}" y="{y}" {style}>{escape(text)}</text>'
