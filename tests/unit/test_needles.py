"""Many texts are found in another one as each by itself would be."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hmlr.language.blanking import folded_text
from hmlr.language.needles import FEW, Needles

TEXT = st.text(alphabet="abÉßx ", max_size=30)


@given(st.lists(TEXT, max_size=3 * FEW), TEXT)
def test_it_finds_what_looking_one_by_one_finds(needles, text):
    wanted = [folded_text(each) for each in needles if each]
    assert Needles(needles).stand_in(text) == any(each in folded_text(text) for each in wanted)


def test_many_are_found_at_the_end_of_a_text_and_whatever_their_length():
    many = [f"needle number {n}" for n in range(1000)]
    assert Needles([*many, "xyz"]).stand_in("and here is XYZ")
    assert Needles(many).stand_in("It is NEEDLE number 999")
    assert not Needles(many).stand_in("needle numbe")


def test_none_are_in_nothing():
    assert not Needles(["", ""])
    assert not Needles([]).stand_in("text")
