"""The day of an appointment, told as people say it on Monday, 6 October 2025: "it is on Friday"."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.fact_play import active, drafts, held, play

MONDAY = datetime(2025, 10, 6, 9, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "key", "value"),
    [
        ("My dentist appointment is on Friday.", "dentist_appointment_date", "Friday, 2025-10-10"),
        ("My flight is Sunday", "flight_date", "Sunday, 2025-10-12"),
        ("My party is on Saturday evening", "party_date", "Saturday evening, 2025-10-11"),
        (
            "The project meeting was moved to Tuesday at 4pm",
            "project_meeting_date",
            "Tuesday at 4pm, 2025-10-07",
        ),
        ("The exam was moved from Monday to Thursday", "exam_date", "Thursday, 2025-10-09"),
        ("The exam was scheduled for Wednesday", "exam_date", "Wednesday, 2025-10-08"),
        ("I have a job interview on Friday.", "event", "job interview (Friday, 2025-10-10)"),
    ],
)
def test_a_weekday_is_that_of_the_week_to_come(content: str, key: str, value: str) -> None:
    assert (key, value) in held(content, occurred_at=MONDAY)


def test_what_is_left_out_until_a_weekday_ends_in_the_coming_week() -> None:
    (left_out,) = drafts("No wine until Friday.", occurred_at=MONDAY)
    assert left_out.value == "wine until 2025-10-10"
    assert left_out.valid_to == datetime(2025, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "value"),
    [("My exam is on Monday", "Monday, 2025-10-13"), ("My exam is today at 8am", "today at 8am, 2025-10-06")],
)
def test_the_weekday_of_today_is_a_week_ahead_for_today_is_called_so(content: str, value: str) -> None:
    assert ("exam_date", value) in held(content, occurred_at=MONDAY)


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("The meeting was on Friday", "Friday, 2025-10-03"),
        ("The meeting was Friday", "Friday, 2025-10-03"),
        ("The meeting was last Friday", "last Friday, 2025-10-03"),
    ],
)
def test_the_weekday_of_what_was_lies_behind(content: str, value: str) -> None:
    assert ("meeting_date", value) in held(content, occurred_at=MONDAY)


def test_a_day_of_a_month_is_that_of_the_year_to_come() -> None:
    assert ("flight_date", "3 May, 2026-05-03") in held("My flight is on 3 May", occurred_at=MONDAY)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ("The deadline for the report is Wednesday.", ("deadline_for_report_date", "Wednesday, 2025-10-08")),
        ("The deadline of the grant is now 3 May.", ("deadline_grant_date", "3 May, 2026-05-03")),
        ("My mother's birthday is on 1 October.", ("mother_birthday", "1 October")),
        ("Tom's birthday is on 1 October.", ("birthday", "1 October")),
        ("My son's birthday is tomorrow.", ("son_birthday_date", "tomorrow, 2025-10-07")),
        ("My wedding anniversary is on 4 May.", ("wedding_anniversary_date", "4 May")),
        ("Our anniversary dinner is on 4 May.", ("anniversary_dinner_date", "4 May, 2026-05-04")),
    ],
)
def test_a_day_is_one_fact_and_one_that_comes_every_year_has_no_year(
    content: str, fact: tuple[str, str]
) -> None:
    assert held(content, occurred_at=MONDAY) == {fact}


def test_a_deadline_that_is_told_in_other_words_is_the_same() -> None:
    facts = play(["The report deadline is 3 March.", "The deadline for the report was moved to 8 March."])
    assert active(facts, "report_deadline_date") == ["8 March, 2024-03-08"]
    assert len(facts) == 2
