"""Bridge block headers by rule."""

from __future__ import annotations

from hmlr.memory.blocks import HeaderWords, extend_header, new_block, new_block_id
from hmlr.records import TurnId
from tests.unit.making import AT


def header(*texts: str):
    block, words = new_block(TurnId("t1"), AT), HeaderWords()
    for text in texts:
        block = extend_header(block, words, text)
    return block


def test_the_label_names_the_subject():
    assert "sourdough" in header("I want to bake sourdough bread at home.").label.lower()


def test_keywords_gather_over_turns_most_frequent_first():
    block = header("REST APIs for invoices", "REST APIs with cursor pagination", "REST and OAuth")
    assert block.keywords[0] == "REST"
    assert {"invoices", "pagination", "OAuth"} <= set(block.keywords)


def test_open_loops_and_decisions_are_literal():
    block = header("Which boots do I need? I decided to take the red ones. I need to call Ingrid.")
    assert block.open_loops == ("Which boots do I need?", "I need to call Ingrid.")
    assert block.decisions == ("I decided to take the red ones.",)


def test_a_label_of_the_users_own_stays():
    from dataclasses import replace

    block = replace(header("Bread and butter"), label="Mine", renamed=True)
    assert extend_header(block, HeaderWords(), "Something about cheese").label == "Mine"


def test_a_text_without_words_still_has_a_label():
    assert header("!!! ???").label


def test_the_id_follows_from_the_turn():
    assert new_block_id(TurnId("a")) == new_block_id(TurnId("a")) != new_block_id(TurnId("b"))
