"""A question is read for whom and what time it asks about, and which of its words count."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlr.memory.embeddings.port import Asked
from hmlr.memory.retrieval.asking import (
    MAX_PIECES,
    Question,
    asked_of,
    is_about_owner,
    names_of,
    take_apart,
)
from hmlr.memory.retrieval.columns import VectorColumns
from tests.store.making import encoded, unit_rows
from tests.unit.searched import NOW, asked, index, put

SPEAKERS = {"Ann Lee": 0, "Bob": 1, "user": 2}


def stored(*frequencies: int) -> VectorColumns:
    """Vectors of eight paragraphs; piece number k stands in the k-th number of them."""
    made = index(8)
    pieces = [[piece for piece, found in enumerate(frequencies) if row < found] for row in range(8)]
    put(made, encoded(unit_rows(8, 4), tokens=[unit_rows(1, 4)] * 8, pieces=pieces))
    return made.vectors


def read(
    text: str, of: Asked | None = None, *, speakers: dict[str, int] | None = None, vectors: VectorColumns
) -> Question:
    return take_apart(text, NOW, SPEAKERS if speakers is None else speakers, of, vectors)


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("Where did Ann go?", "Ann Lee"),
        ("What is LEE'S dog called?", "Ann Lee"),
        ("Where did Ann and Bob go?", None),
        ("Where did Annika go?", None),
        ("Which user was it?", None),
    ],
)
def test_one_named_speaker_is_asked_about(text: str, speaker: str | None) -> None:
    assert asked_of(text, SPEAKERS) == speaker
    assert read(text, vectors=VectorColumns()).asked_of == (None if speaker is None else SPEAKERS[speaker])


def test_a_role_and_a_single_letter_are_no_names() -> None:
    assert (names_of("assistant"), names_of("J. Doe")) == (frozenset(), {"doe"})


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Where do I live?", True),
        ("What did you recommend to me?", False),
        ("What was it you’ve told me?", False),
        ("Would you remind me of my dentist's name?", True),
        ("Where does she live?", False),
    ],
)
def test_a_first_person_question_is_about_its_owner_unless_it_asks_the_assistant(
    text: str, about: bool
) -> None:
    assert is_about_owner(text) is about


def test_who_names_a_speaker_asks_about_him_not_about_himself() -> None:
    question = read("Did Bob like my cake?", vectors=VectorColumns())
    assert (question.asked_of, question.about_owner) == (1, False)


def test_a_time_is_read_as_microseconds() -> None:
    question = read("What happened yesterday?", vectors=VectorColumns())
    since, until = (
        datetime.fromtimestamp((us or 0) / 1e6, UTC) for us in (question.since_us, question.until_us)
    )
    assert since <= datetime(2026, 3, 9, 12, tzinfo=UTC) <= until
    assert since > datetime(2026, 3, 8, tzinfo=UTC)


def test_without_a_model_there_are_no_vectors() -> None:
    question = read("What?", vectors=VectorColumns())
    assert (question.row, question.plain, len(question.weights), len(question.signs)) == (None, None, 0, 0)


def test_a_rare_piece_weighs_more_and_names_nothing() -> None:
    vectors = stored(0, 2, 8)
    question = read(
        "?", asked(unit_rows(4, 4), pieces=[0, 1, 2, 1], words=["a", "b", "c", "bob"]), vectors=vectors
    )
    assert question.weights[0] > question.weights[1] > question.weights[2] > question.weights[3] == 0


def test_names_count_when_nothing_else_is_asked() -> None:
    question = read("Bob?", asked(unit_rows(1, 4), words=["bob"]), vectors=stored(3))
    assert question.weights[0] > 0


def test_the_row_leans_to_rare_pieces() -> None:
    two = asked(np.eye(4)[:2], pieces=[0, 1])
    question = read("?", two, vectors=stored(8, 0))
    assert question.row is not None
    assert question.row[1] > question.row[0] > 0
    assert np.linalg.norm(question.row) == pytest.approx(1)
    assert question.plain == pytest.approx(two.row)


def test_a_model_without_pieces_is_asked_by_its_row() -> None:
    row = unit_rows(1, 4)[0]
    plain = Asked(row=row, vectors=np.zeros((0, 4), np.float32), pieces=np.zeros(0, np.uint16), words=())
    question = read("?", plain, vectors=stored())
    assert question.row is row
    assert (len(question.weights), len(question.signs)) == (0, 0)


@given(st.integers(1, 200))
@settings(deadline=None)
def test_of_a_long_question_the_rarest_pieces_count(count: int) -> None:
    pieces = [number % 9 for number in range(count)]
    question = read("?", asked(unit_rows(count, 4), pieces=pieces), vectors=stored(*range(9)))
    used = question.weights > 0
    assert min(count, MAX_PIECES) <= used.sum()
    if not used.all():
        dropped = np.array(pieces)[~used]
        assert dropped.min() > np.array(pieces)[used].max()
