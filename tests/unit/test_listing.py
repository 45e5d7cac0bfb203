"""Facts of one kind as a list, and what asks for one."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.answer.requests import listed
from hmlr.memory.facts.listing import of_kind
from tests.unit.fact_play import held, play
from tests.unit.making import fact

TOLD = [
    "My cat is called Misty.",
    "We have a dog named Rex.",
    "I'm allergic to peanuts.",
    "I own a red Volvo.",
    "I own a house.",
    "My brother is called Ole.",
    "I have three children.",
    "I visited Lisbon in May 2023.",
    "I read Dune last month.",
    "My password for the bank is children.",
]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("pets", ["Misty (cat)", "Rex (dog)"]),
        ("pet", ["Misty (cat)", "Rex (dog)"]),
        ("dogs", ["Rex (dog)"]),
        ("Allergies", ["peanuts"]),
        ("cars", ["red Volvo"]),
        ("siblings", ["Ole"]),
        ("brothers", ["Ole"]),
        ("children", []),
        ("cities", ["Lisbon"]),
        ("books", ["Dune"]),
        ("boats", []),
        ("", []),
    ],
)
def test_a_kind_lists_its_facts(kind: str, values: list[str]) -> None:
    facts = sorted(play(TOLD).values(), key=lambda fact: fact.occurred_at)
    assert [fact.value for fact in of_kind(facts, kind)] == values


def test_a_secret_is_listed_among_secrets_only() -> None:
    secret = fact("X1", key="password_project", category="secret")
    assert of_kind([secret], "projects") == []
    assert of_kind([secret], "passwords") == [secret]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many pets do I have?", "pets"),
        ("Which cities did we visit?", "cities"),
        ("What languages do I speak?", "languages"),
        ("List all my books", "books"),
        ("how many of my pets", "pets"),
        ("Which cars did I buy in May?", ""),
        ("What drinks should I avoid?", ""),
        ("Which pets does Ana have?", ""),
        ("How many hours did the flight take?", ""),
        ("What is my name?", ""),
        ("", ""),
    ],
)
def test_what_asks_for_a_list(question: str, kind: str) -> None:
    assert listed(question) == kind


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Last week I went to Porto.", {("visited", "Porto")}),
        ("We have been to New York and Rome.", {("visited", "New York"), ("visited", "Rome")}),
        ("I am reading The Name of the Rose now.", {("has_read", "The Name of the Rose")}),
        ("I have not been to Paris.", set()),
        ("I would love to have been to Cairo.", set()),
        ("I went to Grandma's.", set()),
        ("I went to bed.", set()),
        ("I read the news.", set()),
    ],
)
def test_where_one_was_and_what_one_read(text: str, facts: set[tuple[str, str]]) -> None:
    assert {pair for pair in held(text) if pair[0] in {"visited", "has_read"}} == facts
