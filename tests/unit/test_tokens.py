"""Terms are what both the index and the query are made of, so spelling variants must meet in one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.language.tokens import STOP_WORDS, content_words, query_terms, terms

ALLOWED_ASCII = re.compile(r"[a-z0-9\-_.]+")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The quick brown foxes were jumping", ["quick", "brown", "fox", "jump"]),
        ("The fox's den", ["fox", "den"]),
        ("the fox’s den", ["fox", "den"]),
        ("I'm sure they don't", ["sure"]),
        ("K-12", ["k12", "k", "12"]),
        ("v6", ["v6", "v", "6"]),
        ("XYZ789", ["xyz789", "xyz", "789"]),
        ("at 10:30", ["10.30", "10", "30"]),
        ("3.5 litres", ["3.5", "3", "5", "litr"]),
        ("1,000,000", ["1000000"]),
        ("2023-05-07", ["2023-05-07", "2023", "05", "07"]),
        ("fact_scrubber", ["factscrubb", "fact", "scrubber"]),
        ("e-mail", ["email", "e", "mail"]),
        ("mother-in-law", ["mother", "law"]),
        ("O'Brien", ["obrien", "o", "brien"]),
        ("Zürich café", ["zurich", "cafe"]),
        ("日本語の本", ["日本", "本語", "語の", "の本"]),
        ("猫", ["猫"]),
        ("日本2024年", ["日本", "2024", "年"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("Привет мир", ["привет", "мир"]),
        ("😀 hello world", ["world"]),
        ("😀🚀", ["😀", "🚀"]),
        ("the who", ["the", "who"]),
        ("dog dog", ["dog", "dog"]),
        ("?! ...", []),
        ("", []),
        ("a\0b\tc", ["b", "c"]),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("LΦ-88", "lφ88"),
        ("LΦ-88", "LΦ 88"),
        ("LΦ-88", "lφ\u201188"),
        ("e-mail", "email"),
        ("co-worker", "coworkers"),
        ("fact_scrubber", "FactScrubber"),
        ("naïve", "naive"),
        ("Ｆｕｌｌ", "full"),
        ("STRASSE", "straße"),
        ("10:30", "10.30"),
        ("vegetarian", "vegetarians"),
        ("Ёлка", "елка"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_variants_of_a_word_share_a_term(stored: str, asked: str) -> None:
    assert set(terms(stored)) & set(terms(asked))


@pytest.mark.parametrize(("one", "other"), [("3.5", "35"), ("10-12", "1012"), ("K-12", "K-13")])
def test_different_numbers_have_different_wholes(one: str, other: str) -> None:
    assert terms(one)[0] != terms(other)[0]


def test_stop_words_are_function_words_only() -> None:
    assert 150 <= len(STOP_WORDS) <= 220
    assert not STOP_WORDS & {"will", "may", "us"}


def test_content_words_of_stop_words_are_none() -> None:
    assert content_words("who is the one") == {"one"}
    assert content_words("the who") == frozenset()


def test_query_terms_are_distinct_and_ordered() -> None:
    assert query_terms("Where is the red car? The red one!") == ["red", "car", "one"]


def test_query_terms_over_the_limit_keep_the_longest() -> None:
    assert query_terms("cat elephant dog rhinoceros bird", limit=3) == ["eleph", "rhinocero", "bird"]
    assert query_terms("cat dog", limit=0) == []


def test_long_runs_are_capped() -> None:
    assert terms("x" * 1000) == ["x" * 64]
    assert terms("7" * 1000) == ["7" * 64]
    assert terms("é" * 1000) == ["e" * 64]


@given(st.text())
def test_terms_fit_into_the_full_text_index(text: str) -> None:
    for term in terms(text):
        assert 0 < len(term) <= 64
        assert "\0" not in term
        assert term.split() == [term]
        ascii_part = "".join(c for c in term if c.isascii())
        assert not ascii_part or ALLOWED_ASCII.fullmatch(ascii_part)


@given(st.text())
def test_terms_do_not_depend_on_case(text: str) -> None:
    assert terms(text.casefold()) == terms(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x7F)))
def test_terms_do_not_depend_on_upper_case(text: str) -> None:
    assert terms(text.upper()) == terms(text)


@given(st.lists(st.sampled_from(["é", "e\u0301", "ΐ", "ﬁ", "K", "ß", "İ", "ı", "ͅ", "ᾳ", "x"])).map("".join))
def test_letters_with_odd_case_rules(text: str) -> None:
    assert terms(text.casefold()) == terms(text)


@given(st.text(), st.integers(0, 8))
def test_query_terms_are_terms(text: str, limit: int) -> None:
    found = query_terms(text, limit)
    assert len(found) == len(set(found)) <= limit
    assert set(found) <= set(terms(text))


@given(st.text(), st.text())
def test_terms_of_two_texts_are_those_of_both(one: str, other: str) -> None:
    assert content_words(f"{one}\n{other}") == content_words(one) | content_words(other)
