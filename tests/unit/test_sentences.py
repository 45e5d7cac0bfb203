"""Spans cover the text byte for byte, and sentences are not torn at abbreviations."""

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hmlr.language.sentences import Span, paragraph_spans, sentence_spans

FAMILY = "👩\u200d👩\u200d👧"
BITS = [
    *("Hello", "world.", "Mrs.", "Fox", "!", "?!", "...", "…", " ", "  ", "\n", "\n\n", "\r\n", "\r", "\t"),
    *(
        "- ",
        "1. ",
        "# ",
        "```",
        "```py\n",
        "~~~\n",
        "`",
        "。",
        "！\ufe0f",
        "日本",
        "😀",
        FAMILY,
        "🇳🇴",
        "e\u0301",
    ),
    *("\u0301", "\u200d", "\u2029", "Ada: ", "U.S.", "J. ", "3.5", "(", ")", '"', "https://x.y/z?a=b.", "\0"),
]
texts = st.one_of(st.text(), st.lists(st.sampled_from(BITS), max_size=40).map("".join))


def parts(text: str, spans: list[Span]) -> list[str]:
    return [text[start:end] for start, end in spans]


def assert_covers(text: str, spans: list[Span]) -> None:
    assert "".join(parts(text, spans)) == text
    assert all(start < end for start, end in spans)
    assert [start for start, _ in spans] == [0, *(end for _, end in spans)][: len(spans)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["Mrs. Fox is a vegetarian. ", "She cooks."],
        ["He paid 3.5 for No. 5, e.g. at Dr. Who's. ", "Then he left."],
        ["The U.S. Army came. ", "They left the U.S. ", "We stayed."],
        ["J. R. R. Tolkien wrote it. ", "So do I. ", "Plan B. ", "Then we go."],
        ["See https://example.com/a.b?c=d. ", "Open main.py. ", "Run v1.2.3 now!"],
        ["Well... maybe. ", "Wait… what? ", "No... ", "Yes."],
        ["i like it. ", "he doesn't. ", "ok? ", "fine"],
        ['"Really?" he asked. ', '"Yes." ', "(Good.) ", "**Bold.** ", "End."],
        ["We met at 5 p.m. ", "Then we ate. ", "At 5 p.m. sharp."],
        ["It's from Acme Inc. and others etc. ", "That's all."],
        ["1. Buy milk. ", "2. Buy eggs."],
        ["In 2019. ", "Then 2020. ", "On Jan. 5 too."],
        ["Shopping:\n", "- milk\n", "- eggs\n\n", "Done"],
        ["# Title\n", "text that goes on\nand on. ", "End"],
        ["Hi Tom\n", "Thanks a lot\n", "Bye"],
        ["this line was wrapped by hand at some margin of the\nEnglish text. ", "Yes."],
        ["Ada: hello there\n", "Bob: hi"],
        ["今日は。", "明日？", "「そう！」", "うん"],
        ["Look:\n", "```python\nx = 1. \n\nY = 2. Z\n```\n\n", "After. ", "End"],
        ["Never closed:\n", "```\na. B. C\n\nd. E"],
        ["```not a fence``` here. ", "Yes. ", "No."],
        ["```\na\n```\n ", "```\nb\n```"],
        [" ```\na\n```\n", "b"],
        ["  Leading space. ", "x"],
        ["\n\n"],
        [],
    ],
)
def test_sentences(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert parts(text, sentence_spans(text)) == sentences


@pytest.mark.parametrize(
    "paragraphs",
    [
        ["One.\nStill one.\n\n", "Two.\n \t\n", "Three."],
        ["One.\r\n\r\n", "Two."],
        ["\n\nOne.\n\n\n\n", "Two.\n\n"],
        ["Code:\n```\na\n\nb\n```\n\n", "After."],
        ["Code:\n\n", "```\na\n\nb\n```\nafter"],
        ["one line only"],
        [],
    ],
)
def test_paragraphs(paragraphs: list[str]) -> None:
    text = "".join(paragraphs)
    assert parts(text, paragraph_spans(text)) == paragraphs


def test_long_paragraphs_are_cut_at_sentence_ends() -> None:
    text = "One two three. Four five six. Seven eight nine."
    assert parts(text, paragraph_spans(text, 32)) == ["One two three. Four five six. ", "Seven eight nine."]


def test_long_sentences_are_cut_at_white_space() -> None:
    text = "one two three four five"
    assert parts(text, paragraph_spans(text, 10)) == ["one two ", "three ", "four five"]


def test_long_code_is_cut_at_line_breaks() -> None:
    text = "```\nfirst line. Here\nsecond line\n```"
    assert parts(text, paragraph_spans(text, 22)) == ["```\nfirst line. Here\n", "second line\n```"]


@pytest.mark.parametrize("cluster", ["e\u0301", FAMILY, "🇳🇴", "👍🏽", "क्षि"])
def test_hard_cuts_spare_grapheme_clusters(cluster: str) -> None:
    text = cluster * 200
    for piece in parts(text, paragraph_spans(text, 101)):
        assert len(piece) % len(cluster) == 0


def test_max_chars_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="max_chars"):
        paragraph_spans("x", 0)


@given(texts)
@example("! \u0301")
@example("。\ufe0f\u200d")
def test_sentences_cover_the_text(text: str) -> None:
    assert_covers(text, sentence_spans(text))


@given(texts, st.integers(1, 60))
def test_paragraphs_cover_the_text_within_the_limit(text: str, max_chars: int) -> None:
    spans = paragraph_spans(text, max_chars)
    assert_covers(text, spans)
    assert all(end - start <= max_chars for start, end in spans)


@given(texts)
def test_white_space_stays_with_what_precedes_it(text: str) -> None:
    for piece in parts(text, sentence_spans(text))[1:]:
        assert not piece[0].isspace() or piece.lstrip().startswith(("```", "~~~"))


@given(texts)
@example("0.\u20290")
@example("。\n\n\u0301")
def test_paragraph_ends_are_sentence_ends(text: str) -> None:
    assert {end for _, end in paragraph_spans(text, 10_000)} <= {end for _, end in sentence_spans(text)}


@pytest.mark.parametrize(
    "unit", ["!", ".", ")", " ", "\n", "\r\n", "`", "```\n", " \n x", "x", ".a", "🇳", "a. ", "\t\n"]
)
@pytest.mark.parametrize("function", [sentence_spans, paragraph_spans])
def test_time_is_linear(unit: str, function: Callable[[str], list[Span]]) -> None:
    text = unit * (1_000_000 // len(unit)) + "x"
    begun = time.perf_counter()
    function(text)
    assert time.perf_counter() - begun < 5  # about 0.5 s; a quadratic scan takes hours
