"""Dates are resolved against the moment they were said; verbs and names are no dates."""

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hmlr.language.dates import find_dates, question_time

NOW = datetime(2024, 3, 13, 15, 30, tzinfo=UTC)  # a Wednesday


def utc(stamp: str) -> datetime:
    """Return the moment of "2024-03-13" or "2024-03-13T15"."""
    return datetime.fromisoformat(stamp + ":00" * ("T" in stamp)).replace(tzinfo=UTC)


RELATIVE = [
    ("I left yesterday.", "2024-03-12", "2024-03-13", "day"),
    ("the day before yesterday", "2024-03-11", "2024-03-12", "day"),
    ("today's plan", "2024-03-13", "2024-03-14", "day"),
    ("TOMORROW", "2024-03-14", "2024-03-15", "day"),
    ("the day after tomorrow", "2024-03-15", "2024-03-16", "day"),
    ("tonight", "2024-03-13T18", "2024-03-14T06", "hour"),
    ("last night", "2024-03-12T18", "2024-03-13T06", "hour"),
    ("this morning", "2024-03-13T05", "2024-03-13T12", "hour"),
    ("yesterday evening", "2024-03-12T18", "2024-03-13", "hour"),
    ("last Friday night", "2024-03-08T18", "2024-03-09T06", "hour"),
    ("last Friday", "2024-03-08", "2024-03-09", "day"),
    ("last Wednesday", "2024-03-06", "2024-03-07", "day"),
    ("this past Sunday", "2024-03-10", "2024-03-11", "day"),
    ("next Wednesday", "2024-03-20", "2024-03-21", "day"),
    ("next Monday", "2024-03-18", "2024-03-19", "day"),
    ("this Friday", "2024-03-15", "2024-03-16", "day"),
    ("I met Tom on Tuesday", "2024-03-12", "2024-03-13", "day"),
    ("I met Tom on Friday", "2024-03-08", "2024-03-09", "day"),
    ("I'll meet Tom on Friday", "2024-03-15", "2024-03-16", "day"),
    ("See you Friday", "2024-03-15", "2024-03-16", "day"),
    ("I'm meeting Tom on Tuesday", "2024-03-19", "2024-03-20", "day"),
    ("On Friday I'll cook", "2024-03-15", "2024-03-16", "day"),
    ("He was going to call on Friday", "2024-03-08", "2024-03-09", "day"),
    ("Friday last week", "2024-03-08", "2024-03-09", "day"),
    ("on Friday of next week", "2024-03-22", "2024-03-23", "day"),
    ("two Fridays ago", "2024-03-01", "2024-03-02", "day"),
    ("3 days ago", "2024-03-10", "2024-03-11", "day"),
    ("a few days ago", "2024-03-08", "2024-03-12", "day"),
    ("two weeks ago", "2024-02-26", "2024-03-04", "week"),
    ("a couple of weeks ago", "2024-02-26", "2024-03-04", "week"),
    ("two weekends ago", "2024-03-02", "2024-03-04", "weekend"),
    ("a month ago", "2024-02-01", "2024-03-01", "month"),
    ("a year ago", "2023-01-01", "2024-01-01", "year"),
    ("2 hours ago", "2024-03-13T13", "2024-03-13T14", "hour"),
    ("two weeks from now", "2024-03-25", "2024-04-01", "week"),
    ("we will move in two months", "2024-05-01", "2024-06-01", "month"),
    ("last week", "2024-03-04", "2024-03-11", "week"),
    ("this week", "2024-03-11", "2024-03-18", "week"),
    ("next month", "2024-04-01", "2024-05-01", "month"),
    ("last year", "2023-01-01", "2024-01-01", "year"),
    ("last weekend", "2024-03-09", "2024-03-11", "weekend"),
    ("the weekend before last", "2024-03-02", "2024-03-04", "weekend"),
    ("we met the weekend before.", "2024-03-09", "2024-03-11", "weekend"),
    ("the last three weeks", "2024-02-21", "2024-03-14", "week"),
    ("the next 2 days", "2024-03-13", "2024-03-16", "day"),
    ("last spring", "2023-03-01", "2023-06-01", "season"),
    ("last winter", "2023-12-01", "2024-03-01", "season"),
    ("this spring", "2024-03-01", "2024-06-01", "season"),
    ("next summer", "2024-06-01", "2024-09-01", "season"),
    ("the summer of 2022", "2022-06-01", "2022-09-01", "season"),
]
ABSOLUTE = [
    ("in May", "2023-05-01", "2023-06-01", "month"),
    ("in March", "2024-03-01", "2024-04-01", "month"),
    ("we'll go in May", "2024-05-01", "2024-06-01", "month"),
    ("last March", "2023-03-01", "2023-04-01", "month"),
    ("next May", "2024-05-01", "2024-06-01", "month"),
    ("the first week of May", "2023-05-01", "2023-06-01", "month"),
    ("July was hot", "2023-07-01", "2023-08-01", "month"),
    ("May 2023", "2023-05-01", "2023-06-01", "month"),
    ("may 2023", "2023-05-01", "2023-06-01", "month"),
    ("2023-05", "2023-05-01", "2023-06-01", "month"),
    ("7 May 2023", "2023-05-07", "2023-05-08", "day"),
    ("the 7th of May, 2023", "2023-05-07", "2023-05-08", "day"),
    ("May 7th", "2023-05-07", "2023-05-08", "day"),
    ("on may 7", "2023-05-07", "2023-05-08", "day"),
    ("March 13", "2024-03-13", "2024-03-14", "day"),
    ("March 14", "2023-03-14", "2023-03-15", "day"),
    ("May 7-9, 2023", "2023-05-07", "2023-05-10", "day"),
    ("Dec. 5, 2022", "2022-12-05", "2022-12-06", "day"),
    ("on Friday, May 12", "2023-05-12", "2023-05-13", "day"),
    ("2023-05-07", "2023-05-07", "2023-05-08", "day"),
    ("2023/05/07", "2023-05-07", "2023-05-08", "day"),
    ("07/05/2023", "2023-07-05", "2023-07-06", "day"),
    ("13/05/2023", "2023-05-13", "2023-05-14", "day"),
    ("07.05.2023", "2023-05-07", "2023-05-08", "day"),
    ("5/7/23", "2023-05-07", "2023-05-08", "day"),
    ("2023年5月7日", "2023-05-07", "2023-05-08", "day"),
    ("1 March 2025", "2025-03-01", "2025-03-02", "day"),
    ("29 February", "2024-02-29", "2024-03-01", "day"),
    ("since 2019", "2019-01-01", "2020-01-01", "year"),
    ("in early 2021", "2021-01-01", "2022-01-01", "year"),
    ("2019-2021", "2019-01-01", "2022-01-01", "year"),
    ("in the 1990s", "1990-01-01", "2000-01-01", "decade"),
    ("the 80s", "1980-01-01", "1990-01-01", "decade"),
]
NO_DATES = [
    "I may go, he may 7 times march 10 miles; they march on.",
    "Maybe the second sun is nice. She sat in the sun.",
    "I lived there for three years; I finished it in two weeks.",
    "A gift from April and a message from Jan.",
    "We eat out every Friday, on Fridays.",
    "in 2000 steps, 5 of 2019 people, version 1.2.23, 10.0.0.1, 555-1234-5678",
    "the weekend before the trip",
    "30 February 2023, 31/31/2023, 2023-13-01, 99999 days ago, 9999 years ago",
    "last time, next to me, this is it, the last one, a day, in a week",
    "He works at the Fallon group and falls in spring rolls",
    "",
]


def the_only(text: str, now: datetime = NOW) -> tuple[datetime, datetime, str]:
    (found,) = find_dates(text, now)
    return found.start, found.end, found.precision


@pytest.mark.parametrize(("text", "start", "end", "precision"), RELATIVE + ABSOLUTE)
def test_date(text: str, start: str, end: str, precision: str) -> None:
    assert the_only(text) == (utc(start), utc(end), precision)


@pytest.mark.parametrize("text", NO_DATES)
def test_no_date(text: str) -> None:
    assert find_dates(text, NOW) == []


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("yesterday at 10:30", "2024-03-12T10:30"),
        ("8:56 pm on 20 July, 2023", "2023-07-20T20:56"),
        ("today at 12 am", "2024-03-13T00:00"),
        ("2023-05-07T10:20:00", "2023-05-07T10:20"),
        ("10 minutes ago", "2024-03-13T15:20"),
    ],
)
def test_clock_times(text: str, minute: str) -> None:
    start = datetime.fromisoformat(minute).replace(tzinfo=UTC)
    assert the_only(text) == (start, start + timedelta(minutes=1), "minute")


def test_several_dates_come_in_order_with_their_words() -> None:
    text = "Moved in May 2021, left last week and came back yesterday."
    assert [(d.text, text[slice(*d.at)]) for d in find_dates(text, NOW)] == [
        ("May 2021", "May 2021"),
        ("last week", "last week"),
        ("yesterday", "yesterday"),
    ]


@pytest.mark.parametrize("month", range(1, 13))
def test_last_friday_through_a_year_of_messages(month: int) -> None:
    for day in range(1, 29):
        said = datetime(2023, month, day, 9, tzinfo=UTC)
        start, end, _ = the_only("We met last Friday.", said)
        assert start.weekday() == 4
        assert end - start == timedelta(days=1)
        assert timedelta(0) < said - start <= timedelta(days=7, hours=9)


@pytest.mark.parametrize(
    ("now", "text", "start"),
    [
        ("2024-03-31", "a month ago", "2024-02-01"),
        ("2024-03-31", "the last month", "2024-02-01"),
        ("2023-03-31", "the past 1 months", "2023-02-28"),
        ("2024-02-29", "the past 1 years", "2023-02-28"),
        ("2024-02-29", "a year ago", "2023-01-01"),
        ("2024-01-01", "yesterday", "2023-12-31"),
        ("2023-06-01", "on 29 February", "2020-02-29"),
        ("1903-06-01", "on 29 February", "1896-02-29"),
        ("2024-03-10", "last weekend", "2024-03-02"),
    ],
)
def test_ends_of_months_and_years(now: str, text: str, start: str) -> None:
    assert the_only(text, utc(now))[0] == utc(start)


def test_days_are_those_of_the_zone_it_was_said_in() -> None:
    said = datetime(2024, 3, 13, 1, tzinfo=timezone(timedelta(hours=2)))  # still the 12th in UTC
    start, end, _ = the_only("today", said)
    assert (start, end) == (utc("2024-03-12T22"), utc("2024-03-13T22"))
    spring_forward = datetime(2024, 3, 31, 12, tzinfo=ZoneInfo("Europe/Oslo"))
    start, end, _ = the_only("today", spring_forward)
    assert end - start == timedelta(hours=23)


def test_now_without_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="zone"):
        find_dates("today", NOW.replace(tzinfo=None))


QUESTIONS = [
    ("What did we talk about on Tuesday?", "2024-03-12", "2024-03-13"),
    ("What happened in March?", "2024-03-01", "2024-04-01"),
    ("What did I do yesterday at 5pm?", "2024-03-12", "2024-03-13"),
    ("Where did I live as of June 2023?", None, "2023-07-01"),
    ("What did I say until Friday?", None, "2024-03-09"),
    ("by the end of 2022", None, "2023-01-01"),
    ("What did I eat before last week?", None, "2024-03-04"),
    ("Where have I been since 2019?", "2019-01-01", None),
    ("And after May 7th?", "2023-05-08", None),
    ("from 2020 on", "2020-01-01", None),
    ("between March and May", "2023-03-01", "2023-06-01"),
    ("between May and July 2022", "2022-05-01", "2022-08-01"),
    ("from 2019 to 2021", "2019-01-01", "2022-01-01"),
    ("between Monday and Friday", "2024-03-04", "2024-03-09"),
    ("What did he do the week before August 3, 2023?", "2023-07-27", "2023-08-03"),
    ("the puppy she got two weeks before August 11, 2023", "2023-07-28", "2023-08-04"),
    ("a few days before 3 May 2023", "2023-04-28", "2023-05-02"),
    ("What broke the day after 1 May 2023?", "2023-05-02", "2023-05-03"),
    ("Where was I a month after March 2023?", "2023-04-01", "2023-05-01"),
    ("last weekend before April 10, 2023", "2023-04-08", "2023-04-10"),
    ("the Sunday before October 25, 2022", "2022-10-23", "2022-10-24"),
    ("the Friday after 1 May 2023", "2023-05-05", "2023-05-06"),
    ("in the days before 1 May 2023", None, "2023-05-01"),
    ("0 days before 1 May 2023", None, "2023-05-01"),
]


@pytest.mark.parametrize(("question", "since", "until"), QUESTIONS)
def test_question_time(question: str, since: str | None, until: str | None) -> None:
    query = question_time(question, NOW)
    assert query is not None
    assert query.since == (utc(since) if since else None)
    assert query.until == (utc(until) if until else None)


@pytest.mark.parametrize("question", ["What did I own before I moved?", "May I ask?", ""])
def test_questions_without_time(question: str) -> None:
    assert question_time(question, NOW) is None


WORDS = [
    *(
        "yesterday",
        "today",
        "tonight",
        "last",
        "next",
        "this",
        "the",
        "a",
        "few",
        "couple",
        "of",
        "ago",
        "before",
    ),
    *(
        "3",
        "9999",
        "0",
        "two",
        "day",
        "days",
        "weeks",
        "months",
        "years",
        "decade",
        "weekend",
        "summer",
        "winter",
    ),
    *(
        "after",
        "since",
        "until",
        "in",
        "on",
        "from",
        "now",
        "by",
        "between",
        "and",
        "to",
        "at",
        "10:30",
        "25:61",
    ),
    *(
        "Friday",
        "sun",
        "ſun",
        "May",
        "may",
        "march",
        "29",
        "February",
        "30",
        "31st",
        "2023",
        "0000",
        "1990s",
        "pm",
    ),
    *("9999-12-31", "0001-01-01", "2024-02-30", "12/31/9999", "morning", "night", "K", ",", ".", "-", "\n"),
]
moments = st.one_of(
    st.datetimes(timezones=st.one_of(st.just(UTC), st.timezones())),
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    st.sampled_from([datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), NOW]),
)
dated_texts = st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))


@given(dated_texts, moments)
@example("last week yesterday 9999 years ago next year", datetime.min.replace(tzinfo=UTC))
@example("next summer tomorrow in 9999", datetime.max.replace(tzinfo=UTC))
def test_find_dates_never_raises(text: str, now: datetime) -> None:
    end_of_last = 0
    for found in find_dates(text, now):
        assert found.start < found.end
        assert found.start.tzinfo is UTC
        assert found.end.tzinfo is UTC
        assert text[slice(*found.at)] == found.text
        assert end_of_last <= found.at[0] < found.at[1]
        end_of_last = found.at[1]


@given(dated_texts, moments)
def test_question_time_never_raises(text: str, now: datetime) -> None:
    query = question_time(text, now)
    if query and query.since and query.until:
        assert query.since < query.until


@given(st.sampled_from([text for text, *_ in RELATIVE]), st.integers(-2000, 2000))
def test_relative_dates_move_with_the_moment_by_whole_weeks(text: str, days: int) -> None:
    now = NOW + timedelta(days=days)
    found = find_dates(text, now)
    if found and found[0].precision in {"day", "week", "weekend"} and "summer" not in text:
        later = find_dates(text, now + timedelta(weeks=5))
        assert later[0].start - found[0].start == timedelta(weeks=5)


@pytest.mark.parametrize(
    "unit", ["last ", "a ", "1", "1-", "in ", "may ", "in the early ", "2023 ", "last week ", " "]
)
def test_time_is_linear(unit: str) -> None:
    begun = time.perf_counter()
    find_dates(unit * (1_000_000 // len(unit)), NOW)
    assert time.perf_counter() - begun < 5  # well under a second; a quadratic scan takes hours
