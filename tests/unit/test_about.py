"""Whom a question is about, and which facts are no answer to it."""

from __future__ import annotations

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.lookup import FactIndex, score_facts
from hmlr.memory.facts.statement import state
from hmlr.records import Fact
from tests.unit.fact_play import START, STEP, play

NOW = START + 30 * STEP
TOLD = [
    "My sister's name is Agnes and she is a vet.",
    "My boss is Dmitri. My girlfriend Ola sings.",
    "so at work we renamed the Heron service to Osprey",
    "We got married last Saturday.",
    "We upgraded to Postgres 16 on 9 January.",
    "Lena's favourite tea is mint. Lena is my cousin. Call me Tomek.",
    "SLA means service level agreement.",
    "Wifi password at home is kotlet-77. The door code is 4471#.",
    "I live in Gdynia. I work for Halden.",
    "Lena has a question. Lena's birthday is 3 May.",
]


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return [each for each in play(TOLD).values() if each.state == "active"]


def ask(question: str, facts: list[Fact]) -> str:
    return " | ".join(state(each) for each, _ in score_facts(question, facts, AliasIndex(facts), NOW))


@pytest.mark.parametrize(
    "question",
    [
        "what's my brother called?",
        "what's the name of Dmitri's wife?",
        "how old is my grandmother?",
        "where does my sister's husband work?",
        "what is my favourite tea?",
        "who is Agnes's boss?",
        "what does AGM mean?",
    ],
)
def test_what_was_never_told_has_no_answer(question: str, facts: list[Fact]) -> None:
    assert ask(question, facts) == ""


@pytest.mark.parametrize(
    ("question", "found", "left_out"),
    [
        ("what does my sister do?", "vet", "Halden"),
        ("what is the Heron service called now?", "Osprey", "Tomek"),
        ("what should you call me?", "Tomek", "Osprey"),
        ("what does SLA mean?", "service level", "Osprey"),
        ("what is her last name?", "", "married Postgres"),
        ("what did we do on 9 January 2024?", "Postgres", "married"),
        ("who is my boss?", "Dmitri", "married"),
        ("who was my boss in January 2024?", "Dmitri", "married Postgres"),
        ("what's the wifi password at home?", "kotlet-77", "Gdynia 4471#"),
        ("what is the door code of the office?", "4471#", "Halden kotlet"),
        ("where did I work?", "Halden", "Gdynia"),
        ("when is Lena's birthday?", "3 May", "mint"),
        ("who is my wife?", "Ola", "Agnes"),
    ],
)
def test_facts_that_answer_and_facts_that_do_not(
    question: str, found: str, left_out: str, facts: list[Fact]
) -> None:
    answer = ask(question, facts)
    assert found in answer
    assert [word for word in left_out.split() if word in answer] == []


def test_relatives_are_searched_for_by_name(facts: list[Fact]) -> None:
    index = FactIndex(facts)
    assert index.names_of_relatives("What does my sister do?") == ("Agnes",)
    assert index.names_of_relatives("my wife's birthday") == ("Ola",)
    assert index.names_of_relatives("my uncle and his sister") == ()
