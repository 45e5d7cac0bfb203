"""Slices are verbatim: put together they give the message back."""

from hypothesis import given
from hypothesis import strategies as st

from hmlr.memory.chunking import JOIN_CHARS, Slice, chunk

texts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            [
                "Hi there. ",
                "Mrs. Fox! ",
                "\n\n",
                "\n",
                "```\n",
                "- x\n",
                "日本。",
                "👩\u200d👧",
                "e\u0301",
                " ",
            ]
        )
    ).map("".join),
)


def verbatim(text: str, slices: list[Slice]) -> str:
    return "".join(text[s.start : s.end] for s in slices)


def test_paragraphs_are_followed_by_their_sentences() -> None:
    text = "One. Two.\n\nAlone.\n\nThree. Four."
    found = [(s.kind, text[s.start : s.end], s.parent) for s in chunk(text, max_chars=12)]
    assert found == [
        ("paragraph", "One. Two.\n\n", None),
        ("sentence", "One. ", 0),
        ("sentence", "Two.\n\n", 0),
        ("paragraph", "Alone.\n\n", None),
        ("paragraph", "Three. Four.", None),
        ("sentence", "Three. ", 4),
        ("sentence", "Four.", 4),
    ]


def test_short_paragraphs_in_a_row_count_as_one() -> None:
    text = "Shopping\n\n- bread\n\n- milk\n\n" + "x" * 390 + "\n\nBye."
    found = [text[s.start : s.end] for s in chunk(text) if s.kind == "paragraph"]
    assert found == ["Shopping\n\n- bread\n\n- milk\n\n", "x" * 390 + "\n\nBye."]


@given(texts)
def test_two_neighbours_are_longer_than_what_is_joined(text: str) -> None:
    ends = [s.end for s in chunk(text) if s.kind == "paragraph"]
    starts = [0, *ends]
    assert all(end - start > JOIN_CHARS for start, end in zip(starts, ends[1:], strict=False))


def test_empty_text_has_no_slices() -> None:
    assert chunk("") == []


def test_code_cut_in_two_is_not_read_as_prose() -> None:
    text = "```\na = 1. B\nc = 2. D\n```"
    assert [s.kind for s in chunk(text, max_chars=15)] == ["paragraph", "paragraph"]


def test_vegetarian_is_not_torn() -> None:
    text = "I'm strictly vegetarian. I live in Oslo, e.g. near St. Olav."
    sentences = [text[s.start : s.end] for s in chunk(text) if s.kind == "sentence"]
    assert sentences == ["I'm strictly vegetarian. ", "I live in Oslo, e.g. near St. Olav."]


@given(texts, st.integers(1, 50))
def test_paragraphs_give_the_text_back(text: str, max_chars: int) -> None:
    slices = chunk(text, max_chars=max_chars)
    assert verbatim(text, [s for s in slices if s.kind == "paragraph"]) == text
    assert all(0 < s.end - s.start <= max_chars for s in slices)


@given(texts, st.integers(1, 50))
def test_sentences_give_their_paragraph_back(text: str, max_chars: int) -> None:
    slices = chunk(text, max_chars=max_chars)
    for position, paragraph in enumerate(slices):
        children = [s for s in slices if s.parent == position]
        assert len(children) != 1
        if children:
            assert paragraph.kind == "paragraph"
            assert slices[position + 1 : position + 1 + len(children)] == children
            assert verbatim(text, children) == text[paragraph.start : paragraph.end]
