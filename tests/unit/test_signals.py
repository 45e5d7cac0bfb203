"""The signals of the score, each alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmlr.memory.facts.links import Link
from hmlr.memory.retrieval import signals
from hmlr.memory.retrieval.asking import Question
from hmlr.records import TurnId
from tests.unit.searched import FIRST, NOW, hidden, index, posting


def micros(days: float) -> int:
    return int((NOW - timedelta(days=days)).timestamp() * 1e6)


def test_a_rare_term_weighs_more_than_a_common_one() -> None:
    made = index(4, sessions="abcd")
    scores = signals.lexical(made, [posting(0), posting(1, 2, 3)], hidden(4))
    assert scores[0] > scores[1] == scores[2] > 0


def test_a_term_counts_for_what_stands_around_it_less_by_each_step() -> None:
    scores = signals.lexical(index(6), [posting(1)], hidden(6))
    assert scores / scores[1] == pytest.approx([0.7, 1, 0.7, 0.49, 0.343, 0])


def test_a_term_counts_in_its_own_session_only() -> None:
    scores = signals.lexical(index(4, sessions="aabb"), [posting(1)], hidden(4))
    assert scores / scores[1] == pytest.approx([0.7, 1, 0, 0])


def test_the_best_of_a_term_and_its_neighbours_counts_not_their_sum() -> None:
    alone, both = (signals.lexical(index(9), [posting(*rows)], hidden(9)) for rows in ([4], [4, 5]))
    assert both[4] / both[5] == pytest.approx(1)
    assert both[3] / both[4] == pytest.approx(alone[3] / alone[4])


def test_terms_of_the_same_rarity_count_one_beside_the_other() -> None:
    made, terms = index(9), [posting(2), posting(4)]
    alone = [signals.lexical(made, [term], hidden(9)) for term in terms]
    assert signals.lexical(made, terms, hidden(9)) == pytest.approx(np.mean(alone, axis=0))


def test_a_term_that_stands_nowhere_lowers_the_share() -> None:
    known, unknown = ([posting(0)], [posting(0), None])
    shares = [signals.lexical(index(3), terms, hidden(3))[0] for terms in (known, unknown)]
    assert 0 < shares[1] < shares[0]
    assert not signals.lexical(index(3), [None], hidden(3)).any()


def test_terms_of_chunks_that_are_not_loaded_yet_are_passed_over() -> None:
    assert not signals.lexical(index(1), [posting(89)], hidden(1)).any()
    assert not signals.lexical(index(5), [posting(4)], hidden(3)).any()


def test_no_paragraphs_and_no_terms_give_nothing() -> None:
    assert signals.lexical(index(0), [posting(0)], hidden(0)).tolist() == []
    assert signals.lexical(index(2), [], hidden(2)).tolist() == [0, 0]


@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
@settings(deadline=None)
def test_what_is_hidden_changes_no_score_of_what_is_not(
    rows: set[int], others: set[int], out: set[int]
) -> None:
    with_, without = (
        signals.lexical(index(8, sessions="aaaaabbb"), [posting(*sorted(each))], hidden(8, *out))
        for each in (rows - out | others & out, rows - out)
    )
    seen = ~hidden(8, *out)
    assert np.array_equal(with_[seen], without[seen])


def place(row: int, share: float = 1.0, via: int | None = None, span: tuple[int, int] = (0, 5)) -> Link:
    turns = [None if each is None else TurnId(f"t{FIRST + each}") for each in (row, via)]
    assert turns[0] is not None
    return Link(turn_id=turns[0], position=0, span=span, share=share, via=turns[1])


def test_another_name_counts_where_all_its_words_stand() -> None:
    names = [[posting(0, 2), posting(1, 2, 3)], [posting(3)], [posting(0), None]]
    assert signals.links(index(4), names, [], hidden(4)).tolist() == [0, 0, 1, 1]


def test_a_place_has_its_share_and_a_name_there_counts_no_less() -> None:
    made = index(3)
    assert signals.links(made, [], [place(1, 0.25), place(1, 0.5)], hidden(3)).tolist() == [0, 0.5, 0]
    assert signals.links(made, [[posting(1)]], [place(1, 0.25)], hidden(3)).tolist() == [0, 1, 0]


def test_a_place_is_the_paragraph_in_which_its_words_stand() -> None:
    made = index(3, turn_ids=[TurnId("t10")] * 3, message_nos=[7, 7, 8], lengths=[50, 50, 50])
    for span, rows in {(10, 20): [1, 0, 0], (50, 60): [0, 1, 0], (40, 60): [1, 1, 0]}.items():
        assert signals.links(made, [], [place(0, span=span)], hidden(3)).tolist() == rows
    reply = replace(place(0), position=1)
    assert signals.links(made, [], [reply], hidden(3)).tolist() == [0, 0, 1]


def test_a_hidden_fact_leads_nowhere() -> None:
    places = [place(1, 0.5, via=0)]
    assert signals.links(index(2), [], places, hidden(2)).tolist() == [0, 0.5]
    assert signals.links(index(2), [], places, hidden(2, 0)).tolist() == [0, 0]


def test_a_link_to_what_is_not_loaded_yet_is_passed_over() -> None:
    names, places = [[posting(2)], [posting(89)]], [place(2), place(89)]
    assert not signals.links(index(3), names, places, hidden(2)).any()


def test_the_speaker_who_is_asked_about_is_lifted() -> None:
    made = index(2, speakers=["Ann", "Bob"])
    assert signals.who(made, Question(asked_of=made.speakers["Ann"]), slice(0, 2), mixed=True).tolist() == [
        1,
        -1,
    ]
    assert signals.who(made, Question(), slice(0, 2), mixed=True).tolist() == [0, 0]


def test_a_question_about_the_owner_lifts_what_he_said() -> None:
    made = index(2, owners=[True, False])
    assert signals.who(made, Question(about_owner=True), slice(0, 2), mixed=True).tolist() == [1, -1]


def test_where_the_owner_said_everything_he_is_not_lifted() -> None:
    assert signals.who(
        index(2, owners=[True, True]), Question(about_owner=True), slice(0, 2), mixed=False
    ).tolist() == [0, 0]


def test_near_the_named_time_counts_more() -> None:
    made = index(4, days=[10, 3, 1.5, 0])
    scores = signals.when(made, Question(since_us=micros(2), until_us=micros(1)), slice(0, 4))
    assert scores == pytest.approx(np.exp([-8 / 7, -1 / 7, 0, -1 / 7]))


def test_a_time_with_one_end_counts_from_there() -> None:
    made = index(2, days=[8, 1])
    assert signals.when(made, Question(since_us=micros(1)), slice(0, 2)) == pytest.approx([np.exp(-1), 1])
    assert signals.when(made, Question(until_us=micros(8)), slice(0, 2)) == pytest.approx([1, np.exp(-1)])
    assert signals.when(made, Question(), slice(0, 2)).tolist() == [0, 0]


def test_length_is_a_logarithm_of_characters() -> None:
    assert signals.length(index(2, lengths=[0, 100]), slice(0, 2)) == pytest.approx([0, np.log(100)])


@given(st.lists(st.integers(0, 9)))
@settings(deadline=None)
def test_distinct_rows_are_each_there_once(rows: list[int]) -> None:
    assert signals.distinct(np.array(rows, np.int64)).tolist() == sorted(set(rows))
