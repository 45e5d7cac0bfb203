"""Which facts cannot both hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.contradictions import contradictions, differ
from hmlr.records import Fact
from tests.unit.fact_play import START, STEP, active, play
from tests.unit.making import fact

NOW = START + 50 * STEP


def _found(facts: list[Fact], aliases: AliasIndex | None = None) -> list[tuple[str, str]]:
    return [
        (each.one.value, each.other.value) for each in contradictions(facts, aliases or AliasIndex(), NOW)
    ]


def test_two_birthdays_stay_side_by_side_as_a_contradiction() -> None:
    facts = play(["My birthday is 4 May.", "Nice day.", "My birthday is 5 May."])
    assert active(facts, "birthday") == ["4 May", "5 May"]
    assert _found([*facts.values()]) == [("4 May", "5 May")]


def test_said_to_be_wrong_is_no_contradiction() -> None:
    facts = play(["My birthday is 4 May.", "My birthday is 5 May, not 4 May."])
    assert active(facts, "birthday") == ["5 May"]
    assert _found([*facts.values()]) == []


def test_a_day_written_otherwise_is_the_same_day() -> None:
    facts = play(["My birthday is 4 May.", "My birthday is the 4th of May."])
    assert _found([*facts.values()]) == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Bergen", "Bergen, Norway", False),
        ("Bergen", "Oslo", True),
        ("4 May", "May 4th", False),
        ("4 May", "5 May", True),
        ("4.85 million", "4,850,000", False),
    ],
)
def test_more_exact_is_not_different(one: str, other: str, expected: bool) -> None:
    assert differ(one, other) is expected


def test_liked_and_disliked() -> None:
    liked = fact("opera", key="likes", fact_id="a")
    hated = fact("opera", key="dislikes", fact_id="b", valid_from=liked.valid_from + STEP)
    other = fact("chess", key="dislikes", fact_id="c")
    assert _found([liked, hated, other]) == [("opera", "opera")]


def test_drunk_and_left_out() -> None:
    drunk = fact("coffee", key="drinks", fact_id="a")
    shunned = fact("coffee", key="does_not_drink", fact_id="b", valid_from=drunk.valid_from + STEP)
    assert _found([drunk, shunned]) == [("coffee", "coffee")]


def test_what_is_no_longer_drunk_is_no_contradiction() -> None:
    facts = play(["I've started drinking coffee.", "I don't drink coffee."])
    assert active(facts, "drinks") == []
    assert active(facts, "does_not_drink") == ["coffee"]


def test_names_of_one_thing_are_one_subject() -> None:
    aliases = AliasIndex([fact("K-12", key="also_called", subject="Styx", category="alias")])
    one = fact("400 a day", key="limit", subject="Styx", fact_id="a")
    other = fact("900 a day", key="limit", subject="k-12", fact_id="b")
    assert _found([one, other], aliases) == [("400 a day", "900 a day")]
    assert _found([one, other]) == []


def test_one_after_the_other_is_none() -> None:
    past = fact("Oslo", fact_id="a", valid_from=START, valid_to=NOW + STEP)
    future = fact("Bergen", fact_id="b", valid_from=NOW + STEP)
    assert _found([past, future]) == []
    assert _found([past, replace(future, valid_from=START + STEP)]) == [("Oslo", "Bergen")]
