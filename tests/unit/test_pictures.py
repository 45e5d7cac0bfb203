"""Facts over time as a picture."""

from __future__ import annotations

from xml.etree import ElementTree

from hmlr.memory.facts.picture import MAX_ROWS, picture

from tests.unit.fact_play import START, STEP, play
from tests.unit.making import fact

NOW = START + 20 * STEP
_NAMES = {"svg": "http://www.w3.org/2000/svg"}


def _drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own document


def test_a_bar_for_each_value_with_its_quote() -> None:
    told = ["I live in Oslo.", "I moved to Bergen.", "My favourite tea is <Assam & co>."]
    bars = _drawn(picture(play(told).values(), NOW)).findall("svg:g", _NAMES)
    titles = [bar.findtext("svg:title", "", _NAMES) for bar in bars]
    assert sorted(title.split(":")[0] for title in titles) == ["<Assam & co>", "Bergen", "Oslo"]
    assert all("“" in title for title in titles)
    oslo, bergen = (
        next(bar for bar, title in zip(bars, titles, strict=True) if title.startswith(name))
        for name in ("Oslo", "Bergen")
    )
    (left, width, row), (later, _, same_row) = (
        tuple(float(rect.attrib[name]) for name in ("x", "width", "y"))
        for rect in (bar.find("svg:rect", _NAMES) for bar in (oslo, bergen))
        if rect is not None
    )
    assert (round(left + width), row) == (round(later), same_row), "one gives way to the other"


def test_secrets_are_not_drawn() -> None:
    assert "QX7" not in picture(play(["The wifi password is QX7-4410-ZP."]).values(), NOW)


def test_nothing_and_very_much_are_drawn() -> None:
    assert _drawn(picture([], NOW)).findall("svg:g", _NAMES) == []
    many = [fact(f"v\x00{n}", key=f"key_{n}") for n in range(MAX_ROWS + 5)]
    assert len(_drawn(picture(many, NOW)).findall("svg:g", _NAMES)) == MAX_ROWS
