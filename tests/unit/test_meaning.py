"""What vectors tell: the same as counting one sign after the other, and nothing of what is hidden."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hmlr.memory.retrieval import meaning
from hmlr.memory.retrieval.asking import Question, take_apart
from hmlr.memory.retrieval.columns import words_of
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.meaning import Meaning
from hmlr.store.encoded import to_signs
from tests.store.making import encoded
from tests.unit import searched
from tests.unit.searched import put

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
# Four directions that have nothing to do with each other: half of the signs differ between any two.
AXES = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], np.float32)


def told(made: UserIndex, *hidden: int) -> Meaning:
    return Meaning(made.vectors, made.session_nos[: made.n], searched.hidden(made.n, *hidden))


def question(made: UserIndex, vectors: Any) -> Question:
    return take_apart("What?", NOW, {}, searched.asked(vectors), made.vectors)


def slowly(piece: Any, tokens: Any) -> float:
    """Agreement of a piece with the best of a paragraph's tokens."""
    if not len(tokens):
        return 0.0
    same = [sum((a > 0) == (b > 0) for a, b in zip(piece, token, strict=True)) for token in tokens]
    return max(2 * count / len(piece) - 1 for count in same)


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=6), st.sampled_from([1, 7, 64, 70]), st.integers(0, 9)
)
@settings(deadline=None)
def test_best_matches_are_those_of_a_slow_count(counts: list[int], dim: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    tokens = [chance.normal(size=(count, dim)) for count in counts]
    made = searched.index(len(counts) + 1)  # the last has no vector yet
    put(made, encoded(chance.normal(size=(len(counts), dim)), tokens=tokens), list(range(len(counts))))
    pieces = chance.normal(size=(3, dim))
    found = meaning.best_matches(made.vectors, words_of(to_signs(pieces)), np.arange(made.n))
    expected = [[slowly(piece, own) for own in [*tokens, []]] for piece in pieces]
    assert found == pytest.approx(np.array(expected), abs=1e-6)


def line(n: int, at: int, **given_: Any) -> UserIndex:
    """n paragraphs, of which one alone is about the first axis; the others about the second."""
    rows = np.repeat(AXES[1:2], n, axis=0)
    rows[at] = AXES[0]
    made = searched.index(n, **given_)
    put(made, encoded(rows, tokens=[[row] for row in rows]))
    return made


def test_a_match_counts_for_what_stands_around_it_less_by_each_step() -> None:
    made = line(7, 2)
    found = meaning.late(told(made), question(made, AXES[:1]), np.arange(7))
    assert found == pytest.approx([0.81, 0.9, 1, 0.9, 0.81, 0.729, 0])


def test_a_match_counts_in_its_own_session_only() -> None:
    made = line(4, 1, sessions=["a", "a", "b", "b"])
    found = meaning.late(told(made), question(made, AXES[:1]), np.arange(4))
    assert found == pytest.approx([0.9, 1, 0, 0])
    near = meaning.pooled(told(made), question(made, AXES[:1]), np.arange(4))
    assert near == pytest.approx([0.5, 1, 0, 0])


def roughly(made: UserIndex, asked: NDArray[np.float32]) -> NDArray[np.float32]:
    return meaning.pooled_roughly(told(made), question(made, asked), slice(0, made.n))


@pytest.mark.parametrize("cut", range(1, 9))
def test_a_stretch_scores_as_it_does_among_all(cut: int) -> None:
    made = line(9, 4, sessions=["a"] * 4 + ["b"] * 5)
    stored, asked = told(made), question(made, AXES[:1])
    parts = [meaning.pooled_roughly(stored, asked, part) for part in (slice(0, cut), slice(cut, 9))]
    assert np.array_equal(np.concatenate(parts), roughly(made, AXES[:1]))


def test_pooled_takes_half_of_the_better_neighbour() -> None:
    made = line(5, 2)
    near = meaning.pooled(told(made), question(made, AXES[:1]), np.arange(5))
    assert near == pytest.approx([0, 0.5, 1, 0.5, 0])
    at_once = roughly(made, AXES[:1])
    assert at_once == pytest.approx(near, abs=1e-6)


def test_late_is_the_mean_over_pieces_weighted_by_rarity() -> None:
    made = searched.index(8, sessions=[f"s{n}" for n in range(8)])
    tokens = [[AXES[0]], *([[AXES[1]]] * 7)]
    put(made, encoded(np.ones((8, 4)), tokens=tokens, pieces=[(0,), *([(1,)] * 7)]))
    found = meaning.late(told(made), question(made, AXES[:2]), np.arange(8))
    rare, common = np.log1p(7.5 / 1.5), np.log1p(1.5 / 7.5)
    assert found[0] == pytest.approx(rare / (rare + common))
    assert found[1] == pytest.approx(common / (rare + common))


def test_some_rows_score_as_they_do_among_all() -> None:
    made = line(9, 4)
    asked, rows = question(made, AXES[:2]), np.array([1, 3, 8])
    for signal in (meaning.late, meaning.pooled):
        assert signal(told(made), asked, rows) == pytest.approx(signal(told(made), asked, np.arange(9))[rows])


@given(st.integers(0, 50), st.sets(st.integers(0, 7)), st.sampled_from([2, 4, 64]))
@settings(deadline=None)
def test_what_is_hidden_changes_no_score_of_what_is_not(seed: int, out: set[int], dim: int) -> None:
    chance = np.random.default_rng(seed)
    rows, tokens = chance.normal(size=(2, 8, dim)), chance.normal(size=(2, 8, 2, dim))
    asked = chance.normal(size=(3, dim))
    seen = np.array([row for row in range(8) if row not in out], np.int64)
    scores = []
    for other in (0, 1):  # the same paragraphs, but for those that are hidden
        mine = np.array([row if row not in out else -1 for row in range(8)])
        made = searched.index(8, sessions=["a"] * 5 + ["b"] * 3)
        pooled = np.where(mine[:, None] >= 0, rows[0], rows[other])
        own = np.where(mine[:, None, None] >= 0, tokens[0], tokens[other])
        put(made, encoded(pooled, tokens=list(own)))
        stored, words = told(made, *out), question(made, asked)
        late, near = meaning.late(stored, words, seen), meaning.pooled(stored, words, seen)
        scores.append([late, near, meaning.pooled_roughly(stored, words, slice(0, 8))[seen]])
    for before, after in zip(*scores, strict=True):
        assert np.array_equal(before, after)


def test_what_is_hidden_lifts_not_even_what_says_the_opposite() -> None:
    made = line(2, 0)
    put(made, encoded(-AXES[:1], tokens=[-AXES[:1]]), [1])
    assert meaning.late(told(made, 0), question(made, AXES[:1]), np.array([1])).tolist() == [-1]


def test_a_paragraph_without_a_vector_is_near_to_nothing() -> None:
    made = searched.index(3, sessions=["a", "b", "c"])
    put(made, encoded(AXES[:1], tokens=[AXES[:1]]), [1])
    sparse = np.array([[1, 0, 0, 0]], np.float32)  # most signs are those of an empty row
    for signal in (meaning.late, meaning.pooled):
        assert signal(told(made), question(made, sparse), np.arange(3))[[0, 2]].tolist() == [0, 0]
    assert roughly(made, sparse)[[0, 2]].tolist() == [0, 0]
