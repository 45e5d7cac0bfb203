"""What is said to have changed takes the place of the value it changes, and of no other."""

from __future__ import annotations

import pytest

from tests.unit.fact_play import active, play


@pytest.mark.parametrize(
    "later",
    [
        "I love olives now.",
        "I like olives these days.",
        "I now like olives.",
        "I like olives a lot now.",
        "I'm a fan of olives now.",
        "I've come to love olives.",
        "I like olives again.",
    ],
)
def test_who_likes_it_now_no_longer_dislikes_it(later: str) -> None:
    facts = play(["I hate olives.", later])
    assert (active(facts, "dislikes"), active(facts, "likes")) == ([], ["olives"])


@pytest.mark.parametrize("later", ["I hate olives now.", "I now dislike olives.", "I don't like olives now."])
def test_who_dislikes_it_now_no_longer_likes_it(later: str) -> None:
    facts = play(["I love olives.", later])
    assert (active(facts, "dislikes"), active(facts, "likes")) == (["olives"], [])


@pytest.mark.parametrize(
    "later", ["I love olives.", "I love green olives now.", "I love capers now.", "I love Apocalypse Now."]
)
def test_a_dislike_stays_when_nothing_is_said_to_have_changed_of_it(later: str) -> None:
    assert active(play(["I hate olives.", later]), "dislikes") == ["olives"]


def test_a_narrower_dislike_and_another_liking_stay() -> None:
    facts = play(["I hate green olives.", "I like chess.", "I love olives now."])
    assert active(facts, "dislikes") == ["green olives"]
    assert active(facts, "likes") == ["chess", "olives"]


def test_what_is_preferred_now_is_named_without_the_now() -> None:
    facts = play(["I prefer short answers.", "I prefer tea now."])
    assert active(facts, "prefers") == ["short answers", "tea"]


@pytest.mark.parametrize(
    ("later", "value"),
    [
        ("My doctor increased my lisinopril to 40 mg.", "40 mg of lisinopril"),
        ("My lisinopril was cut to 10 mg twice a day.", "10 mg of lisinopril twice a day"),
        ("They raised my dose of lisinopril from 20 mg to 30 mg.", "30 mg of lisinopril"),
        ("My lisinopril is 40 mg now.", "40 mg of lisinopril"),
        ("My lisinopril dose is now 40 mg.", "40 mg of lisinopril"),
        ("I take 100 mg of lisinopril daily now.", "100 mg of lisinopril daily"),
        ("I'm up to 40 mg of lisinopril.", "40 mg of lisinopril"),
        ("The doctor has me on 40 mg of lisinopril now.", "40 mg of lisinopril"),
    ],
)
def test_a_new_dose_takes_the_place_of_the_old_one(later: str, value: str) -> None:
    facts = play(["I take 20 mg of lisinopril daily. I take 5 mg of amlodipine.", later])
    assert active(facts, "medication") == ["5 mg of amlodipine", value]


@pytest.mark.parametrize(
    "later",
    [
        "I take 50 mg of sertraline now.",
        "My lisinopril was not increased to 40 mg.",
        "My GP might increase my lisinopril to 40 mg.",
        "My doctor increased my lisinopril.",
        "The vet increased my dog's lisinopril to 5 mg.",
        "I take 10 mg of lisinopril at night.",
        "I take lisinopril now.",
    ],
)
def test_a_dose_stays_when_no_other_is_told_in_its_place(later: str) -> None:
    assert "20 mg of lisinopril daily" in active(
        play(["I take 20 mg of lisinopril daily.", later]), "medication"
    )


@pytest.mark.parametrize(
    "said", ["My coach increased my protein to 100 mg.", "My boss raised my pay to 50 k."]
)
def test_what_else_is_increased_is_no_medicine(said: str) -> None:
    assert active(play([said]), "medication") == []
