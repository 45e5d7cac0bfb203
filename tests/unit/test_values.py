"""When two values are one: numbers and units however they are written, and what only looks alike."""

from __future__ import annotations

import pytest

from hmlr.memory.facts.values import fold_value
from tests.unit.fact_play import drafts, play

SAME = (
    ("4.85 million", "4,850,000"),
    ("4,850,000", "4 850 000"),
    ("4 850 000", "4\u202f850\u202f000"),
    ("4.850.000", "4'850'000"),
    ("4,85 million", "4.85M"),
    ("4850k records per day", "4.85 million records/day"),
    ("5k EUR", "€5,000"),
    ("5 000 euros", "5000 eur"),
    ("$5k", "5,000 dollars"),
    ("10GB", "10 GB"),
    ("1,234,567,890,123,456,789", "1 234 567 890 123 456 789"),
)
LOOKING_ALIKE = (
    ("4.85 million", "4.58 million"),
    ("4,850,000", "4,580,000"),
    ("4.85 million", "48.5 million"),
    ("4.85 million records/day", "4.85 million objects/day"),
    ("4.85 million records/day", "4.85 million records/hour"),
    ("4.85 million", "4.85 million records"),  # nobody has said of what
    ("5k EUR", "5k USD"),
    ("€5,000", "$5,000"),
    ("10 GB", "10 Gb"),
    ("10 GB", "10 GiB"),
    ("1.234", "1,234"),
    ("1,234,567,890,123,456,789", "1,234,567,890,123,456,788"),
    ("007", "7"),
    ("0 850 000", "850,000"),
)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_value(one: str, other: str) -> None:
    assert fold_value(one) == fold_value(other)


@pytest.mark.parametrize(("one", "other"), LOOKING_ALIKE)
def test_another_value(one: str, other: str) -> None:
    assert fold_value(one) != fold_value(other)


def states(*said: str) -> list[tuple[str, str, int]]:
    return [(fact.value, fact.state, fact.confirmations) for fact in play(said).values()]


def test_a_value_in_other_figures_is_said_again_and_replaces_nothing() -> None:
    assert states(
        "Cerberus carries 4,850,000 records per day.",
        "The final volume of Cerberus, signed off today, is 4.85 million records/day.",
        "The volume of Cerberus is now 4 850 000 records per day.",
    ) == [("4,850,000 records per day", "active", 2)]


def test_the_exact_word_takes_the_place_of_a_number_that_may_be_rounded() -> None:
    assert states(
        "Cerberus carries 4.85 million records per day.",
        "The final volume of Cerberus, signed off today, is 4,850,000 records/day.",
        "Cerberus carries 4.85 million records per day.",
    ) == [("4.85 million records per day", "superseded", 0), ("4,850,000 records/day", "active", 1)]


@pytest.mark.parametrize(
    "said",
    [
        ("The travel limit is 5k EUR.", "The travel limit is now 5k USD."),
        (
            "Cerberus carries 4.85 million records per day.",
            "Cerberus now carries 4.58 million records per day.",
        ),
        ("The rate limit is 10 GB/day.", "The rate limit is now 10 Gb/day."),
    ],
)
def test_what_only_looks_alike_replaces(said: tuple[str, str]) -> None:
    assert [state for _, state, _ in states(*said)] == ["superseded", "active"]


def test_a_value_that_comes_back_replaces_what_was_between() -> None:
    found = states(
        "The rate limit is 5,000 requests per day.",
        "The rate limit is now 6,000 requests per day.",
        "The rate limit is now 5k requests per day.",
    )
    assert [(value.split()[0], state) for value, state, _ in found] == [
        ("5,000", "superseded"), ("6,000", "superseded"), ("5k", "active"),
    ]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), [("pw-5k", "pw-5000"), ("aBcd-77", "abcd-77")])
def test_of_a_secret_every_character_counts(old: str, new: str) -> None:
    found = states(f"The wifi password is {old}.", f"The wifi password is now {new}.")
    assert [(value, state) for value, state, _ in found] == [(old, "superseded"), (new, "active")]


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("Styx has a limit of 400 GB.", ("Styx", "limit", "400 GB")),
        ("The limit of Styx is 10 000 objects/s.", ("Styx", "limit", "10 000 objects/s")),
        (
            "The rate limit of Styx is 1 500 000 rows per day.",
            ("Styx", "rate_limit", "1 500 000 rows per day"),
        ),
    ],
)
def test_a_limit_is_read_with_its_whole_number(said: str, limit: tuple[str, str, str]) -> None:
    assert [(draft.subject, draft.key, draft.value) for draft in drafts(said)] == [limit]
