"""Blanking: whole words, character for character."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmlr.memory.erasure import blank


def test_only_whole_words_are_blanked():
    assert blank("Ann met Anna and Ann.", {"Ann"}) == "███ met Anna and ███."


def test_a_value_with_marks_at_its_ends_is_found():
    assert blank("use (x+y) now", {"(x+y)"}) == "use █████ now"


@given(st.text(), st.text(min_size=1))
def test_offsets_stay_right(text, word):
    assert len(blank(text, {word})) == len(text)


@given(st.text(), st.text(), st.from_regex(r"[a-z]{3,8}", fullmatch=True))
def test_the_word_is_gone(before, after, word):
    assert f" {word} " not in blank(f"{before} {word} {after}", {word})
