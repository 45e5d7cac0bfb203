"""Blanking finds a word however it is written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmlr.language.blanking import blank


def test_case_makes_no_difference():
    assert blank("oslo, OSLO and Oslo", {"Oslo"}) == "████, ████ and ████"
    assert blank("in der STRASSE", {"Straße"}) == "in der ███████"
    assert blank("in der Straße", {"STRASSE"}) == "in der ██████"


def test_composition_makes_no_difference():
    assert blank("Caf\u00e9 and cafe\u0301", {"caf\u00e9"}) == "████ and █████"
    assert blank("cafe\u0301", {"cafe"}) == "cafe\u0301"


def test_a_longer_word_is_another_word():
    assert blank("The Oslofjord", {"oslo"}) == "The Oslofjord"


@given(st.text(), st.lists(st.text(min_size=1)))
def test_the_length_stays(text, words):
    assert len(blank(text, words)) == len(text)


@given(st.text(alphabet="abßİıſé\u0301 ", min_size=1))
def test_a_text_blanks_itself_in_capitals(text):
    word = text.strip()
    assert word.strip("\u0301") == "" or blank(f" {word} ", {word}) == f" {'█' * len(word)} "
