"""The offline answer: dated quotes, constraints where advice is asked for, nothing made up."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.task import offline
from hmlr.core.tasks.outdated import Outdated
from hmlr.records import Context
from tests.unit.making import AT, fact, hit

EMPTY = Context(text="", tokens=0, hits=(), facts=(), constraints=())
DIET = KnownFact(
    fact=fact("strictly vegetarian", key="diet", category="constraint", quote="I'm strictly vegetarian"),
    statement="Diet: strictly vegetarian",
)
CODE = Outdated(said=("Code: 1111",), keys=frozenset({"code"}))
SECRET = Outdated(said=("Wifi password: blue7",), keys=frozenset({"wifi", "password"}), secret=True)
OSLO = KnownFact(fact=fact("Oslo"), statement="You live in Oslo")


def answer(message: str, **given) -> str:
    return offline(
        AnswerInput(message=message, now=AT, context=EMPTY, **{"constraints": (), "facts": (), **given})
    ).text


def test_a_question_is_answered_by_the_fact_and_its_dated_quote():
    text = answer("Where do I live?", facts=(OSLO,))
    assert text == "• You live in Oslo — “I live in Oslo” (you, 10 March 2026)"


@pytest.mark.parametrize(
    "message", ["I crave a steak, good idea?", "Can I have the fish?", "reply 'steak' if okay or 'salad'"]
)
def test_advice_brings_the_constraints(message: str):
    assert "Diet: strictly vegetarian" in answer(message, constraints=(DIET,))


def test_a_question_of_fact_does_not():
    assert "vegetarian" not in answer("Where do I live?", constraints=(DIET,), facts=(OSLO,))


def test_a_statement_is_only_noted():
    assert answer("I planted tulips.", constraints=(DIET,), facts=(OSLO,)) == "Noted, word for word."


def test_nothing_found_is_said():
    assert answer("Where do I live?") == "I have nothing on that yet."


def test_a_statement_found_is_quoted_with_its_speaker():
    assert "“The ferry leaves at nine.” — you" in answer(
        "When does the ferry leave?", hits=(hit("The ferry leaves at nine."),)
    )


def test_what_no_longer_holds_is_not_quoted():
    old = hit("My code is 1111.", turn_id="old")
    assert "1111" not in answer("What is my code?", hits=(old,), outdated={"My code is 1111.": CODE})


def test_one_outdated_sentence_does_not_silence_its_neighbour():
    both = hit("The wifi password is blue7. The alarm code is 9081.")
    text = answer("What is the alarm code?", hits=(both,), outdated={"The wifi password is blue7.": SECRET})
    assert "9081" in text
    assert "blue7" not in text


def test_the_sentence_after_the_one_that_matches_is_quoted_too():
    assert "9036" in answer("What is the gate code?", hits=(hit("They changed the gate code. It is 9036."),))


@pytest.mark.parametrize(
    "message", ["We moved to Lyon in May.", "I can swim.", "What did I say in May 2024?", "Where can I park?"]
)
def test_no_advice_is_asked_for(message: str):
    assert "vegetarian" not in answer(message, constraints=(DIET,))


def test_an_unrelated_hit_is_not_quoted():
    assert "tulips" not in answer(
        "When does the ferry leave?", hits=(hit("I planted tulips.", similarity=0.1),)
    )
