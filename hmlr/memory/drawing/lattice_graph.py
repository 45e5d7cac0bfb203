"""The lattice as a graph: days, the topics of each, their turns, and what hangs on them.

Pure. A day and a topic may have more turns than anybody looks at: what is too much is one line that says how
much it stands for. Secrets show their key alone, also in the words of their turns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from hmlr.language.blanking import blank
from hmlr.memory.drawing.svg import COLOURS, Entry, Picture, caption, cut, group, legend, told_of
from hmlr.records import BlockId, DossierId, Fact, TurnId

MOST_LEAVES = 160  # turns drawn, the latest
MOST_TURNS = 6  # of one topic on one day
MOST_FACTS = 4  # of one turn
_DAY, _TOPIC, _TURN, _FACT, _DOSSIER, _WIDTH = 8, 100, 310, 660, 1010, 1230  # pixels: where columns begin
_TOP, _ROW, _GAP = 74, 17, 9
_ASIDE = 'fill="#555555" font-style="italic"'
_PALETTE = ("#1f5fa8", "#b5651d", "#6a3d9a", "#1f7a4d", "#a61c4b", "#5b6770", "#8a6d00", "#007c89")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A turn as it is drawn."""

    turn_id: TurnId
    day: date
    block_id: BlockId | None
    said: str  # its beginning
    facts: Sequence[Fact]  # in the order they were said


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """What is drawn."""

    leaves: Sequence[Leaf]  # in the order of event time
    labels: Mapping[BlockId, str]
    dossiers: Mapping[DossierId, str]  # titles
    place_of: Mapping[str, DossierId]  # of facts; each dossier has a title above


Branch = tuple[date, BlockId | None, Sequence[Leaf]]  # the turns of a topic on a day


def picture(lattice: Lattice) -> Picture:
    """A picture of the lattice, the latest day first."""
    branches = _branches(lattice.leaves)
    shown = _latest(branches)
    sheet = _Sheet(lattice)
    rows = list(sheet.draw(shown))
    words = _words(lattice, shown)
    return Picture(
        title="The lattice",
        words=words,
        width=_WIDTH,
        height=int(sheet.y) + 20,
        body=[
            caption(8, 20, "The lattice", 'font-size="14" font-weight="bold"'),
            caption(8, 38, cut(words, _WIDTH - 16), 'fill="#555555"'),
            *legend(_FACT, 10),
            *_heads(),
            *rows,
        ],
        listed=[
            Entry(
                f"{day}, {_label(lattice, block_id)}",
                [
                    Entry(_said(leaf), [Entry(_fact_line(lattice, fact)) for fact in leaf.facts])
                    for leaf in leaves
                ],
            )
            for day, block_id, leaves in branches
        ],
    )


def _branches(leaves: Sequence[Leaf]) -> list[Branch]:
    """Turns by day and topic, the latest day first, in it the topic that began last."""
    found: dict[tuple[date, BlockId | None], list[Leaf]] = {}
    for leaf in leaves:
        found.setdefault((leaf.day, leaf.block_id), []).append(leaf)
    newest = sorted(found.items(), key=lambda item: item[0][0], reverse=True)
    return [(day, block_id, held) for (day, block_id), held in newest]


def _latest(branches: Sequence[Branch]) -> list[Branch]:
    """The branches of the latest days, as many as there is room for."""
    shown, room = [], MOST_LEAVES
    for branch in branches:
        if (room := room - min(len(branch[2]), MOST_TURNS)) < 0:
            break
        shown.append(branch)
    return shown


def _words(lattice: Lattice, shown: Sequence[Branch]) -> str:
    days = {leaf.day for leaf in lattice.leaves}
    counts = (
        (len(days), "day"),
        (len({leaf.block_id for leaf in lattice.leaves}), "topic"),
        (len(lattice.leaves), "turn"),
        (sum(len(leaf.facts) for leaf in lattice.leaves), "fact"),
        (len(lattice.dossiers), "dossier"),
    )
    told = f"{', '.join(_counted(*each) for each in counts)}."
    left = len(lattice.leaves) - sum(len(leaves) for _, _, leaves in shown)
    if left:
        told += f" {_counted(left, 'earlier turn')} left out."
    if any(len(leaves) > MOST_TURNS for _, _, leaves in shown):
        told += f" Of a topic's day the last {MOST_TURNS} turns are drawn."
    return told


def _heads() -> Iterator[str]:
    heads = (
        (_DAY, "day"), (_TOPIC, "topic"), (_TURN, "turn"), (_FACT, "fact"), (_DOSSIER, "dossier"),
    )  # fmt: skip
    for x, name in heads:
        yield caption(x, 58, name, 'font-weight="bold" fill="#555555"')


def _label(lattice: Lattice, block_id: BlockId | None) -> str:
    return "(no topic yet)" if block_id is None else lattice.labels.get(block_id, "")


def _said(leaf: Leaf) -> str:
    """The words of a turn, without its secrets."""
    secrets = {fact.value for fact in leaf.facts if fact.category == "secret"}
    return blank(leaf.said, secrets) if secrets else leaf.said


def _fact_line(lattice: Lattice, fact: Fact) -> str:
    place = lattice.place_of.get(fact.fact_id)
    held = "" if place is None else f" In the dossier: {lattice.dossiers[place]}."
    return f"{fact.subject}, {fact.key}: {told_of(fact)}.{held}"


class _Sheet:
    """Draws branch after branch; a topic and a dossier keep their colours."""

    def __init__(self, lattice: Lattice) -> None:
        self._lattice = lattice
        self.y: float = _TOP
        self._colours: dict[str | None, str] = {}
        self._ends: dict[DossierId, list[float]] = {}  # where the facts of each dossier are in this branch

    def draw(self, branches: Sequence[Branch]) -> Iterator[str]:
        """Days, topics, turns, facts and dossiers."""
        before: date | None = None
        for day, block_id, leaves in branches:
            if day != before:
                if before is not None:
                    self.y += _GAP
                    y = self.y - _GAP / 2 - 3
                    yield f'<line x1="8" y1="{y}" x2="{_WIDTH - 10}" y2="{y}" stroke="#dddddd"/>'
                yield caption(_DAY, self.y + 11, f"{day}", 'font-weight="bold"')
                before = day
            yield from self._topic(block_id, leaves)

    def _colour(self, of: str | None) -> str:
        return self._colours.setdefault(of, _PALETTE[len(self._colours) % len(_PALETTE)])

    def _topic(self, block_id: BlockId | None, leaves: Sequence[Leaf]) -> Iterator[str]:
        colour, top, label = self._colour(block_id), self.y, _label(self._lattice, block_id)
        self._ends = {}
        rows: list[str] = []
        if hidden := leaves[:-MOST_TURNS]:
            facts = sum(len(leaf.facts) for leaf in hidden)
            told = f"… {_counted(len(hidden), 'earlier turn')}" + (
                f", {_counted(facts, 'fact')}" if facts else ""
            )
            rows.append(caption(_TURN, self.y + 11, told, _ASIDE))
            self.y += _ROW
        for leaf in leaves[-MOST_TURNS:]:
            rows += self._leaf(leaf)
        rows += self._dossiers(top)
        size = f'width="4" height="{self.y - top - 2:.1f}"'
        bar = f'<rect x="{_TOPIC}" y="{top + 1:.1f}" {size} fill="{colour}"/>'
        name = caption(_TOPIC + 10, top + 11, cut(label, _TURN - _TOPIC - 20), f'fill="{colour}"')
        yield from group(f"Topic: {label}, {_counted(len(leaves), 'turn')} on this day", [bar, name])
        yield from rows
        self.y += 3

    def _leaf(self, leaf: Leaf) -> Iterator[str]:
        said = _said(leaf)
        yield from group(said, [caption(_TURN, self.y + 11, cut(said, _FACT - _TURN - 24))])
        for fact in leaf.facts[:MOST_FACTS]:
            yield from self._fact(fact)
        if more := len(leaf.facts[MOST_FACTS:]):
            yield caption(_FACT + 12, self.y + 11, f"… {_counted(more, 'more fact')}", _ASIDE)
            self.y += _ROW
        elif not leaf.facts:
            self.y += _ROW

    def _fact(self, fact: Fact) -> Iterator[str]:
        value = "(secret)" if fact.category == "secret" else fact.value
        line = f"{fact.subject} · {fact.key.replace('_', ' ')}: {value}"
        mark = f'<circle cx="{_FACT + 4}" cy="{self.y + 7:.1f}" r="4" fill="{COLOURS[fact.state]}"/>'
        label = caption(_FACT + 12, self.y + 11, cut(line, _DOSSIER - _FACT - 60))
        yield from group(f"{line}\n{told_of(fact)}", [mark, label])
        place = self._lattice.place_of.get(fact.fact_id)
        if place is not None:
            self._ends.setdefault(place, []).append(self.y + 7)
        self.y += _ROW

    def _dossiers(self, top: float) -> Iterator[str]:
        """The dossiers in which the facts of the branch lie, beside them."""
        y = top
        for dossier_id, ends in self._ends.items():
            title, colour = self._lattice.dossiers[dossier_id], self._colour(dossier_id)
            y = max(y, sum(ends) / len(ends) - 7)
            for end in ends:
                line = f"M{_DOSSIER - 42} {end:.1f} c22 0 20 {y + 7 - end:.1f} 42 {y + 7 - end:.1f}"
                yield f'<path d="{line}" fill="none" stroke="{colour}" opacity="0.6"/>'
            box = (
                f'<rect x="{_DOSSIER}" y="{y - 0.5:.1f}" width="{_WIDTH - _DOSSIER - 10}" height="15" rx="3" '
                f'fill="#ffffff" stroke="{colour}"/>'
            )
            words = caption(_DOSSIER + 6, y + 11, cut(title, _WIDTH - _DOSSIER - 24), f'fill="{colour}"')
            yield from group(f"Dossier: {title}, {_counted(len(ends), 'fact')} of this topic", [box, words])
            y += _ROW
        self.y = max(self.y, y)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
