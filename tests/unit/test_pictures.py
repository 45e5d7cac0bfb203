"""Pictures: facts and dossiers over time, and the lattice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from hmlr.memory.drawing import dossiers_over_time, lattice_graph
from hmlr.memory.drawing.dossiers_over_time import Drawn
from hmlr.memory.drawing.facts_over_time import MAX_ROWS, picture
from hmlr.memory.drawing.lattice_graph import Lattice, Leaf
from hmlr.records import BlockId, DossierId, TurnId
from tests.unit.fact_play import START, STEP, play
from tests.unit.making import fact

NOW = START + 20 * STEP
_NAMES = {"svg": "http://www.w3.org/2000/svg"}


def _drawn(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314 - our own document


def test_a_bar_for_each_value_with_its_quote() -> None:
    told = ["I live in Oslo.", "I moved to Bergen.", "My favourite tea is <Assam & co>."]
    bars = _drawn(picture(play(told).values(), NOW).svg()).findall("svg:g", _NAMES)
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
    assert "QX7" not in picture(play(["The wifi password is QX7-4410-ZP."]).values(), NOW).html()


def test_nothing_and_very_much_are_drawn() -> None:
    assert _drawn(picture([], NOW).svg()).findall("svg:g", _NAMES) == []
    many = [fact(f"v\x00{n}", key=f"key_{n}") for n in range(MAX_ROWS + 5)]
    assert len(_drawn(picture(many, NOW).svg()).findall("svg:g", _NAMES)) == MAX_ROWS


# --- dossiers and the lattice ---

HOSTILE = "\x00</title><script>alert('x')</script>\"&\u202e"


def leaves(days: int, turns: int, facts: int = 1) -> list[Leaf]:
    """So many turns on each of so many days, of one topic."""
    return [
        Leaf(
            turn_id=TurnId(f"t{day}-{number}"),
            day=(START + day * STEP).date(),
            block_id=BlockId("b"),
            said=f"Turn {number} of day {day}",
            facts=[fact(f"v{day}-{number}-{n}", key=f"key_{n}") for n in range(facts)],
        )
        for day in range(days)
        for number in range(turns)
    ]


def lattice(held: Sequence[Leaf], label: str = "Topic", title: str = "Dossier") -> Lattice:
    """A lattice in which all facts lie in one dossier."""
    of_facts = {each.fact_id: DossierId("d") for leaf in held for each in leaf.facts}
    return Lattice(
        leaves=held, labels={BlockId("b"): label}, dossiers={DossierId("d"): title}, place_of=of_facts
    )


def test_a_dossier_is_drawn_with_each_fact_at_its_time_and_its_quote() -> None:
    facts = list(play(["I live in Oslo.", "I moved to Bergen."]).values())
    root = _drawn(dossiers_over_time.picture([Drawn("Home", facts)], NOW).svg())
    titles = [bar.findtext("svg:title", "", _NAMES) for bar in root.findall("svg:g", _NAMES)]
    assert ["superseded" in titles[0], "“I live in Oslo.”" in titles[0], "Bergen" in titles[1]] == [True] * 3
    (old, new) = (bar.find("svg:rect", _NAMES) for bar in root.findall("svg:g", _NAMES))
    assert old is not None
    assert new is not None
    ends = float(old.attrib["x"]) + float(old.attrib["width"])
    assert round(ends) == round(float(new.attrib["x"]))


def test_an_event_lies_on_the_day_that_its_value_tells() -> None:
    told = fact("3 March 2024, 2024-03-03", key="dentist_date", category="event", valid_from=START)
    span_end = START.replace(year=2024, month=3, day=3, hour=12)
    (bar,) = _drawn(dossiers_over_time.picture([Drawn("x", [told])], NOW).svg()).findall("svg:g", _NAMES)
    path = bar.find("svg:path", _NAMES)
    assert path is not None
    share = (float(path.attrib["d"].split()[0][1:]) - 360) / 700
    assert abs(share - (span_end - START) / (max(NOW, span_end) - START)) < 0.01


@pytest.mark.parametrize("secret", [True, False])
def test_secrets_and_hostile_words(secret: bool) -> None:
    category = "secret" if secret else "entity"
    bad = fact(HOSTILE, subject=HOSTILE, quote=HOSTILE, category=category)
    leaf = Leaf(turn_id=TurnId("t"), day=NOW.date(), block_id=BlockId("b"), said=HOSTILE, facts=[bad])
    for drawn in (
        dossiers_over_time.picture([Drawn(HOSTILE, [bad])], NOW),
        lattice_graph.picture(lattice([leaf], HOSTILE, HOSTILE)),
        picture([bad], NOW),
    ):
        _drawn(drawn.svg())
        for document in (drawn.svg(), drawn.html()):
            assert "<script" not in document
            assert "\x00" not in document
    plain = fact("QX7", category=category, quote="It is QX7")
    told = Leaf(turn_id=TurnId("t"), day=NOW.date(), block_id=None, said="It is QX7", facts=[plain])
    for drawn in (
        dossiers_over_time.picture([Drawn("x", [plain])], NOW),
        lattice_graph.picture(lattice([told])),
    ):
        assert ("QX7" in drawn.html()) is not secret


def test_two_hundred_turns_stay_readable_and_say_what_is_left_out() -> None:
    drawn = lattice_graph.picture(lattice(leaves(10, 20)))
    assert drawn.height < 10 * 12 * 20
    assert "200 turns" in drawn.words
    assert f"the last {lattice_graph.MOST_TURNS} turns are drawn" in drawn.words
    assert "14 earlier turns, 14 facts" in drawn.svg()
    assert drawn.html().count("Turn 0 of day") == 10, "what is not drawn is listed"
    many = lattice_graph.picture(lattice(leaves(200, 1, facts=7)))
    assert "40 earlier turns left out" in many.words
    assert "3 more facts" in many.svg()


def test_what_is_drawn_does_not_overlap() -> None:
    root = _drawn(lattice_graph.picture(lattice(leaves(6, 9, facts=3))).svg())
    columns: dict[float, list[float]] = {}
    for each in root.iter("{http://www.w3.org/2000/svg}text"):
        columns.setdefault(float(each.attrib["x"]), []).append(float(each.attrib["y"]))
    for rows in columns.values():
        assert all(after - before >= 12 for before, after in pairwise(sorted(rows)))


def test_many_dossiers_and_long_ones_are_cut_and_it_is_said() -> None:
    held = [fact(f"v{n}", key=f"key_{n}", valid_from=START + n * STEP) for n in range(15)]
    drawn = dossiers_over_time.picture([Drawn(f"d{n}", held) for n in range(45)], NOW)
    assert "45 dossiers with 675 facts. The 40 dossiers with the latest events are drawn." in drawn.words
    assert drawn.svg().count("… 3 earlier facts") == 40


def test_a_page_can_be_read_without_looking() -> None:
    page = lattice_graph.picture(lattice(leaves(1, 2))).html()
    assert 'lang="en"' in page
    assert page.count('tabindex="0" role="img" aria-label=') == 2 + 2 + 1 + 1  # turns, facts, topic, dossier
    assert "<li>Turn 1 of day 0" in page
    assert "default-src 'none'" in page
