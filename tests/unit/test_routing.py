"""The routing task: its rule, and what it refuses from a model."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.routing.task import Routing, RoutingInput, Topic, check, offline, variables
from hmlr.language.tokens import content_words
from hmlr.records import BlockId


def topic(name: str, words: str, similarity: float = 0.0) -> Topic:
    return Topic(
        block_id=BlockId(name), label=name, keywords=(), words=content_words(words), similarity=similarity
    )


def given(message: str, current: Topic | None, *others: Topic, vectors: bool = True) -> RoutingInput:
    return RoutingInput(message=message, current=current, others=others, has_vectors=vectors)


HIKE = "hiking trip mountains boots"
TAX = "tax return freelance receipts"


def test_the_first_message_opens_a_topic():
    assert offline(given("I like tea", None)).action == "new"


def test_shared_words_continue():
    answer = offline(given("Which boots for the trip?", topic("hike", HIKE)))
    assert (answer.action, answer.block_id) == ("continue", "hike")


def test_nearness_continues_without_shared_words():
    assert offline(given("What lens suits peaks at dawn", topic("hike", HIKE, 0.4))).action == "continue"


@pytest.mark.parametrize("message", ["And for two people?", "What about that one?", "ok", "Why?"])
def test_a_message_that_leans_on_the_last_continues(message: str):
    assert offline(given(message, topic("hike", HIKE, 0.05))).action == "continue"


def test_another_subject_is_new():
    assert offline(given("Help me debug a Python error", topic("hike", HIKE, 0.05))).action == "new"


def test_words_of_return_resume():
    answer = offline(given("Back to the tax return", topic("hike", HIKE, 0.1), topic("tax", TAX, 0.2)))
    assert (answer.action, answer.block_id) == ("resume", "tax")


def test_a_said_change_of_topic_is_new_though_words_are_shared():
    answer = offline(given("Different topic: a trip to the dentist", topic("hike", HIKE, 0.3)))
    assert answer.action == "new"


def test_a_new_session_resumes_what_it_names():
    answer = offline(given("My tax return needs receipts", None, topic("tax", TAX, 0.1), vectors=False))
    assert (answer.action, answer.block_id) == ("resume", "tax")


def test_without_vectors_unrelated_words_open_a_topic():
    answer = offline(given("Help me debug a Python error", topic("hike", HIKE), vectors=False))
    assert answer.action == "new"


def test_an_invented_topic_is_refused():
    with pytest.raises(ValueError, match="not offered"):
        check(given("x", topic("hike", HIKE)), Routing(action="resume", block_id=BlockId("nonsense")))


def test_continue_means_the_current_topic_whatever_id_the_model_wrote():
    answer = check(given("x", topic("hike", HIKE)), Routing(action="continue", block_id=BlockId("nonsense")))
    assert answer.block_id == "hike"


def test_continue_without_a_topic_is_refused():
    with pytest.raises(ValueError, match="no current"):
        check(given("x", None), Routing(action="continue"))


def test_the_prompt_fences_the_message():
    assert "⟦" in variables(given("hello", topic("hike", HIKE)))["message"]
