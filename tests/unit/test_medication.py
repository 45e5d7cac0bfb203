"""Medicines, things left out for a time, standing wishes, and what others can't stand."""

from __future__ import annotations

import pytest

from tests.unit.fact_play import active, drafts, held, play


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("I take 50mg sertraline every morning", "50mg sertraline every morning"),
        ("can you remember i take 20 mg lisinopril?", "20 mg lisinopril"),
        ("I'm on metformin", "metformin"),
        ("My doctor put me on warfarin", "warfarin"),
        ("I use insulin twice a day", "insulin twice a day"),
        ("I was prescribed amoxicillin", "amoxicillin"),
        ("I take ibuprofen for my back", "ibuprofen"),
    ],
)
def test_a_medicine_is_a_constraint(content: str, value: str) -> None:
    assert ("medication", value) in held(content)
    assert {d.category for d in drafts(content) if d.key == "medication"} == {"constraint"}


@pytest.mark.parametrize(
    "content",
    [
        "I take the bus every day",
        "I take two sugars",
        "I'm on holiday",
        "I use a pen",
        "I don't take aspirin",
        "I take it back",
        "I was given a book",
    ],
)
def test_other_things_that_are_taken_are_no_medicine(content: str) -> None:
    assert "medication" not in {key for key, _ in held(content)}


@pytest.mark.parametrize(
    "content",
    [
        "I no longer take sertraline, doctor took me off it in may",
        "I stopped taking sertraline",
        "I'm off sertraline now",
        "My doctor took me off sertraline",
        "I don't take sertraline any more",
    ],
)
def test_a_medicine_ends(content: str) -> None:
    assert active(play(["I take 50mg sertraline.", content]), "medication") == []


@pytest.mark.parametrize(
    ("content", "key", "value", "end"),
    [
        ("I'm on amoxicillin until 30 January so no alcohol till then", "does_not_drink",
         "alcohol until 2024-01-30", "2024-01-31"),
        ("I'm on amoxicillin until 30 January so no alcohol till then", "medication",
         "amoxicillin until 2024-01-30", "2024-01-31"),
        ("I broke my leg so no skiing until 3 March", "avoids", "skiing until 2024-03-03", "2024-03-04"),
        ("No dairy until 5 February", "does_not_eat", "dairy until 2024-02-05", "2024-02-06"),
    ],
)  # fmt: skip
def test_what_is_left_out_for_a_time_has_an_end(content: str, key: str, value: str, end: str) -> None:
    (draft,) = [d for d in drafts(content) if (d.key, d.value) == (key, value)]
    assert draft.valid_to is not None
    assert f"{draft.valid_to:%Y-%m-%d}" == end


def test_no_idea_is_nothing_left_out() -> None:
    assert held("I have no idea until Monday") == set()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("I stopped eating meat", {("does_not_eat", "meat")}),
        ("I've stopped eating meat since easter, fish is still ok", {("does_not_eat", "meat")}),
        ("I avoid dairy because it upsets me", {("does_not_eat", "dairy")}),
        ("I don't eat pork or beef, chicken is fine", {("does_not_eat", "pork"), ("does_not_eat", "beef")}),
        ("I quit coffee", {("does_not_drink", "coffee")}),
        ("I've given up alcohol for Lent", {("does_not_drink", "alcohol")}),
        ("I don't eat meat this week", set()),
    ],
)
def test_foods_are_named_without_what_is_said_beside(content: str, found: set[tuple[str, str]]) -> None:
    assert held(content) == found


@pytest.mark.parametrize(
    ("content", "subject", "key", "value"),
    [
        ("Ola is allergic to hazelnuts so the cake can't have any", "Ola", "allergy", "hazelnuts"),
        ("Tim is allergic to cats and dust, sadly", "Tim", "allergy", "cats and dust"),
        ("my boss Karen hates cilantro lol", "Karen", "dislikes", "cilantro"),
        ("My mother, Halina, is scared of flying", "Halina", "fears", "flying"),
        ("My sister's name is Agnes and she is a vet in Ghent", "Agnes", "job", "vet"),
        ("Anna is my cousin. She lives in Rome.", "Anna", "lives_in", "Rome"),
        ("ola's birthday is the 3rd of november", "Ola", "birthday", "the 3rd of november"),
        ("Priya loves old trains", "Priya", "likes", "old trains"),
        ("Idris hates broccoli but loves olives", "Idris", "likes", "olives"),
        ("my uncle Kees is tall and works as a train driver", "Kees", "job", "train driver"),
        ("my son Idris is 7 and he can't have sesame", "Idris", "age", "7"),
        ("my son Idris is 7 and he can't have sesame", "Idris", "does_not_eat", "sesame"),
    ],
)
def test_what_is_told_of_others(content: str, subject: str, key: str, value: str) -> None:
    assert (subject, key, value) in {(d.subject, d.key, d.value) for d in drafts(content)}


@pytest.mark.parametrize(
    "content", ["She lives in Rome.", "Anna met Bea. She lives in Rome.", "He is a vet."]
)
def test_nobody_knows_whom_she_means(content: str) -> None:
    assert held(content) == set()


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        ("call me Tomasz pls", "call_me", "Tomasz"),
        ("Call me Ishmael.", "call_me", "Ishmael"),
        ("everybody calls me Tomek", "call_me", "Tomek"),
        ("I go by Sam.", "call_me", "Sam"),
        ("Dont ever call me Bob pls, only my grandma does.", "do_not_call_me", "Bob"),
        ("And keep answers short", "instruction", "keep answers short"),
        ("No emojis please", "instruction", "No emojis please"),
        ("Use metric units", "instruction", "Use metric units"),
        ("Answer in German.", "instruction", "Answer in German"),
        ("keep your replies under 100 words", "instruction", "keep your replies under 100 words"),
    ],
)
def test_standing_wishes(content: str, key: str, value: str) -> None:
    assert (key, value) in held(content)


@pytest.mark.parametrize(
    "content", ["They call me Ace.", "write a poem about rain", "Answer me!", "keep the change", "make tea"]
)
def test_a_single_order_is_no_standing_wish(content: str) -> None:
    assert held(content) == set()


@pytest.mark.parametrize(
    ("content", "letters", "long"),
    [
        (
            "SLA for us means the settlement latency agreement btw: 99.5%",
            "SLA",
            "settlement latency agreement",
        ),
        ("OKR means objectives and key results", "OKR", "objectives and key results"),
    ],
)
def test_letters_that_mean_words(content: str, letters: str, long: str) -> None:
    assert (letters, "stands_for", long) in {(d.subject, d.key, d.value) for d in drafts(content)}
    assert held("AI means a lot to me") == set()
