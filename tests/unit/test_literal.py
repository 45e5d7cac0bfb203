"""A literal text is made of its sources' words; one new content word is found, whatever stands around it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hmlr.language.literal import LINKING_WORDS, day_words, new_words, says_not
from hmlr.language.tokens import STOP_WORDS, content_words, terms

SOURCES = (
    "Styx is now called K-12, up to 4,850,000 records/day.",
    "Williams lives in Oslo since 2024-05-03.",
    "The e-mail says: v3 is forbidden, a rogue employee issued it.",
)


@pytest.mark.parametrize(
    "text",
    [
        "Styx, called K-12",
        "k12 has 4850000 records a day",
        "Then Williams lived in OSLO",
        "e-mails",
        "email",
        "Styx’s records",
        "employees who issue v3",
        "2024-05-03: Oslo",
        "the of and",
        "",
        "…",
    ],
)
def test_the_sources_words_are_literal(text: str) -> None:
    assert new_words(text, SOURCES) == ()


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Styx is 12", ("12",)),  # a part of a code is no number
        ("K-13", ("K-13",)),
        ("4.85 million records", ("4.85", "million")),
        ("William lives in Oslo", ("William",)),  # a name is not inflected
        ("Styxes", ("Styxes",)),
        ("in 2024", ("2024",)),
        ("v3 is not forbidden", ("not",)),
        ("v3 isn’t forbidden", ("isn't",)),
        ("secretly Styx, secretly", ("secretly",)),
        ("Styx est interdit", ("est", "interdit")),
        ("日本", ("日本",)),
    ],
)
def test_new_words_are_named_as_written(text: str, new: tuple[str, ...]) -> None:
    assert new_words(text, SOURCES) == new


def test_a_negated_source_gives_a_right_to_any_negation():
    assert new_words("no Styx, never Oslo", (*SOURCES, "it isn't so")) == ()
    assert says_not("it isn't so")
    assert not says_not("knots and nothing")


def test_a_part_of_a_number_is_another_number():
    assert new_words("1 or 5", ["1,5 litres"]) == ("1", "5")


def test_other_words_can_be_let_in():
    assert new_words("limits of Styx", SOURCES, also=frozenset({"limit"})) == ()


def test_the_forms_of_a_day():
    days = (day_words(datetime(2025, 3, 1, tzinfo=UTC)),)
    assert new_words("2025-03-01 or March 1, 2025", days) == ()
    assert new_words("2 March 2025", days) == ("2",)


LATIN = "abcdefghijklmnopqrstuvwxyzåéøßЖλ"
WORD = st.one_of(
    st.text(LATIN, min_size=1, max_size=10),
    st.text(LATIN, min_size=1, max_size=10).map(str.capitalize),
    st.integers(0, 10**9).map(str),
    st.integers(0, 10**9).map(lambda n: f"{n:,}"),
    st.from_regex(r"[A-Z]{1,3}-?[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"[a-z]{2,6}(['_.-][a-z]{1,6}){1,3}", fullmatch=True),
    st.text("日本語東京", min_size=1, max_size=4),
    st.text(min_size=1, max_size=8).filter(lambda text: not text.isspace()),
)
SEPARATOR = st.sampled_from([" ", ", ", " — ", "\n", ". ", ' "', " (", "! "])
LOWER = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12)


@given(st.lists(WORD, min_size=1, max_size=20), st.data())
def test_any_text_made_of_the_given_words_passes(words: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(words), max_size=20))
    text = "".join(word + data.draw(SEPARATOR) for word in chosen)
    assert new_words(text, [" ".join(words)]) == ()
    assert new_words(text, words) == ()


@given(st.lists(WORD, max_size=20), LOWER, st.data())
def test_any_text_with_a_new_word_fails(words: list[str], new: str, data: st.DataObject) -> None:
    assume(content_words(new) and new not in LINKING_WORDS)
    known = {term for word in (*words, *LINKING_WORDS, *STOP_WORDS) for term in terms(word)}
    assume(known.isdisjoint(terms(new)) and new not in " ".join(words).casefold())
    text = data.draw(st.permutations([*words, new]))
    assert new in new_words(" ".join(text), words)


@given(st.lists(st.integers(0, 10**6), max_size=20), st.integers(0, 10**6))
def test_any_other_number_fails(numbers: list[int], new: int) -> None:
    assume(new not in numbers)
    assert new_words(f"{new:,} of them", [f"{number:,} {number}" for number in numbers]) != ()


@given(st.text(), st.text())
def test_it_is_total(text: str, source: str) -> None:
    assert set(new_words(text, [source, text])) == set()
    new_words(text, [source])
