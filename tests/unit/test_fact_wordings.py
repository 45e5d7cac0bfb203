"""How statements are taken apart: what a wording does and does not say."""

from __future__ import annotations

import pytest

from hmlr.records import OWNER
from tests.unit.fact_play import active, drafts, held, play


@pytest.mark.parametrize(
    ("said", "key", "value"),
    [
        (
            'I watched "The Ballad of Old Town Road" last night.',
            "event",
            'I watched "The Ballad of Old Town Road" last night (2023-12-31)',
        ),
        (
            "My colleagues and I went to a fair yesterday.",
            "event",
            "My colleagues and I went to a fair yesterday (2023-12-31)",
        ),
        ("The meeting room is B12.", "meeting_room", "B12"),
        ("The stand-up is at 9:30.", "stand_up", "9:30"),
    ],
)
def test_says(said: str, key: str, value: str) -> None:
    assert (key, value) in held(said)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("I wanted some quiet at home, like a reminder of the sea.", "likes"),
        ("I love the sea-and-sky theme and love story of it.", "likes"),
        ("I'm sure people will know you and love the book.", "likes"),
        ("I love the calm it brings.", "likes"),
        ("I came across a book from the 1900s.", "event"),
        ("We had a great time last weekend.", "event"),
        ("I'm working on a project - hard but rewarding.", "project"),
        ("My birthday is 4 May.", "birthday_date"),
    ],
)
def test_does_not_say(said: str, key: str) -> None:
    assert key not in {found for found, _ in held(said)}


@pytest.mark.parametrize(
    ("told", "key", "left"),
    [
        (("Atlas uses Kafka.", "Atlas switched from Kafka to Redis."), "uses", ["Redis"]),
        (("Atlas uses Kafka.", "Atlas will use Redis instead of Kafka."), "uses", ["Redis"]),
        (("Atlas uses Kafka.", "Atlas might switch from Kafka to Redis."), "uses", ["Kafka"]),
        (("Atlas uses Kafka.", "Borealis no longer uses Kafka."), "uses", ["Kafka"]),
        (("Mei works at Acme.", "Mei no longer works at Acme."), "employer", []),
        (("Mei works at Acme.", "Mei does not work at Acme on Fridays."), "employer", ["Acme"]),
        (("My boss is Omar.", "Mei replaced Omar as my boss."), "boss", ["Mei"]),
        (("My boss is Omar.", "Omar is no longer my boss."), "boss", []),
        (("My boss is Omar.", "Mei could replace Omar as my boss."), "boss", ["Omar"]),
        (("I love karaoke.", "I've gone off karaoke."), "likes", []),
        (("I'm lactose intolerant.", "Turns out I'm not lactose intolerant."), "allergy", []),
        (("I'm lactose intolerant.", "I'm not lactose intolerant, am I?"), "allergy", ["lactose"]),
        (("I own a Volvo.", "My Volvo was stolen."), "owns", []),
        (("I have an exam on 3 May.", "The exam was cancelled."), "event", []),
        (("I like opera.", "The opera was cancelled."), "likes", ["opera"]),
        (
            ("My phone number is 555 0143 88.", "I have a new phone number: 555 0199 10."),
            "phone",
            ["555 0199 10"],
        ),
    ],
)
def test_replaces_and_ends(told: tuple[str, ...], key: str, left: list[str]) -> None:
    assert active(play(told), key) == left


@pytest.mark.parametrize(
    ("said", "v2", "v3"),
    [
        ("Revert to v2.", "active", "superseded"),
        ("v3 never took effect; v2 stands.", "active", "invalidated"),
        ("If v3 was a draft, we revert to v2.", "superseded", "active"),
        ("The intern claimed that v3 was a draft.", "superseded", "active"),
        ("We should revert to v2.", "superseded", "active"),
        ("Version 3 of the app was withdrawn.", "superseded", "active"),
        ("Security policy v4 supersedes v3: 2 logins a day.", "superseded", "active"),
    ],
)
def test_what_becomes_of_versions(said: str, v2: str, v3: str) -> None:
    facts = play(
        ["Travel policy v2: at most 300 km.", "Travel policy v3 supersedes v2: at most 500 km.", said]
    )
    states = {fact.subject[-2:]: fact.state for fact in facts.values() if fact.subject.startswith("travel")}
    assert states == {"v2": v2, "v3": v3}


def test_nobody_elses_words_end_what_the_owner_holds() -> None:
    (draft,) = [d for d in drafts("I no longer like chess.") if d.bearing == "ends"]
    assert draft.subject == OWNER
    assert active(play(["I like chess.", "My brother no longer likes chess."]), "likes") == ["chess"]


def test_a_policy_stays_in_its_series() -> None:
    told = [
        "Travel policy v1: hotels up to 150 EUR per night.",
        "Travel policy v2 supersedes v1: hotels up to 180 EUR per night.",
        "Security policy v1: laptops lock after 10 minutes.",
        "Security policy v2 supersedes v1: laptops lock after 5 minutes.",
    ]
    lock, night = "supersedes v1: laptops lock after 5 minutes", "hotels up to 150 EUR per night"
    assert active(play([*told, "Travel policy v2 is revoked. v1 is reinstated."]), "policy") == [night, lock]
    assert lock not in active(play([*told, "Security policy v2 was issued by mistake."]), "policy")
    assert len(active(play([*told, "Travel policy v2 was issued by mistake."]), "policy")) == 1
    assert len(active(play([*told, "v2 is void."]), "policy")) == 2, "two policies have a v2: none is meant"


@pytest.mark.parametrize(
    ("said", "subject", "key", "value"),
    [
        ("Klara moved from Oslo to Bergen.", "Klara", "lives_in", "Bergen"),
        ("Project Atlas moved from Jira to Linear.", "Project Atlas", "uses", "Linear"),
        ("Osprey's budget is 310,000 EUR.", "Osprey", "limit", "310,000 EUR"),
        ("Osprey's travel budget is 2,000 EUR.", "Osprey", "travel_limit", "2,000 EUR"),
        ("I'm strictly vegetarian and allergic to hazelnuts.", OWNER, "allergy", "hazelnuts"),
        ("I am vegan, and allergic to peanuts and shellfish.", OWNER, "allergy", "shellfish"),
        ("I'm lactose intolerant and allergic to nuts.", OWNER, "allergy", "nuts"),
        ("I'm lactose intolerant and allergic to nuts.", OWNER, "allergy", "lactose"),
        ("I'm allergic to hazelnuts and strictly vegetarian.", OWNER, "allergy", "hazelnuts"),
    ],
)
def test_says_of_whom(said: str, subject: str, key: str, value: str) -> None:
    found = {(d.subject, d.key, d.value) for d in drafts(said) if d.bearing != "ends"}
    assert (subject, key, value) in found
    assert not {(s, k) for s, k, v in found if v == value} - {(subject, key)}, "and of nothing else"


def test_an_allergy_outlives_the_diet_it_was_said_with() -> None:
    facts = play(["I'm strictly vegetarian and allergic to hazelnuts.", "I'm no longer strictly vegetarian."])
    assert active(facts, "diet") == []
    assert active(facts, "allergy") == ["hazelnuts"]
    assert "allergy" not in {
        key for key, value in held("I'm allergic to nuts and vegan.") if value == "vegan"
    }


def test_the_budgets_of_two_are_two() -> None:
    facts = play(["Osprey's budget is 310,000 EUR.", "Anna's limit is 300 EUR."])
    assert active(facts, "limit") == ["310,000 EUR", "300 EUR"]
    assert drafts("This month's budget is 500 EUR.") == []
