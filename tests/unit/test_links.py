"""Where facts lead from what a question names."""

from __future__ import annotations

from typing import Any

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.links import MAX_SHARED, Link, Links, links_of
from hmlr.memory.facts.lookup import FactIndex
from hmlr.records import Fact, FactId, MessageId, TurnId
from tests.unit.making import fact


def at(turn: str, key: str, value: str, subject: str = "user", **given: Any) -> Fact:
    return fact(
        value,
        key=key,
        subject=subject,
        turn_id=TurnId(turn),
        message_id=MessageId(f"{turn}/0"),
        fact_id=FactId(f"f-{turn}"),
        **{"category": "entity", **given},
    )


def links(question: str, *facts: Fact) -> Links:
    return links_of(question, FactIndex(facts), AliasIndex(facts))


def found(question: str, *facts: Fact) -> dict[str, Link]:
    return {link.turn_id: link for link in links(question, *facts).places}


LESSONS = at("t1", "trumpet_lessons", "with Ana")
EMPLOYER = at("t2", "employer", "the shipyard", subject="Ana")
BOAT = at("t3", "owns", "a red boat", category="entity")


def test_other_names_of_what_is_named_are_links() -> None:
    chain = [
        at("t1", "also_called", "Styx", subject="K-12", category="alias"),
        at("t2", "also_called", "River-9", subject="Styx", category="alias"),
    ]
    assert set(links("What became of River-9?", *chain).names) == {"K-12", "Styx"}
    assert links("What became of the river?", *chain).names == ()


def test_a_fact_leads_to_its_quote() -> None:
    link = found("Which boat do I own?", BOAT, LESSONS)["t3"]
    assert (link.position, link.span, link.via) == (0, (BOAT.start, BOAT.end), None)
    assert 0 < link.share <= 1
    assert found("Which boat do I own?", LESSONS) == {}


def test_a_name_in_a_fact_leads_on_at_half_its_share() -> None:
    places = found("Where are my trumpet lessons?", LESSONS, EMPLOYER, BOAT)
    assert places.keys() == {"t1", "t2"}
    assert places["t2"].share == pytest.approx(places["t1"].share / 2)
    assert places["t2"].via == "t1"


def test_a_name_leads_on_under_its_other_names() -> None:
    nick = at("t4", "also_called", "Anita", subject="Ana", category="alias")
    garden = at("t5", "likes", "gardening", subject="Anita", category="preference")
    assert "t5" in found("Where are my trumpet lessons?", LESSONS, nick, garden)
    assert "t5" not in found("Where are my trumpet lessons?", LESSONS, garden)


def test_a_name_that_is_everywhere_leads_nowhere() -> None:
    many = [at(f"m{number}", f"note_{number}", "something", subject="Ana") for number in range(MAX_SHARED)]
    assert found("Where are my trumpet lessons?", LESSONS, *many).keys() == {"t1"}
    assert "m1" in found("Where are my trumpet lessons?", LESSONS, *many[: MAX_SHARED - 1])


def test_a_relative_is_also_meant_by_the_name() -> None:
    assert links("What about my sister?", at("t1", "sister", "Ana")).names == ("Ana",)


def test_a_question_that_no_fact_meets_leads_nowhere() -> None:
    assert links("When does the ferry leave?", LESSONS, EMPLOYER, BOAT) == Links()
    assert links("", LESSONS) == Links()


def test_a_fact_that_covers_more_of_the_question_counts_more() -> None:
    red, blue = at("t1", "colour_of_boat", "red"), at("t2", "colour_of_door", "blue")
    places = found("What colour is the boat?", red, blue)
    assert places["t1"].share > places["t2"].share > 0


def test_only_standing_instructions_are_lifted_whatever_is_asked() -> None:
    told = at("t4", "instruction", "Always answer in French", category="constraint")
    diet = at("t5", "diet", "vegetarian", category="constraint")
    given = links_of("Where is the boat?", FactIndex([told, diet]), AliasIndex(()), [told, diet])
    assert [(link.turn_id, link.share) for link in given.standing] == [("t4", 1.0)]
