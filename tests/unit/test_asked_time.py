"""What held when: questions about the past are answered by what held then, said in the past."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.asked_time import asked_time, told_of
from hmlr.memory.facts.lookup import score_facts
from hmlr.memory.facts.statement import state_at
from tests.unit.fact_play import START, STEP, play
from tests.unit.making import AT, fact

NOW = START + 10 * STEP  # 31 January 2024
TOLD = [
    "I live in Oslo.",  # 1 January
    "My boss is Karen. I take 20mg lisinopril.",  # 4 January
    "We moved to Bergen on 6 January.",
    "My new boss is Dmitri.",  # 10 January
    "I no longer take lisinopril.",  # 13 January
    "I'm starting at Volvo on 7 March.",
]


def answers(question: str, now: datetime = NOW) -> list[str]:
    known = [each for each in play(TOLD).values() if each.state != "invalidated"]
    facts = told_of(asked_time(question, now), known)
    return [state_at(each, now) for each, _ in score_facts(question, facts, AliasIndex(facts), now)]


@pytest.mark.parametrize(
    ("question", "best"),
    [
        ("where do I live?", "You live in Bergen"),
        ("where did I live before I moved?", "You lived in Oslo (until 6 January 2024)"),
        ("where did I live on 3 January 2024?", "You lived in Oslo (until 6 January 2024)"),
        ("who was my boss on 5 January 2024?", "Your boss was Karen (until 10 January 2024)"),
        ("who was my previous boss?", "Your boss was Karen (until 10 January 2024)"),
        ("who is my boss?", "Your boss is Dmitri"),
        ("who was my boss last week?", "Your boss is Dmitri"),
        (
            "what medication did I use to take, what was my old medication?",
            "You took 20mg lisinopril (until 13 January 2024)",
        ),
    ],
)
def test_the_time_that_is_asked(question: str, best: str) -> None:
    assert answers(question)[0] == best


def test_what_has_not_begun_is_said_so() -> None:
    assert answers("who do I work for?")[0] == "You work for Volvo (from 7 March 2024)"
    assert answers("who do I work for?", NOW + 30 * STEP)[0] == "You work for Volvo"


def test_what_is_over_is_not_the_present() -> None:
    over = fact("alcohol until 2024-01-20", key="does_not_drink", valid_from=START, valid_to=START + 5 * STEP)
    assert told_of(asked_time("can I drink?", NOW), [over]) == []
    assert told_of(asked_time("can I drink?", START + STEP), [over]) == [over]


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("what's my old wifi password?", "before"),
        ("how old am I?", "now"),
        ("what did we eat last week?", "then"),
        ("what's my last name?", "now"),
        ("am I free next week?", "now"),
        ("what do I do on 3 May 2030?", "now"),
        ("where did I work before Acme?", "before"),
    ],
)
def test_the_kind_of_time(question: str, kind: str) -> None:
    assert asked_time(question, NOW).kind == kind


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"key": "lives_in"}, "You lived in Oslo (until 10 March 2026)"),
        ({"key": "employer"}, "You worked for Oslo (until 10 March 2026)"),
        ({"key": "owns"}, "You owned: Oslo (until 10 March 2026)"),
        ({"key": "job", "subject": "Bea"}, "Bea worked as Oslo (until 10 March 2026)"),
        ({"key": "favourite_city"}, "Your favourite city was Oslo (until 10 March 2026)"),
        ({"key": "does_not_eat"}, "You didn't eat Oslo (until 10 March 2026)"),
    ],
)
def test_statements_in_the_past(given: dict[str, str], text: str) -> None:
    held = fact("Oslo", valid_from=AT - timedelta(days=9), valid_to=AT, **given)
    assert state_at(held, AT + timedelta(days=1)) == text


def test_a_zone_makes_no_difference() -> None:
    assert asked_time("where did I live in 2020?", datetime(2024, 1, 1, tzinfo=UTC)).kind == "then"


def test_time_is_linear_in_the_facts() -> None:
    facts = [
        fact(
            f"city {number}",
            subject=f"friend {number}",
            key="lives_in",
            state=state,
            valid_from=START,
            valid_to=START + STEP if state == "superseded" else None,
        )
        for number in range(4000)
        for state in ("active", "superseded")
    ]
    begun = time.perf_counter()
    found = told_of(asked_time("where did they live before?", NOW), facts)
    assert {each.state for each in found} == {"superseded"}
    assert time.perf_counter() - begun < 5  # about 0.1 s; each beside each takes half a minute
