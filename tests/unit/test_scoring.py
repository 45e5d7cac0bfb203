"""The sum over all signals: which paragraphs come first, and that the way of picking them is not seen."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlr.memory.retrieval.asking import Question, take_apart
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.scoring import CANDIDATES, LEXICAL, LEXICAL_ALONE, Scored, Search
from hmlr.store.search_records import Postings
from tests.store.making import encoded
from tests.unit import searched
from tests.unit.searched import FIRST, NOW, hidden, posting, put

DIM = 16


def search(made: UserIndex, *terms: Postings | None, out: Sequence[int] = (), **how: Any) -> Search:
    values: dict[str, Any] = {"question": Question(), "forbidden": hidden(made.n, *out)}
    return Search(index=made, postings=terms, **(values | how))


def rows_of(scored: Scored) -> list[int]:
    return [int(chunk_id) - FIRST for chunk_id in scored.chunk_ids]


def filled(n: int, seed: int = 1, *, tokens: bool = True, **given_: Any) -> UserIndex:
    """n paragraphs with vectors by chance."""
    chance = np.random.default_rng(seed)
    made = searched.index(n, **given_)
    own = [chance.normal(size=(2, DIM)) for _ in range(n)] if tokens else None
    put(made, encoded(chance.normal(size=(n, DIM)), tokens=own, pieces=[(1, 2)] * n if tokens else None))
    return made


def asking(made: UserIndex, seed: int = 1, pieces: int = 3) -> Question:
    asked = searched.asked(np.random.default_rng(seed).normal(size=(pieces, DIM)))
    return take_apart("What?", NOW, {}, asked, made.vectors)


def test_no_paragraphs_have_no_hits() -> None:
    scored = search(UserIndex(), None).scored()
    assert (rows_of(scored), scored.top(5)) == ([], [])


def test_ties_go_to_the_older() -> None:
    made = searched.index(3 * CANDIDATES, sessions=[f"s{n}" for n in range(3 * CANDIDATES)])
    best = 2 * CANDIDATES
    assert rows_of(search(made, posting(best)).scored())[:4] == [best, 0, 1, 2]


@given(st.integers(0, 30), st.integers(1, 12))
@settings(deadline=None)
def test_no_better_hit_is_passed_over_by_picking_by_words(seed: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    made = searched.index(40)
    terms = [posting(*sorted(chance.choice(40, 5, replace=False).tolist())) for _ in range(3)]
    whole, part = (rows_of(search(made, *terms).scored(wanted)) for wanted in (40, count))
    assert part == whole[:count]


@given(st.integers(0, 30), st.booleans(), st.integers(0, 20))
@settings(deadline=None)
def test_as_many_candidates_as_paragraphs_give_what_more_do(seed: int, tokens: bool, more: int) -> None:
    made = filled(20, seed, tokens=tokens)
    whole, again = (search(made, posting(3), question=asking(made)).scored(20 + each) for each in (0, more))
    assert whole.chunk_ids.tolist() == again.chunk_ids.tolist()
    assert whole.top(20) == again.top(20)


def test_the_best_come_first_by_the_sum_of_their_shares() -> None:
    made = filled(50)
    top = search(made, posting(3, 9), question=asking(made), budgeted=True).scored().top(50)
    scores = [candidate.score for candidate in top]
    assert scores == sorted(scores, reverse=True)
    assert set(top[0].shares) == {
        "lexical", "links", "who", "when", "asks", "of self", "length", "standing", "late", "pooled", "again",
    }  # fmt: skip


def test_length_and_repetition_count_in_a_budget_only() -> None:
    made = searched.index(3, message_nos=[1, 1, 2], lengths=[10, 10, 1000])
    alone, budgeted = (search(made, posting(0, 1), budgeted=each).scored().top(3) for each in (False, True))
    assert not {"again", "length"} & set(alone[0].shares)
    shares = {candidate.chunk_id - FIRST: candidate.shares for candidate in budgeted}
    assert [shares[row]["again"] for row in range(3)] == [0, -2, 0]
    assert shares[0]["length"] == shares[1]["length"] > shares[2]["length"]


def test_questions_lose_and_words_of_oneself_win() -> None:
    made = searched.index(3, asks=[True, False, False], of_self=[False, False, True])
    assert rows_of(search(made).scored()) == [2, 1, 0]


def test_without_a_model_a_hit_has_no_similarity() -> None:
    (hit,) = search(searched.index(1), posting(0)).scored().top(1)
    assert hit.similarity is None
    assert set(hit.shares) == {"lexical", "links", "who", "when", "asks", "of self"}


def test_a_model_without_tokens_is_searched_by_its_pooled_vectors() -> None:
    made = filled(30, tokens=False, sessions=[f"s{n}" for n in range(30)])
    row = made.vectors.row(17)
    assert row is not None
    plain = searched.Asked(
        row=row, vectors=np.zeros((0, DIM), np.float32), pieces=np.zeros(0, np.uint16), words=()
    )
    top = search(made, question=take_apart("?", NOW, {}, plain, made.vectors)).scored().top(1)
    assert (top[0].chunk_id - FIRST, top[0].similarity) == (17, pytest.approx(1))
    assert "late" not in top[0].shares


def test_before_a_paragraph_has_its_vector_its_words_carry_all() -> None:
    made = searched.index(3, sessions="abc")
    put(made, encoded(np.ones((2, DIM)), tokens=[np.ones((1, DIM))] * 2), [0, 1])
    scored = search(made, posting(0, 2), question=asking(made)).scored()
    lexical = dict(zip(rows_of(scored), scored.shares["lexical"].tolist(), strict=True))
    assert lexical[2] == pytest.approx(LEXICAL_ALONE / LEXICAL * lexical[0])
    alone = search(made, posting(0, 2)).scored()
    assert alone.shares["lexical"][0] == pytest.approx(lexical[2])


@given(st.integers(0, 20))
@settings(deadline=None)
def test_what_may_be_found_is_found_though_thousands_are_better(seed: int) -> None:
    n, allowed = 3000, (5, 1700)
    chance = np.random.default_rng(seed)
    terms = [posting(*sorted(chance.choice(n, n // 2, replace=False).tolist()))]
    out = [row for row in range(n) if row not in allowed]
    assert sorted(rows_of(search(searched.index(n), *terms, out=out).scored(10))) == [*allowed]


def test_what_is_forbidden_is_never_found() -> None:
    made = filled(20)
    assert rows_of(search(made, posting(1), question=asking(made), out=range(20)).scored()) == []
    assert 1 not in rows_of(search(made, posting(1), question=asking(made), out=[1]).scored())


@given(st.integers(0, 30), st.integers(1, 60))
@settings(deadline=None)
def test_other_text_of_another_session_takes_no_hit_away(seed: int, others: int) -> None:
    """The other text shares no term, and its tokens agree with nothing that is asked."""
    chance = np.random.default_rng(seed)
    own = [np.abs(chance.normal(size=(2, DIM))) for _ in range(10)]
    strange = [-np.abs(chance.normal(size=(2, DIM))) for _ in range(others)]
    found = []
    for tokens in (own, own + strange):
        n = len(tokens)
        made = searched.index(n, sessions=["mine"] * 10 + ["other"] * (n - 10))
        put(
            made,
            encoded(
                [each.sum(axis=0) for each in tokens], tokens=tokens, pieces=[(0,)] * 10 + [(9,)] * (n - 10)
            ),
        )
        asked = searched.asked(np.abs(np.random.default_rng(seed + 1).normal(size=(2, DIM))), pieces=[0, 0])
        question = take_apart("?", NOW, {}, asked, made.vectors)
        found.append(set(rows_of(search(made, posting(2, 4), question=question).scored(60))[:10]))
    assert found[0] == found[1] == set(range(10))


def test_a_paragraph_that_came_after_the_search_began_is_left_alone() -> None:
    made = filled(20)
    begun = search(made, posting(3, 25), question=asking(made))
    expected = begun.scored().top(20)
    made.append(searched.columns(10, first=made.n + FIRST))
    put(made, encoded(np.ones((10, DIM)), tokens=[np.ones((1, DIM))] * 10), list(range(20, 30)))
    again = begun.scored().top(20)
    assert [hit.chunk_id for hit in again] == [hit.chunk_id for hit in expected]


PROGRAM = """
import sys
from tests.unit.test_scoring import asking, filled, posting, search
sys.modules.pop("numpy.ma", None)
made = filled(20)
search(made, posting(1, 2), question=asking(made), budgeted=True).scored().top(5)
print("numpy.ma" in sys.modules)
"""


def test_a_first_search_imports_nothing_since_it_may_run_on_the_loop() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
