"""Measures: what holds for every ranking, and a few by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.evaluation.baselines import PER_MESSAGE, Paragraph, bm25, filled, find, paragraphs, pieces
from hmlr.evaluation.measures import COLUMNS, LEVELS, figures, reciprocal_rank, row, shares
from hmlr.evaluation.records import BUDGETS, KS, Found, Question, Said

IDS = [f"m{number}" for number in range(80)]
SESSIONS = {each: f"s{number // 4}" for number, each in enumerate(IDS)}
rankings = st.lists(st.sampled_from(IDS), unique=True, max_size=50)
evidences = st.frozensets(st.sampled_from(IDS), min_size=1, max_size=12)


def measured(ranked: list[str], evidence: frozenset[str]) -> dict[str, float]:
    # A budget holds a prefix of the ranking here.
    inside = {budget: frozenset(ranked[: budget // 200]) for budget in BUDGETS}
    found = Found(messages=tuple(ranked), inside=inside)
    return dict(zip(COLUMNS, row(found, Question(text="?", evidence=evidence), SESSIONS), strict=True))


@given(rankings, evidences)
def test_all_is_at_most_the_fraction_and_that_at_most_any(
    ranked: list[str], evidence: frozenset[str]
) -> None:
    values = measured(ranked, evidence)
    for level in LEVELS:
        for k in KS:
            every, part, some = (values[f"{level}_{share}@{k}"] for share in ("all", "fraction", "any"))
            assert 0 <= every <= part <= some <= 1


@given(rankings, evidences)
def test_more_hits_never_find_less(ranked: list[str], evidence: frozenset[str]) -> None:
    values = measured(ranked, evidence)
    for name in ("any", "all", "fraction"):
        for level in LEVELS:
            column = [values[f"{level}_{name}@{k}"] for k in KS]
            assert column == sorted(column)
    inside = [values[f"inside_{budget}"] for budget in BUDGETS]
    assert inside == sorted(inside)


@given(rankings, evidences)
def test_a_turn_that_is_found_finds_its_session(ranked: list[str], evidence: frozenset[str]) -> None:
    values = measured(ranked, evidence)
    for k in KS:
        assert values[f"session_any@{k}"] >= values[f"turn_any@{k}"]


@given(evidences)
def test_evidence_in_front_is_perfect(evidence: frozenset[str]) -> None:
    values = measured([*sorted(evidence), *sorted(set(IDS) - evidence)][:50], evidence)
    assert values["turn_all@20"] == values["session_all@20"] == values["mrr"] == 1


def test_shares_by_hand() -> None:
    assert shares(frozenset("abcd"), "axb") == (1.0, 0.0, 0.5)
    assert shares(frozenset("ab"), "") == (0.0, 0.0, 0.0)
    assert shares(frozenset("ab"), "abc") == (1.0, 1.0, 1.0)


def test_reciprocal_rank_by_hand() -> None:
    assert reciprocal_rank(frozenset("c"), "abc") == pytest.approx(1 / 3)
    assert reciprocal_rank(frozenset("z"), "abc") == 0


def test_a_session_stands_where_its_best_message_does() -> None:
    # Six messages of s0 and s1 come before the one of s2, which is the third session.
    values = measured(["m0", "m4", "m1", "m5", "m2", "m6", "m8"], frozenset({"m9"}))
    assert values["session_all@5"] == 1
    assert values["turn_any@50"] == 0


# Intervals


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), min_size=1, max_size=40))
def test_an_interval_holds_values_that_can_be(values: list[float]) -> None:
    figure = figures(np.array(values).reshape(-1, 1), ("x",))["x"]
    assert 100 * min(values) - 0.01 <= figure.low <= figure.high <= 100 * max(values) + 0.01
    assert figure.mean == pytest.approx(100 * float(np.mean(values)), abs=0.01)


def test_intervals_are_the_same_on_every_run_and_narrow_with_more_questions() -> None:
    few, many = (np.array([0.0, 1.0] * n).reshape(-1, 1) for n in (10, 200))
    assert figures(few, ("x",)) == figures(few, ("x",))
    wide, narrow = (figures(each, ("x",))["x"] for each in (few, many))
    assert wide.low < narrow.low < 50 < narrow.high < wide.high
    assert narrow.high - narrow.low == pytest.approx(9.8, abs=1.5)  # 1.96 · 2 · 0.5 / √400


# Budgets and baselines


def piece(message: str, tokens: int) -> Paragraph:
    return Paragraph(message=message, text="x" * 4 * tokens, spoken="")


def test_what_does_not_fit_into_a_budget_is_passed_over() -> None:
    ranked = [piece("a", 600), piece("b", 500), piece("c", 400), piece("d", 1)]
    assert filled(ranked, 1000, PER_MESSAGE) == {"a", "c"}


def test_a_message_is_in_with_one_of_its_paragraphs() -> None:
    assert filled([piece("a", 2000), piece("a", 10)], 1000, PER_MESSAGE) == {"a"}


def test_one_message_takes_few_places_of_a_budget() -> None:
    ranked = [piece("a", 250)] * (PER_MESSAGE + 1) + [piece("b", 100)]
    assert filled(ranked, 1000, PER_MESSAGE) == {"a", "b"}
    assert filled(ranked, 1000, None) == {"a"}


def test_pieces_of_one_length_keep_every_word() -> None:
    text = "One two three.\n\n" * 40 + "x" * 500
    cut = pieces([Said(id="a", text=text, session="s", speaker="Ada")])
    assert [len(each.text) <= 400 for each in cut] == [True, True, False]
    assert " ".join(each.text for each in cut).split() == text.split()


def test_a_message_stands_where_its_best_paragraph_does() -> None:
    found = find(np.array([0.1, 0.9, 0.5]), [piece("a", 1), piece("b", 1), piece("b", 1)])
    assert found.messages == ("b", "a")


def test_paragraphs_carry_their_speaker() -> None:
    one, two = ("One. " * 60).strip(), ("Two. " * 60).strip()  # too long to be joined
    cut = paragraphs([Said(id="a", text=f"{one}\n\n{two}", session="s", speaker="Ada")])
    assert [each.spoken.strip() for each in cut] == [f"Ada: {one}", f"Ada: {two}"]


def test_bm25_prefers_the_rare_word_and_the_short_text() -> None:
    texts = ["the boat is green", "the boat is old", "a boat, a kite, a tree and many other words", "a kite"]
    cut = paragraphs([Said(id=text, text=text, session="s", speaker="x") for text in texts])
    best = find(bm25(cut)("green boat?"), cut).messages
    assert best[0] == texts[0]
    assert find(bm25(cut)("kite"), cut).messages[0] == "a kite"
