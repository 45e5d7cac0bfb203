"""A topic's label: literal, in one piece, and never a secret."""

from __future__ import annotations

import pytest

from hmlr.memory.blocks import HeaderWords, extend_header, new_block
from hmlr.memory.labels import secrets_in
from hmlr.records import TurnId
from tests.unit.making import AT


def label(*texts: str) -> str:
    block, words = new_block(TurnId("t1"), AT), HeaderWords()
    for count, text in enumerate(texts):
        block = extend_header(block, words, text)
        assert block.turn_count == 0, count
    return block.label


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("i eat meat again btw, japan broke me (the yakitori...)", "Eat meat"),
        ("we adopted a dog from the shelter, a greyhound called Szprotka.", "Adopted a dog from the shelter"),
        ("I want to bake sourdough bread at home.", "Bake sourdough bread at home"),
        ("so tomorrow I need to call the plumber about the boiler", "Plumber about the boiler"),
        ("My dentist appointment is on 6 May at 14:30", "Dentist appointment is on 6 May"),
    ],
)
def test_a_label_is_a_piece_of_what_was_said(text: str, made: str):
    assert label(text) == made


@pytest.mark.parametrize(
    "text",
    [
        "API key for the sandbox is sk_test_9fQ2LmZ77aa, please store it",
        "Wifi password at home is kotlet-schabowy-77",
        "the token for the build server: ghp_9aX2LmQ0",
        "My PIN is 9021, keep it safe",
        "door code changed to 4471#",
    ],
)
def test_no_secret_stands_in_a_header(text: str):
    block = extend_header(new_block(TurnId("t1"), AT), HeaderWords(), text)
    shown = f"{block.label} {' '.join(block.keywords)}"
    assert block.label
    assert [secret for secret in secrets_in(text) if secret in shown] == []
    assert not any(value in shown for value in ("9fQ2", "kotlet", "9aX2", "9021", "4471"))


def test_the_label_stays_while_it_names_the_topic():
    assert label("My sailing boat needs a mast.", "The harbour is cold.", "The mast came.") == label(
        "My sailing boat needs a mast."
    )


def test_the_label_follows_what_the_topic_comes_back_to():
    assert "mast" in label("It was cold at sea.", "The mast broke.", "A mast is expensive.").lower()
