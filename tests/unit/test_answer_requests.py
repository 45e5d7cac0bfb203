"""Messages that want something else than an answer: to forget, to sum up, to be polite."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.answer.evidence import PROFILE_FACTS
from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.requests import keeps, summed_up, wants_profile
from hmlr.core.tasks.answer.task import NOTHING, offline
from hmlr.core.tasks.outdated import Outdated
from hmlr.records import Context
from tests.unit.making import AT, fact, hit, message

EMPTY = Context(text="", tokens=0, hits=(), facts=(), constraints=())
OSLO = KnownFact(fact=fact("Oslo"), statement="You live in Oslo")


def answer(text: str, **given) -> str:
    return offline(
        AnswerInput(message=text, now=AT, context=EMPTY, **{"constraints": (), "facts": (), **given})
    ).text


@pytest.mark.parametrize(
    "text",
    [
        "forget the last thing I said",
        "please forget my blood type",
        "delete everything",
        "Can you erase my address?",
        "could you please forget what I told you about my boss",
        "wipe my data",
        "remove the fact about Oslo",
        "ok, forget everything you know about me",
    ],
)
def test_nothing_is_erased_by_a_chat_and_it_says_how(text: str):
    said = answer(text)
    assert "Chat erases nothing" in said
    assert "forget --turn ID" in said
    assert "Noted, word for word" not in said


@pytest.mark.parametrize(
    "text",
    [
        "don't forget to buy milk",
        "I forgot my keys",
        "forget it.",
        "We removed the shelf",
        "Remove the onions and fry them",
        "I always forget names",
        "How do I delete a file?",
    ],
)
def test_other_forgetting_is_no_such_request(text: str):
    assert "Chat erases nothing" not in answer(text)


@pytest.mark.parametrize(
    "text", ["forget that I said I like opera", "scratch that", "ignore what I told you about the boat"]
)
def test_what_is_taken_back_is_noted_as_that(text: str):
    assert answer(text).startswith("Noted that you take it back")


def test_a_request_to_forget_names_what_may_be_meant():
    assert "`forget --fact f-Oslo`" in answer("please forget where I live", facts=(OSLO,))
    last = answer("forget the last thing I said", previous=message("I like opera"), facts=(OSLO,))
    assert "“I like opera” — `forget --turn t1`" in last
    assert "Oslo" not in last


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("thanks!", "You're welcome."),
        ("ok thank you so much", "You're welcome."),
        ("Hello", "Hello."),
        ("bye", "All right."),
    ],
)
def test_courtesy_needs_no_memory(text: str, reply: str):
    assert answer(text, facts=(OSLO,), hits=(hit(text),)) == reply


@pytest.mark.parametrize(
    "text",
    [
        "What do you know about me?",
        "tell me everything you know about me",
        "summarize what you know about me",
    ],
)
def test_the_profile_is_told_constraints_first(text: str):
    diet = KnownFact(fact=fact("vegan", key="diet"), statement="Diet: vegan")
    assert wants_profile(text)
    lines = answer(text, constraints=(diet,), facts=(OSLO,)).splitlines()
    assert [line.split(" — ")[0] for line in lines[1:]] == ["• Diet: vegan", "• You live in Oslo"]
    assert answer(text) == NOTHING


def test_a_long_profile_says_that_there_is_more():
    many = tuple(
        KnownFact(fact=fact(str(number)), statement=f"Fact {number}") for number in range(PROFILE_FACTS + 3)
    )
    assert answer("what do you know about me?", facts=many).endswith("… and 3 more; `facts` lists all")


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("summarize what I told you about the wedding", "the wedding"),
        ("Can you sum up everything about Oslo?", "Oslo"),
        ("give me a summary of the kitchen project", "the kitchen project"),
        ("tell me everything you know about Bea", "Bea"),
        ("what do you know about me?", ""),
        ("what is the time?", ""),
        ("list the ports", ""),
    ],
)
def test_the_topic_of_a_summary(text: str, topic: str):
    assert summed_up(text) == topic


def test_a_summary_shows_more_than_an_answer():
    hits = tuple(hit(f"The wedding has part {number}.", turn_id=f"t{number}") for number in range(9))
    assert answer("summarize what I told you about the wedding", hits=hits).count("•") > 4


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("can you remember I take 50mg sertraline every morning?", True),
        ("could you please note that my flat is on the 3rd floor?", True),
        ("Will you keep in mind that we eat at seven?", True),
        ("can you remember what I said?", False),
        ("do you remember my name?", False),
    ],
)
def test_a_request_to_remember_is_a_statement(text: str, kept: bool):
    assert keeps(text) is kept
    assert (answer(text, facts=(OSLO,)) == "Noted, word for word.") is kept


def test_an_outdated_sentence_answers_who_asks_for_something_else_in_it():
    quote = "my boss Karen hates cilantro"
    gone = {quote: Outdated(said=("Your boss is Karen",), keys=frozenset({"boss"}))}
    text = answer("what does Karen hate?", hits=(hit(quote),), outdated=gone)
    assert f"“{quote}” — you, 10 March 2026 (no longer so: Your boss is Karen)" in text
    assert answer("who is my boss?", hits=(hit(quote),), outdated=gone) == NOTHING
    assert "no longer so" in answer("who was my boss?", hits=(hit(quote),), outdated=gone, past=True)


def test_an_old_secret_is_shown_to_nobody():
    quote = "the wifi password at the cabin is blue7"
    gone = {quote: Outdated(said=("Wifi password: blue7",), keys=frozenset({"wifi"}), secret=True)}
    assert "blue7" not in answer("what about the cabin?", hits=(hit(quote),), outdated=gone, past=True)


def test_a_hit_of_the_turn_of_a_fact_is_quoted_when_it_says_more():
    known = KnownFact(fact=fact("Oslo", quote="I live in Oslo."), statement="You live in Oslo")
    more = hit("I live in Oslo. The flat is on the third floor.", turn_id="t1")
    assert "third floor" in answer("Where do I live?", facts=(known,), hits=(more,))
    same = hit("I live in Oslo.", turn_id="t1")
    assert "Also said" not in answer("Where do I live?", facts=(known,), hits=(same,))


@pytest.mark.parametrize(
    ("question", "statement"),
    [
        ("what's my name?", "My sister's name is Agnes"),
        ("what is my phone number?", "his number is 5551234"),
        ("what's my birthday?", "Lena's birthday is in May"),
    ],
)
def test_what_is_somebody_elses_is_not_mine(question: str, statement: str):
    assert answer(question, hits=(hit(statement, similarity=0.3),)) == NOTHING


def test_a_statement_about_nobody_who_is_asked_for_is_not_quoted():
    about = (frozenset({"brother"}),)
    assert answer("what's my brother called?", hits=(hit("We called a cab"),), about=about) == NOTHING
    assert "Luca" in answer("what's my brother called?", hits=(hit("My brother Luca called"),), about=about)


def test_what_fits_far_worse_than_the_best_is_not_quoted():
    hits = (hit("The ferry leaves at nine.", score=9.0), hit("The ferry is red.", turn_id="t2", score=1.0))
    assert "red" not in answer("When does the ferry leave?", hits=hits)


def test_the_best_of_poor_hits_is_still_quoted():
    hits = (hit("My sister Ruth plays the bassoon.", score=-1.4, similarity=None),)
    assert "bassoon" in answer("Who plays the bassoon?", hits=hits)


def test_a_statement_that_has_more_of_the_question_comes_before_the_facts():
    day = KnownFact(
        fact=fact("3 May", key="wedding_date", quote="our wedding is on 3 May"), statement="Wedding: 3 May"
    )
    budget = hit("The budget for the wedding is 5000.")
    text = answer("what is the wedding budget?", facts=(day,), hits=(budget,))
    assert text.index("5000") < text.index("3 May")
    date = answer("when is the wedding?", facts=(day,), hits=(budget,))
    assert date.index("3 May") < date.index("5000")
