"""Times that are named by what happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hmlr.memory.retrieval.moments import Event, bounds_of, event_named, order_asked, telling
from tests.unit.making import AT, hit

EVENTS = [
    ("Where did I work before I moved?", "I moved", True),
    ("Before the move, where did I work?", "the move", True),
    ("What did we eat after the wedding?", "the wedding", False),
    ("Who has called since the accident in the garage?", "the accident in the garage", False),
    ("What was I paid until the merger?", "the merger", True),
    ("What did I say after the talk before the dinner?", "the talk", False),
]
NO_EVENTS = [
    "Where did I live before May 2023?",
    "What should I do after the wedding?",
    "What did I do after that?",
    "Where do I live?",
    "Did I see it before?",
    "After how many weeks did I move?",
    "",
]


@pytest.mark.parametrize(("question", "clause", "before"), EVENTS)
def test_an_event_that_bounds_the_time(question: str, clause: str, before: bool) -> None:
    assert event_named(question, AT) == Event(clause=clause, before=before)


@pytest.mark.parametrize("question", NO_EVENTS)
def test_no_event(question: str) -> None:
    assert event_named(question, AT) is None


def test_the_event_is_when_the_statement_says_it_was() -> None:
    moved = hit("Here we are. We moved yesterday.", occurred_at=AT)
    day = AT.replace(hour=0) - timedelta(days=1)
    assert bounds_of(Event(clause="we moved", before=False), moved).since == day
    assert bounds_of(Event(clause="we moved", before=True), moved).until == day + timedelta(days=1)


def test_without_a_date_in_it_the_event_is_when_it_was_told() -> None:
    moved = hit("We moved!", occurred_at=AT)
    after, before = (bounds_of(Event(clause="we moved", before=side), moved) for side in (False, True))
    assert (after.since, after.until) == (AT, None)
    assert (before.since, before.until) == (None, AT)


def test_a_hit_tells_of_an_event_when_it_is_near_or_shares_its_words() -> None:
    event = Event(clause="the wedding in Bergen", before=False)
    near, far = hit("Nice cake.", similarity=0.5), hit("The wedding in Bergen was lovely.", similarity=0.1)
    assert (telling(event, [near]), telling(event, [far]), telling(event, [])) == (near, None, None)
    shared, other = hit("Lovely wedding in May!", similarity=None), hit("Lovely cake!", similarity=None)
    assert (telling(event, [shared]), telling(event, [other])) == (shared, None)


def test_an_event_that_may_be_any_of_several_bounds_nothing() -> None:
    event = Event(clause="the rain", before=False)
    best = hit("Rain!", similarity=0.6, score=5.0)
    for days, score, clear in ((90, 4.5, False), (90, 3.5, True), (1, 4.5, True)):
        other = hit("More rain.", similarity=0.6, score=score, occurred_at=AT - timedelta(days=days))
        assert (telling(event, [best, other]) is not None) == clear


@pytest.mark.parametrize(
    ("question", "order"),
    [
        ("When did I first go climbing?", "first"),
        ("Where was the first time we met?", "first"),
        ("What was my earliest job?", "first"),
        ("When did I last see Ana?", "last"),
        ("When was the last time I saw Ana?", "last"),
        ("What is my latest project?", "last"),
        ("What did I do last week?", None),
        ("When did I go there last summer?", None),
        ("What's my first name?", None),
        ("When does my first sprint end?", None),
        ("Where do I live?", None),
    ],
)
def test_order_that_is_asked_for(question: str, order: str | None) -> None:
    assert order_asked(question) == order
