"""A6 Deprecation, A7 Fifty turns, A8 Zero keyword, A17 Lists, A25 Next day, A29 A year's import."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.acceptance.conftest import call, chat, days_ago

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(240)]

SMALL_TALK = [
    "The tomatoes on the balcony finally turned red.",
    "My bike needs new brake pads before the winter.",
    "We watched a documentary about deep sea vents.",
    "The printer at work jams on every second page.",
    "I am reading a thick novel about lighthouse keepers.",
    "Our neighbour plays the trumpet at seven in the morning.",
    "The recipe asks for cardamom, which I never have.",
    "I spent the afternoon fixing a leaking tap.",
    "The train was late again and I missed the meeting.",
    "I planted tulips along the fence.",
]


def texts(hits: list[dict[str, str]]) -> str:
    return " | ".join(hit["text"] for hit in hits)


def test_a6_what_the_assistant_said_is_found_and_labelled(sit):
    said = "The Titan algorithm is deprecated. Use Olympus for new work."
    sit(call("remember", [{"role": "assistant", "content": said, "occurred_at": days_ago(30)}]))
    (reply,) = sit(chat("I'm planning to use Titan for the new service. Is that compliant?"))
    hit = next(hit for hit in reply["hits"] if "Titan algorithm is deprecated" in hit["text"])
    assert hit["sources"][0]["role"] == "assistant"
    assert "assistant" in reply["text"]


def test_a7_a_pet_is_found_after_fifty_turns(sit):
    sit(chat("As a kid I had a golden retriever named Biscuit.", occurred_at=days_ago(30)))
    turns = [
        {
            "content": f"{SMALL_TALK[number % 10]} That was number {number}.",
            "occurred_at": days_ago(29 - number / 2),
        }
        for number in range(48)
    ]
    sit(call("remember", turns))
    (reply,) = sit(chat("What was my childhood pet's name?"))
    assert "Biscuit" in reply["text"]


def test_a8_a_credential_is_found_without_its_word(sit):
    first = [chat("My API key for the weather service is WX-4471-K.")]
    talk = [chat(text) for text in SMALL_TALK[:8]]
    question = chat("What credential do I need for the weather service?")
    *_, here = sit(*first, *talk, question)
    assert "WX-4471-K" in here["text"]
    (later,) = sit(question)
    assert "WX-4471-K" in later["text"]


def test_a17_all_five_cars_and_the_right_policy(sit):
    cars = [
        "I bought a 1967 Mustang last summer.",
        "There is also a Volvo estate car that I own for the dog.",
        "My first car was a Fiat Panda.",
        "I still keep a Land Rover car at the farm.",
        "I lease a small electric Renault car for the city.",
    ]
    policies = [
        "Gratuities policy: employees must not accept gifts from suppliers worth more than 50 euros.",
        "Travel policy: book trains, not planes, below 600 kilometres.",
        "Security policy: laptops are locked when unattended.",
        "Expense policy: receipts are handed in within 30 days.",
    ]
    messages = [{"content": text} for pair in zip(cars, SMALL_TALK, strict=False) for text in pair]
    sit(call("remember", [*messages, *({"content": text} for text in policies)]))
    owned, rolex = sit(
        call("recall", "Which cars do I own or have I had?", limit=10),
        call("recall", "May I keep a Rolex from a supplier?", limit=3),
    )
    found = texts(owned["items"])
    assert all(name in found for name in ("Mustang", "Volvo", "Fiat", "Land Rover", "Renault")), found
    assert "Gratuities policy" in texts(rolex["items"])


def test_a25_yesterday_is_recalled_without_any_gardening(sit):
    sit(chat("The landlord agreed to repaint the kitchen in sage green.", occurred_at=days_ago(1)))
    (hits,) = sit(call("recall", "What did the landlord agree to?"))
    assert "sage green" in hits["items"][0]["text"]


def test_a29_a_year_is_imported_with_its_own_dates(sit):
    start = datetime(2024, 1, 3, 12, tzinfo=UTC)  # a Wednesday
    messages = []
    for week in range(52):
        at = start + timedelta(weeks=week)
        messages.append({"content": f"Week {week} went by quietly.", "occurred_at": at.isoformat()})
    messages.append({"content": "I met Ingrid last Friday.", "occurred_at": "2024-03-13T10:00:00+00:00"})
    messages.append({"content": "I live in Oslo.", "occurred_at": "2024-02-01T10:00:00+00:00"})
    messages.append({"content": "I moved to Bergen.", "occurred_at": "2024-08-01T10:00:00+00:00"})
    sit(call("remember", messages))
    spring, autumn, hits, friday = sit(
        call("facts", key="lives_in", as_of="2024-05-01T00:00:00+00:00"),
        call("facts", key="lives_in", as_of="2024-10-01T00:00:00+00:00"),
        call("recall", "Where do I live?", as_of="2024-05-01T00:00:00+00:00", limit=20),
        call("facts", states=["active", "superseded"]),
    )
    assert [fact["value"] for fact in spring] == ["Oslo"]
    assert [fact["value"] for fact in autumn] == ["Bergen"]
    assert "Bergen" not in texts(hits["items"])
    met = [fact for fact in friday if "Ingrid" in fact["quote"]]
    assert all(fact["valid_from"].startswith("2024-03-08") for fact in met)
    assert met, "the meeting with Ingrid is a fact with a date"
