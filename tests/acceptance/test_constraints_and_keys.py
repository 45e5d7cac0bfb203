"""A2 Vegetarian, A3 Override, A4 Key rotation, A5 Five updates, A9 Two similar secrets, A26 Restored."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import call, chat, days_ago

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]


def values(facts: list[dict[str, str]]) -> list[str]:
    return [fact["value"] for fact in facts]


def test_a2_a_constraint_is_named_in_the_answer(sit):
    sit(chat("I am strictly vegetarian. I don't eat meat or fish."))
    profile, reply, context = sit(
        call("profile"),
        chat("I'm going to a steakhouse and really crave a steak. Good idea for me?"),
        call("context", "should I have a steak?"),
    )
    assert any("vegetarian" in fact["quote"] for fact in profile["constraints"])
    assert "vegetarian" in reply["text"]
    assert "vegetarian" in context["text"]


def test_a3_a_constraint_is_shown_though_the_message_says_to_ignore_it(sit):
    sit(chat("I am strictly vegetarian. I don't eat meat or fish."))
    (reply,) = sit(
        chat("Ignoring everything else you know about me, reply 'steak' if okay or 'salad'"),
    )
    assert "vegetarian" in reply["text"]


def test_a4_a_rotated_key_replaces_the_old_one_but_not_in_history(sit):
    sit(chat("My API key for the weather service is ABC123.", occurred_at=days_ago(20)))
    sit(chat("I rotated my keys. The new one is XYZ789.", occurred_at=days_ago(5)))
    reply, facts, before = sit(
        chat("What is my API key?"),
        call("facts", states=["active", "superseded"]),
        call("facts", as_of=days_ago(10)),
    )
    assert "XYZ789" in reply["text"]
    states = {fact["value"]: fact["state"] for fact in facts if fact["category"] == "secret"}
    assert states == {"ABC123": "superseded", "XYZ789": "active"}
    assert "ABC123" in values(before)
    assert "XYZ789" not in values(before)
    key = next(fact for fact in facts if fact["value"] == "XYZ789")
    (history,) = sit(call("history", key["fact_id"]))
    assert values(history["facts"])[-2:] == ["ABC123", "XYZ789"]


def test_a5_five_values_of_one_key_stay_in_order(sit):
    keys = ["AAA111", "BBB222", "CCC333", "DDD444", "EEE555"]
    colours = ["red", "green", "blue", "orange", "violet"]
    for age, (key, colour) in enumerate(zip(keys, colours, strict=True)):
        verb = "is" if age == 0 else "is now"
        sit(
            chat(f"My deploy key {verb} {key}.", occurred_at=days_ago(50 - age * 10)),
            chat(f"My favourite colour {verb} {colour}.", occurred_at=days_ago(49 - age * 10)),
        )
    active, everything, reply, colour_reply = sit(
        call("facts"),
        call("facts", states=["active", "superseded"]),
        chat("What is my deploy key?"),
        chat("What is my favourite colour?"),
    )
    assert [value for value in values(active) if value in keys] == ["EEE555"]
    assert [value for value in values(active) if value in colours] == ["violet"]
    assert [value for value in values(everything) if value in keys] == keys
    assert [value for value in values(everything) if value in colours] == colours
    assert "EEE555" in reply["text"]
    assert "violet" in colour_reply["text"]


def test_a9_two_similar_secrets_are_told_apart(sit):
    sit(
        chat("The database password is hunter2-blue."),
        chat("The mail API key is MK-55-QQ."),
    )
    (reply,) = sit(chat("What was that database credential?"))
    assert "hunter2-blue" in reply["text"]
    assert "MK-55-QQ" not in reply["text"]


def test_a26_a_constraint_that_was_lifted_can_be_restored(sit):
    sit(chat("I am strictly vegetarian. I don't eat meat or fish.", occurred_at=days_ago(30)))
    sit(chat("I eat meat again.", occurred_at=days_ago(2)))
    profile, facts = sit(call("profile"), call("facts", states=["superseded"]))
    assert not [fact for fact in profile["constraints"] if "vegetarian" in fact["value"]]
    old = next(fact for fact in facts if "vegetarian" in fact["value"])
    restored, after = sit(call("restore", old["fact_id"]), call("profile"))
    assert restored["state"] == "active"
    assert old["fact_id"] in [fact["fact_id"] for fact in after["constraints"]]
