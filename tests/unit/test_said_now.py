"""What is said to have changed takes the place of the value it changes, and of no other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED
from tests.unit.fact_play import START, Facts, active, drafts, learn, play, said


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


@pytest.mark.parametrize(
    ("first", "later", "value"),
    [
        ("The Atlas budget is 65,000 euros.", "The Atlas budget was cut to 8k euros.", "8k euros"),
        ("The budget for project Atlas is 50k.", "The Atlas budget was raised to 65,000.", "65,000"),
        ("Atlas's budget is 50k.", "The Atlas budget has been slashed from 50k to 9k.", "9k"),
        ("The project Atlas budget is 50k.", "Finance increased the Atlas budget to 65k.", "65k"),
        ("The budget of Atlas is 50k.", "The Atlas budget went up to 70k.", "70k"),
    ],
)
def test_a_limit_of_one_name_is_raised_and_cut(first: str, later: str, value: str) -> None:
    assert active(play([first, later]), "limit") == [value]


@pytest.mark.parametrize(
    "later",
    [
        "The Helix budget was raised to 65,000.",
        "The Atlas travel budget was cut to 500 euros.",
        "The Atlas budget was not cut to 8k.",
        "The Atlas budget might be cut to 8k.",
        "The Atlas budget was cut in 2025.",
    ],
)
def test_a_limit_of_another_stays(later: str) -> None:
    assert "50k" in active(play(["The Atlas budget is 50k.", later]), "limit")


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ("The API rate limit is 100 requests per minute.", "api_rate_limit"),
        ("The March budget is 50k.", "march_limit"),
        ("Our Q3 budget is 50k.", "q3_limit"),
    ],
)
def test_an_acronym_and_a_time_have_no_budget_of_their_own(content: str, key: str) -> None:
    (told,) = drafts(content)
    assert (told.subject, told.key) == (UNNAMED, key)


@pytest.mark.parametrize(
    "later",
    [
        "No wait, it was raised to 62,000, not 65,000.",
        "It's 62,000, not 65,000.",
        "It was 62,000 instead of 65,000",
    ],
)
def test_an_amount_is_put_right(later: str) -> None:
    facts = play(["The Atlas budget was raised to 65,000 euros.", later])
    assert active(facts, "limit") == ["62,000 euros"]
    assert [f.state for f in facts.values() if f.value == "65,000 euros"] == ["invalidated"]


def test_a_number_that_is_put_right_keeps_its_unit() -> None:
    facts = play(["The volume is 4,000 records a day.", "It is 5,000, not 4,000 records a day."])
    assert active(facts, "volume_per_day") == ["5,000 records a day"]


@pytest.mark.parametrize("later", ["She was 62, not 65.", "It was raised to 62, not 65."])
def test_a_part_of_a_number_is_not_that_number(later: str) -> None:
    assert active(play(["The Atlas budget was raised to 65,000 euros.", later]), "limit") == ["65,000 euros"]


@pytest.mark.parametrize(
    ("first", "later", "key", "value"),
    [
        ("My gym locker code is 4455.", "The locker code is 9988 now.", "locker_code_gym", "9988"),
        ("My gym locker code is 4455.", "The locker code was changed to 777.", "locker_code_gym", "777"),
        (
            "My bike lock combination is 4455.",
            "The lock combination is 9988 these days.",
            "lock_combination_bike",
            "9988",
        ),
        ("The door code is 1111.", "The door code is 2222 now.", "door_code", "2222"),
    ],
)
def test_the_one_code_of_a_kind_has_another_value_now(first: str, later: str, key: str, value: str) -> None:
    facts = play([first, later])
    assert active(facts, key) == [value]
    assert len([f for f in facts.values() if f.state == "active"]) == 1


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("My gym locker code is 4455.", "The locker code is 9988."),
        ("My gym locker code is 4455.", "The school locker code is 9988 now."),
        ("My gym locker code is 4455.", "The door code is 9988 now."),
        ("My gym locker code is 4455. My work locker code is 1234.", "The locker code is 9988 now."),
    ],
)
def test_a_code_stays_when_another_may_be_meant(first: str, later: str) -> None:
    assert active(play([first, later]), "locker_code_gym") == ["4455"]


def _told_soon(*contents: str, every: timedelta = timedelta(minutes=5)) -> Facts:
    facts: Facts = {}
    for number, content in enumerate(contents):
        at = START + every * number
        learn(facts, said(content, number, occurred_at=at, recorded_at=at))
    return facts


@pytest.mark.parametrize(
    ("first", "later", "key", "value"),
    [
        (
            "My Netflix password is Blue9Sky.",
            "Forget that, it's actually Blue10Sky.",
            "password_netflix",
            "Blue10Sky",
        ),
        ("My PIN is 1111.", "Scratch that, it's actually 2222.", "pin", "2222"),
        ("My PIN is 1111.", "No wait, strike that - it's 2222!", "pin", "2222"),
        ("My exam is on 3 May.", "Scratch that, it's on 5 May.", "exam_date", "5 May, 2024-05-05"),
        ("My dentist is Dr Holm.", "Correction: it's Dr Berg.", "dentist", "Dr Berg"),
        ("The Atlas budget is 65,000 euros.", "Scratch that, it's 62,000.", "limit", "62,000 euros"),
    ],
)
def test_what_was_said_last_is_put_right(first: str, later: str, key: str, value: str) -> None:
    facts = _told_soon("I live in Oslo.", first, later)
    assert active(facts, key) == [value]
    assert [f.value for f in facts.values() if f.state == "invalidated"] != []
    assert active(facts, "lives_in") == ["Oslo"]


@pytest.mark.parametrize(
    ("first", "later"),
    [
        ("My PIN is 1111.", "Forget that, it's actually raining."),
        ("My PIN is 1111.", "Forget that, it's not 2222."),
        ("My PIN is 1111.", "Forget that, it's actually 35."),
        ("My name is Ada.", "Forget that, it's actually Friday."),
        ("I am 34.", "Forget that, it's actually 5 pm already."),
        ("My favourite colour is green.", "Forget that, it's actually late."),
        ("I'm allergic to nuts.", "Forget that, it's actually shellfish."),
        ("My PIN is 1111. My door code is 2222.", "Scratch that, it's actually 3333."),
    ],
)
def test_what_was_said_last_stays_when_something_else_may_be_meant(first: str, later: str) -> None:
    facts = _told_soon(first, later)
    assert {f.state for f in facts.values()} == {"active"}
    assert all(f.quote in first for f in facts.values())


def test_that_is_what_was_said_last_and_not_long_ago() -> None:
    later = "Scratch that, it's actually 2222."
    assert active(_told_soon("My PIN is 1111.", "I live in Oslo.", later), "pin") == ["1111"]
    assert active(_told_soon("My PIN is 1111.", later, every=timedelta(days=2)), "pin") == ["1111"]
