"""Vectors find their paragraphs whenever they come, and are counted once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlr.memory.retrieval import meaning
from hmlr.memory.retrieval.columns import PieceCounts, words_of
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.meaning import Meaning
from hmlr.store.encoded import to_signs
from tests.store.making import encoded, unit_rows
from tests.unit import searched
from tests.unit.searched import put

DIM = 8


def tokens_of(made: UserIndex, row: int) -> list[list[int]]:
    vectors = made.vectors
    start, count = vectors.starts[row], vectors.counts[row]
    return vectors.tokens[start : start + count].tolist()  # type: ignore[no-any-return]


def counted(made: UserIndex, *pieces: int) -> list[int]:
    return [int(count) for count in made.vectors.frequencies.of(np.array(pieces, np.uint16))]


@given(st.lists(st.lists(st.sets(st.integers(0, 65535), max_size=6), max_size=4), max_size=5))
@settings(deadline=None)
def test_pieces_are_counted_by_paragraph(batches: list[list[set[int]]]) -> None:
    counts = PieceCounts()
    for batch in batches:
        counts = counts.plus(np.array([piece for paragraph in batch for piece in paragraph], np.uint16))
    expected = Counter(piece for batch in batches for paragraph in batch for piece in paragraph)
    asked = np.array([0, 7, 65535, *expected], np.uint16)
    assert counts.of(asked).tolist() == [expected[piece] for piece in asked.tolist()]
    assert counts.held_bytes == 6 * len(expected)


@given(st.lists(st.lists(st.integers(0, 5), max_size=4), min_size=1, max_size=5))
@settings(deadline=None)
def test_whatever_order_they_come_in_each_paragraph_has_its_own(batches: list[list[int]]) -> None:
    rows, tokens = unit_rows(6, DIM), [unit_rows(row + 1, DIM) for row in range(6)]
    made = searched.index(6)
    for batch in (list(dict.fromkeys(batch)) for batch in batches):
        put(made, encoded(rows[batch], tokens=[tokens[row] for row in batch]), batch)
        made.append(searched.columns(300, first=made.n + searched.FIRST))  # the arrays grow
    came = {row for batch in batches for row in batch}
    assert made.vectors.count == len(came)
    for row in range(6):
        found = made.vectors.row(row)
        assert (found is not None) == (row in came)
        if found is not None:
            assert found @ rows[row] > 0.99
            assert tokens_of(made, row) == words_of(to_signs(tokens[row])).tolist()


def test_a_vector_of_no_paragraph_is_dropped() -> None:
    made = searched.index(2)
    given_ = encoded(unit_rows(2, DIM), tokens=[unit_rows(2, DIM), unit_rows(3, DIM)], pieces=[(1,), (2, 3)])
    made.vectors.put(2, np.array([7, 1]), np.array([False, True]), given_)
    assert (made.vectors.row(0), made.vectors.count) == (None, 1)
    assert tokens_of(made, 1) == words_of(to_signs(unit_rows(3, DIM))).tolist()
    assert counted(made, 0, 1, 2, 3, 9) == [0, 0, 1, 1, 0]


def test_a_vector_made_again_counts_its_pieces_once() -> None:
    made = searched.index(2)
    for seed in (1, 2):
        rows = unit_rows(seed, DIM)[:1]
        put(made, encoded(rows, tokens=[unit_rows(seed, DIM)], pieces=[(4, 9)]), [1])
    assert (made.vectors.count, counted(made, 4, 9)) == (1, [1, 1])
    assert tokens_of(made, 1) == words_of(to_signs(unit_rows(2, DIM))).tolist()


def test_a_vector_of_zeros_counts_once_too() -> None:
    made = searched.index(1)
    for _ in range(2):
        put(made, encoded(np.zeros((1, DIM)), tokens=[unit_rows(1, DIM)], pieces=[(4,)]))
    assert (made.vectors.count, counted(made, 4)) == (1, [1])


@pytest.mark.parametrize("dim", [1, 8, 63, 64, 65, 100, 384])
def test_words_are_padded_with_zeros(dim: int) -> None:
    signs = to_signs(np.ones((3, dim), np.float32))
    words = words_of(signs)
    assert words.shape == (3, -(-dim // 64))
    assert np.bitwise_count(words).sum(axis=1).tolist() == [dim] * 3


def test_no_rows_have_no_words() -> None:
    assert words_of(np.zeros((0, 13), np.uint8)).shape == (0, 2)


def test_a_search_may_run_while_vectors_and_paragraphs_come() -> None:
    n, dim = 200, 70
    made = searched.index(n)
    tokens = [unit_rows(1 + row % 3, dim) for row in range(n)]
    put(made, encoded(unit_rows(n, dim), tokens=tokens))
    stored = Meaning(made.vectors, made.session_nos[:n], searched.hidden(n))
    signs = words_of(to_signs(unit_rows(4, dim)))

    def look() -> object:
        return meaning.best_matches(stored.vectors, signs, np.arange(n)).tolist()

    expected, going = look(), threading.Event()
    going.set()

    def look_on() -> bool:
        same = True
        while going.is_set():
            same &= look() == expected
        return same

    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(look_on)
        for batch in range(60):
            made.append(searched.columns(50, first=made.n + searched.FIRST))
            late = encoded(unit_rows(50, dim), tokens=[unit_rows(2, dim)] * 50)
            put(made, late, list(range(made.n - 50, made.n)))
            again = list(range(batch, n, 60))
            put(made, encoded(unit_rows(n, dim)[again], tokens=[tokens[row] for row in again]), again)
        going.clear()
        assert watched.result()
