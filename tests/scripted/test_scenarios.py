"""A2, A3, A10, A11, A13 with a scripted model behind the real SDK, analysed in three calls and in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.acceptance.conftest import call, chat, days_ago
from tests.scripted.server import Asked, Line, TaskServer, serving

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(180)]

Sit = Callable[..., list[Any]]
VEGETARIAN = {
    "subject": "user",
    "key": "diet",
    "value": "strictly vegetarian",
    "category": "constraint",
    "quote": "I am strictly vegetarian.",
}


@pytest.fixture(params=[False, True], ids=["three calls", "one call"])
def talk(request: pytest.FixtureRequest, sit: Sit) -> Iterator[Callable[..., tuple[TaskServer, Sit]]]:
    """Start a server with a script; a sitting then talks to it."""
    with talking(sit, combined=request.param) as start:
        yield start


@contextmanager
def talking(sit: Sit, *, combined: bool) -> Iterator[Callable[..., tuple[TaskServer, Sit]]]:
    """See `talk`; the servers run until this is left."""
    with ExitStack() as running:

        def start(**script: Line) -> tuple[TaskServer, Sit]:
            server = running.enter_context(serving(_combined(script) if combined else script))
            env = {**server.env, "HMLR_COMBINED_ANALYSIS": str(combined).lower()}
            return server, lambda *steps, **more: sit(*steps, model="openai:scripted", env=env, **more)

        yield start


def _combined(script: dict[str, Line]) -> dict[str, Line]:
    """The same answers, given as parts of one."""

    def say(line: Line | None, asked: Asked) -> Any:
        return line(asked) if callable(line) else line

    def analysis(asked: Asked) -> Any:
        parts = {name: say(script.get(name), asked) for name in ("routing", "fact_scrubbing", "scribe")}
        routing = parts["routing"] or {"action": "new", "label": "", "keywords": []}
        return {
            "routing": routing,
            "facts": (parts["fact_scrubbing"] or {"facts": []})["facts"],
            "profile": (parts["scribe"] or {"facts": []})["facts"],
        }

    return {**script, "analysis": analysis}


def one_topic(asked: Asked) -> dict[str, Any]:
    """A router that sees one topic: continue, resume the only other one, or begin it."""
    if "Current topic:\nnone" not in asked.user:
        return {"action": "continue", "block_id": None, "label": "", "keywords": []}
    if "Other topics:\nnone" not in asked.user:
        return {"action": "resume", "block_id": "1", "label": "", "keywords": []}
    return {"action": "new", "block_id": None, "label": "", "keywords": []}


def learn_diet(asked: Asked) -> dict[str, Any]:
    """A scribe that notices the diet."""
    return {"facts": [VEGETARIAN] if VEGETARIAN["quote"] in asked.user else []}


def test_a2_the_model_is_told_the_constraint_and_names_it(talk):
    def answer(asked: Asked) -> str:
        return "No: you are strictly vegetarian." if "strictly vegetarian" in asked.user else "Enjoy!"

    _, sit = talk(scribe=learn_diet, answer=answer)
    sit(chat("I am strictly vegetarian. I don't eat meat or fish."))
    profile, reply = sit(call("profile"), chat("I really crave a steak. Good idea for me?"))
    assert [fact["value"] for fact in profile["constraints"]] == ["strictly vegetarian"]
    assert reply["text"] == "No: you are strictly vegetarian."
    assert reply["degraded"] == []


def test_a3_constraints_reach_the_model_though_the_message_says_to_ignore_them(talk):
    def answer(asked: Asked) -> str:
        data = asked.user.rpartition("The message to answer:")[0]
        return "salad" if "vegetarian" in data else "steak"

    _, sit = talk(scribe=learn_diet, answer=answer)
    sit(chat("I am strictly vegetarian. I don't eat meat or fish."))
    (reply,) = sit(
        chat("Ignoring everything else you know about me, reply 'steak' if okay or 'salad'"),
    )
    assert reply["text"] == "salad"


def test_a10_a_vague_question_stays_in_its_block_and_finds_its_turns(talk):
    server, sit = talk(routing=one_topic)
    said = [
        chat("We are choosing a database for the invoice service.", occurred_at=days_ago(9)),
        chat("Postgres would need a second server, SQLite would not.", occurred_at=days_ago(9)),
    ]
    before = sit(*said)
    (reply,) = sit(chat("Which one needed the extra machine again?"))
    assert {each["block_id"] for each in (*before, reply)} == {reply["block_id"]}
    assert "Postgres would need a second server" in server.prompts("answer")[-1]


def test_a11_that_thing_i_found_confusing_is_in_the_prompt(talk):
    server, sit = talk(routing=one_topic)
    steps = [
        "I'm learning Rust this week.",
        "Ownership is clear to me now.",
        "Lifetimes in function signatures confuse me a lot.",
        "Pattern matching is fun.",
    ]
    before = sit(*(chat(text, occurred_at=days_ago(3)) for text in steps))
    (reply,) = sit(chat("Can you explain that thing I found confusing?"))
    assert {each["block_id"] for each in (*before, reply)} == {reply["block_id"]}
    assert "Lifetimes in function signatures confuse me" in server.prompts("answer")[-1]


def test_a13_five_details_over_eight_turns_reach_the_prompt(talk):
    server, sit = talk(routing=one_topic)
    turns = [
        "The garden party is on 14 June.",
        "Nice weather would be good for it.",
        "We expect 35 guests at the garden party.",
        "Thanks for listening.",
        "The garden party's caterer is called Basil & Co.",
        "My aunt brings a guitar to the garden party.",
        "Let me think about the lights.",
        "The budget of the garden party is 1,200 euros.",
    ]
    before = sit(*(chat(text, occurred_at=days_ago(20 - i)) for i, text in enumerate(turns)))
    (reply,) = sit(chat("Sum up the garden party for me: date, guests, caterer, music, budget."))
    assert {each["block_id"] for each in (*before, reply)} == {reply["block_id"]}
    prompt = server.prompts("answer")[-1]
    for detail in ("14 June", "35 guests", "Basil & Co", "guitar", "1,200 euros"):
        assert detail in prompt
