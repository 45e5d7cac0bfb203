"""Aliases, statements, lookup, and what holds when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.as_of import holds
from hmlr.memory.facts.keys import is_single_valued, same_secret, same_subject, value_names
from hmlr.memory.facts.lookup import score_facts
from hmlr.memory.facts.statement import state
from hmlr.memory.facts.values import fold_value
from hmlr.records import Fact
from tests.unit.fact_play import START, STEP, play
from tests.unit.making import AT, fact

NAMES = ["Legacy-Phi", "LΦ-88", "Phoenix", "Aether", "K-12", "Styx", "River-9", "Charon", "Tartarus-v3"]
CIPHER = [
    "Project Cerberus will use Legacy-Phi (codename LΦ-88).",
    'LΦ-88 is the old "Phoenix" cipher of 2019.',
    "Phoenix was renamed Aether in 2021.",
    "Aether is identical to today's K-12.",
    "K-12 is now called Styx.",
    "Styx is the official name of what legal calls River-9.",
    "River-9 is the marketing name for Charon.",
    "Charon is the production name for Tartarus-v3.",
    "Tartarus-v3 is the only supported name after 1 March 2025.",
]
TOLD = [
    "My API key for the weather service is ABC123.",
    "The database password is hunter2.",
    "My mail key is MK-55-xx.",
    "I live in Oslo. Bob lives in Paris.",
    "I'm strictly vegetarian.",
    "When I was a kid we had a golden retriever named Biscuit.",
    "I own a 1967 Mustang, a Porsche 911, a Fiat 500, a Volvo P1800 and a Citroën DS.",
    "Employees may not accept gifts or gratuities from suppliers worth more than 50 euros.",
    "My favourite colour is blue. My wife's name is Anna.",
    "I'm working on a thesis about bees.",
]


def _active(contents: list[str]) -> list[Fact]:
    return [f for f in play(contents).values() if f.state == "active"]


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return _active(TOLD + CIPHER)


def _ask(question: str, facts: list[Fact]) -> list[str]:
    return [state(f) for f, _ in score_facts(question, facts, AliasIndex(facts))]


@pytest.mark.parametrize("name", NAMES)
def test_from_any_name_all_others(name: str) -> None:
    index = AliasIndex(_active(CIPHER))
    assert index.names_of(name.lower()) == frozenset(NAMES)
    assert index.expand(f"May Cerberus use {name}'s full capacity?") == sorted(set(NAMES) - {name})


def test_names_are_whole_words() -> None:
    index = AliasIndex([fact("Styx", subject="Ash", key="also_called", category="alias")])
    assert index.expand("The ashtray is full") == []
    assert index.expand("ash is full") == ["Styx"]
    assert index.names_of("unknown") == frozenset({"unknown"})
    assert AliasIndex().expand("anything") == []


def test_only_active_aliases_count() -> None:
    old = fact("Styx", subject="Ash", key="also_called", category="alias", state="superseded")
    assert AliasIndex([old]).expand("Ash") == []


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("What credential do I need for the weather service?", "Weather service API key: ABC123"),
        ("that database credential", "Database password: hunter2"),
        ("Where do I live?", "You live in Oslo"),
        ("Which city am I in?", "You live in Oslo"),
        ("where does bob live?", "Bob lives in Paris"),
        ("What was my childhood pet's name?", "Your childhood pet: Biscuit (golden retriever)"),
        ("Did I have a dog?", "Your childhood pet: Biscuit (golden retriever)"),
        ("I'm going to a steakhouse and really crave a steak. Good idea?", "Diet: strictly vegetarian"),
        ("What should I cook tonight?", "Diet: strictly vegetarian"),
        (
            "May I keep a Rolex from a supplier?",
            "Rule for employees: Employees may not accept gifts or gratuities from suppliers worth more than "
            "50 euros",
        ),
        ("what's my favorite color?", "Your favourite colour is blue"),
        ("Who is my wife?", "Your wife is Anna"),
        ("What is my project?", "You are working on a thesis about bees"),
    ],
)
def test_the_best_fact(question: str, best: str, facts: list[Fact]) -> None:
    assert _ask(question, facts)[0] == best


def test_one_secret_and_not_the_other(facts: list[Fact]) -> None:
    found = " ".join(_ask("that database credential", facts))
    assert "hunter2" in found
    assert "MK-55" not in found
    assert "ABC123" not in found


def test_all_five_cars(facts: list[Fact]) -> None:
    found = [line for line in _ask("Which cars do I have?", facts) if line.startswith("You own")]
    assert len(found) == 5


def test_a_name_finds_the_facts_of_its_other_names(facts: list[Fact]) -> None:
    found = _ask("What do we know about Tartarus-v3?", facts)
    assert "Project Cerberus uses Legacy-Phi" in found
    assert "LΦ-88 is also called Phoenix" in found


HOUSEHOLD = [
    "I live in Bergen.",
    "I work at Acme.",
    "Priya lives in Spain. Carol lives in Hull.",
    "My husband Tom likes tea. Tom works as a plumber.",
    "We sold the Skoda last week.",
    "I have a dentist appointment next Tuesday.",
    "I am 34 years old.",
    "My wifi password is hunter22x. The alarm code is 4711. The gate code is 8822.",
    "Employees may not accept gifts worth more than 50 euros.",
    "My daughter's name is Lily.",
]


@pytest.mark.parametrize(
    ("question", "found", "left_out"),
    [
        ("where do I live?", "Bergen", "Spain Hull"),
        ("where do I work now?", "Acme", "Spain Hull plumber"),
        ("what does my husband do?", "plumber", "Spain Hull Acme Bergen"),
        ("Where does Ingrid live?", "", "Bergen Spain Hull"),
        ("where does priya live", "Spain", "Bergen Hull"),
        ("What is Tom's job?", "plumber", "Acme"),
        ("where does my daughter live?", "Lily", "Bergen Spain"),
        ("Do I know somebody in Hull?", "Hull", "Spain"),
        ("Who lives in Spain?", "Spain", ""),
        ("May I accept gifts?", "employees", ""),
        ("when is the baby due?", "", "Skoda dentist"),
        ("when did we sell the Skoda?", "Skoda", "dentist"),
        ("when is my dentist appointment?", "dentist", ""),
        ("old wifi password", "hunter22x", "34 4711"),
        ("How old is my house?", "", "34"),
        ("How old am I?", "34", ""),
        ("what's the code?", "4711 8822", "hunter22x"),
        ("what's the alarm code?", "4711", "hunter22x 8822"),
        ("what passwords and codes do I have?", "hunter22x 4711 8822", ""),
    ],
)
def test_facts_answer_for_whom_and_what_is_asked(question: str, found: str, left_out: str) -> None:
    answer = " ".join(_ask(question, _active(HOUSEHOLD)))
    assert [word for word in found.split() if word not in answer] == []
    assert [word for word in left_out.split() if word in answer] == []


def test_scores_are_positive_and_fall(facts: list[Fact]) -> None:
    scores = [score for _, score in score_facts("Where do I live with my dog?", facts, AliasIndex(facts))]
    assert scores == sorted(scores, reverse=True)
    assert all(score > 0 for score in scores)
    assert _ask("zzz qqq", facts) == []


def test_the_result_does_not_hang_on_the_order(facts: list[Fact]) -> None:
    question = "What credential, car or food?"
    assert _ask(question, facts) == _ask(question, facts[::-1])


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"key": "lives_in", "value": "Oslo"}, "You live in Oslo"),
        ({"key": "lives_in", "value": "Oslo", "subject": "Bob"}, "Bob lives in Oslo"),
        (
            {"key": "api_key_weather_service", "value": "X1", "category": "secret"},
            "Weather service API key: X1",
        ),
        ({"key": "password", "value": "X1", "category": "secret"}, "Password: X1"),
        ({"key": "pin", "value": "4711", "category": "secret", "subject": "Bob"}, "Bob — PIN: 4711"),
        ({"key": "also_called", "value": "River-9", "subject": "Styx"}, "Styx is also called River-9"),
        ({"key": "policy", "value": "no gifts", "subject": "v6"}, "Policy v6: no gifts"),
        ({"key": "favourite_band", "value": "Wardruna"}, "Your favourite band is Wardruna"),
        ({"key": "wife", "value": "Anna"}, "Your wife is Anna"),
        ({"key": "shoe_size", "value": "43"}, "Shoe size: 43"),
        ({"key": "shoe_size", "value": "43", "subject": "Bob"}, "Bob — shoe size: 43"),
    ],
)
def test_statements(given: dict[str, str], text: str) -> None:
    assert state(fact(**given)) == text


def test_what_holds_when() -> None:
    held = fact("Oslo", valid_from=START, valid_to=START + STEP)
    assert [holds(held, START + d) for d in (-STEP, timedelta(0), STEP / 2, STEP)] == [
        False,
        True,
        True,
        False,
    ]
    assert not holds(fact("Oslo", valid_from=START, state="invalidated"), AT)


def test_the_rotated_key_as_of_before() -> None:
    known = play(
        ["My API key for the weather service is ABC123.", "I rotated my keys. The new one is XYZ789."]
    )
    assert [f.value for f in known.values() if holds(f, START + STEP / 2)] == ["ABC123"]
    assert [f.value for f in known.values() if holds(f, START + 2 * STEP)] == ["XYZ789"]


@pytest.mark.parametrize(
    "key", ["name", "lives_in", "api_key_weather", "favourite_colour", "volume_per_day", "rate_limit"]
)
def test_single_valued(key: str) -> None:
    assert is_single_valued(key)


@pytest.mark.parametrize(
    "key", ["pet", "owns", "likes", "speaks", "allergy", "also_called", "rule", "uses", "event"]
)
def test_many_valued(key: str) -> None:
    assert not is_single_valued(key)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("4,850,000 records/day", "4.85 million records per day", True),
        ("The  Red Cross", "red cross", True),
        ("4.7 million", "4.85 million", False),
        ("007", "7", False),
        ("1.10", "1.1", False),
        ("Oslo", "Bergen", False),
    ],
)
def test_equal_values(one: str, other: str, *, same: bool) -> None:
    assert (fold_value(one) == fold_value(other)) is same


def test_names_of_values_and_subjects() -> None:
    assert value_names("strictly vegetarian", "vegetarian")
    assert not value_names("meat", "eat")
    assert same_subject("policy v5", "v5")
    assert same_subject("V5", "version 5")
    assert not same_subject("travel policy v5", "data policy v5")
    assert not same_subject("v5", "v6")
    assert same_secret("api_key_weather_service", "key_weather")
    assert not same_secret("api_key_weather_service", "key_mail")
    assert not same_secret("password_database", "key_database")
