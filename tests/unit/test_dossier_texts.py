"""The texts of a dossier: summary, restatement, search summary. Literal, in order, with every name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.core.tasks.literal_restatement.task import (
    LITERAL_RESTATEMENT,
    Resolution,
    Restatement,
    RestatementInput,
)
from hmlr.core.tasks.offered import OfferedFact
from hmlr.core.tasks.search_summary import task as search
from hmlr.core.tasks.search_summary.task import SEARCH_SUMMARY, SearchSummary, SearchSummaryInput
from hmlr.core.tasks.summary_update.offline import MAX_CHARS
from hmlr.core.tasks.summary_update.task import SUMMARY_UPDATE, DossierSummary, SummaryInput
from hmlr.language.literal import new_words
from tests.unit.offers import alias, offered, policy


def day(number: int) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number)


OLD = policy("v5", "2.5 GB/day", valid_from=day(40), state="invalidated", reason="it was a draft")
NEW = policy("v6", "400,000 records/day", valid_from=day(45))
FIRST = policy("v1", "Styx up to 500 TiB/day", valid_from=day(0), state="superseded", valid_to=day(40))
LINES = """\
2025-01-01: Policy v1: Styx up to 500 TiB/day (superseded on 2025-02-10)
2025-02-10: Policy v5: 2.5 GB/day (invalidated: it was a draft)
2025-02-15: Policy v6: 400,000 records/day"""


def summed(*facts: OfferedFact, summary: str = "") -> str:
    return SUMMARY_UPDATE.offline(SummaryInput(title="Styx", summary=summary, facts=facts)).text


def checked(text: str, *facts: OfferedFact, summary: str = "") -> str:
    given = SummaryInput(title="Styx", summary=summary, facts=facts)
    return SUMMARY_UPDATE.check(given, DossierSummary(text=text)).text


def test_a_summary_is_in_event_order_and_marks_what_no_longer_holds():
    assert summed(NEW, OLD, FIRST) == LINES


def test_new_lines_go_between_old_ones_and_a_changed_state_replaces_its_line():
    active = policy("v1", "Styx up to 500 TiB/day", valid_from=day(0))
    assert summed(OLD, FIRST, summary=summed(NEW, active)) == LINES
    assert summed(NEW, OLD, FIRST, summary=LINES) == LINES


def test_facts_of_one_day_stand_in_order_of_the_hour():
    late = offered("Styx", "note", "late", valid_from=day(1) + timedelta(hours=9))
    early = offered("Styx", "note", "early", valid_from=day(1) + timedelta(hours=7))
    assert [line[-5:].strip() for line in summed(late, early).splitlines()] == ["early", "late"]


def test_undated_lines_of_a_model_stay_first():
    assert summed(NEW, summary="All about Styx.").splitlines()[0] == "All about Styx."


def test_the_oldest_lines_give_way_when_there_is_no_room():
    facts = [offered("Styx", "note", f"n{n} " + "word " * 150, valid_from=day(n)) for n in range(60)]
    text = summed(*facts)
    assert len(text) <= MAX_CHARS
    assert text.startswith("…\n")
    assert "n59" in text
    assert summed(facts[-1], summary=text) == text


@given(st.lists(st.tuples(st.integers(0, 400), st.text(max_size=30)), max_size=12))
def test_the_rules_summary_passes_its_own_check(said: list[tuple[int, str]]) -> None:
    facts = tuple(offered("Styx", "note", value, valid_from=day(n)) for n, value in said)
    text = summed(*facts)
    assert checked(text, *facts) == text


def test_foreign_words_are_refused_by_name():
    with pytest.raises(ValueError, match="rogue, employee"):
        checked("2025-02-15: v6: 400,000 records/day, a rogue employee", NEW)
    with pytest.raises(ValueError, match="not"):
        checked("2025-02-15: Policy v6: not 400,000 records/day", NEW)


def test_a_models_lines_are_put_into_order():
    text = checked("2025-02-15: v6: 400,000 records/day\n2025-01-03: Styx", NEW, summary="2025-01-03: Styx")
    assert text.splitlines()[0] == "2025-01-03: Styx"


def test_a_summary_that_drops_what_was_there_is_refused():
    with pytest.raises(ValueError, match="drops"):
        checked("2025-02-15", NEW, summary=LINES)
    with pytest.raises(ValueError, match="drops"):
        checked("", NEW)


def test_what_no_longer_holds_has_to_be_marked():
    with pytest.raises(ValueError, match="invalidated"):
        checked("2025-02-10: Policy v5: 2.5 GB/day", OLD)
    checked("2025-02-10: Policy v5: 2.5 GB/day (invalidated)", OLD)


MOVE = offered("user", "lives_in", "Oslo", "identity", quote="I moved there last Friday", valid_from=day(3))


def restated(text: str, fact: OfferedFact = MOVE, **resolved: str) -> str:
    resolutions = tuple(Resolution(said=said, means=means) for said, means in resolved.items())
    given = RestatementInput(offered=fact, resolutions=resolutions)
    return LITERAL_RESTATEMENT.check(given, Restatement(text=text)).text


def test_a_restatement_by_rule_is_the_dated_statement():
    given = RestatementInput(offered=MOVE)
    assert LITERAL_RESTATEMENT.offline(given).text == "You live in Oslo (2025-01-04)."


def test_a_restatement_uses_the_facts_words_and_its_resolutions():
    assert (
        restated("On 4 January 2025 the user moved\nto Oslo.") == "On 4 January 2025 the user moved to Oslo."
    )
    assert restated("You moved to Oslo, Norway.", there="Oslo, Norway")
    with pytest.raises(ValueError, match="Norway"):
        restated("You moved to Oslo, Norway.")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("You moved last Friday.", "value lacks words: oslo"),
        ("You live in Oslo. You moved.", "more than one sentence"),
        ("You never moved to Oslo.", "never"),
        ("Vous habitez à Oslo.", "Vous, habitez"),
    ],
)
def test_what_is_no_literal_sentence_is_refused(text: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        restated(text)


def test_a_restatement_keeps_the_not():
    fact = offered("user", "does_not_eat", "meat", "constraint", quote="I don't eat meat")
    assert restated("You don't eat meat.", fact)
    with pytest.raises(ValueError, match='"not"'):
        restated("You eat meat.", fact)


@given(st.text(min_size=1, max_size=60), st.text(min_size=1, max_size=40))
def test_the_rules_restatement_is_literal(subject: str, value: str) -> None:
    fact = offered(subject, "note", value)
    text = LITERAL_RESTATEMENT.offline(RestatementInput(offered=fact)).text
    assert not new_words(text, [fact.statement, "2026-03-10"])


CIPHER = SearchSummaryInput(
    title="Limits of Styx",
    summary=LINES,
    subjects=("Styx", "user", "v6"),
    aliases=("K-12", "River 9", "styx"),
)


def searched(text: str, given: SearchSummaryInput = CIPHER) -> str:
    return SEARCH_SUMMARY.check(given, SearchSummary(text=text)).text


def test_a_search_summary_by_rule_has_names_words_and_dates():
    text = SEARCH_SUMMARY.offline(CIPHER).text
    assert text.startswith("Styx, v6, K-12, River 9. ")
    assert "TiB" in text
    assert text.endswith("February 2025 January 2025 2025-02-15 2025-02-10 2025-01-01")
    assert searched(text) == text


def test_missing_names_are_put_in_front():
    assert searched("limits of Styx in 500 TiB/day, v6") == "K-12, River 9. limits of Styx in 500 TiB/day, v6"


def test_a_name_within_another_word_is_missing():
    given = SearchSummaryInput(title="Anna", summary="", subjects=("Anna", "Ann"), aliases=())
    assert searched("Anna", given) == "Ann. Anna"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("cryptography of Styx", "cryptography"), ("Styx " * 300, "longer"), ("the of", "nothing")],
)
def test_a_search_summary_is_literal_and_short(text: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        searched(text)


def test_names_are_never_cut():
    names = tuple(f"Name-{n}" for n in range(500))
    many = SearchSummaryInput(title="Styx", summary=LINES, subjects=names, aliases=())
    for text in (
        SEARCH_SUMMARY.offline(many).text,
        searched(
            "Styx limit", SearchSummaryInput(title="Styx limit", summary="", subjects=names, aliases=())
        ),
    ):
        assert all(name in text for name in names)


@given(st.text(max_size=3000), st.lists(st.text(max_size=20), max_size=5))
def test_the_rules_search_summary_passes_its_own_check(summary: str, names: list[str]) -> None:
    given = SearchSummaryInput(title="Styx", summary=summary, subjects=tuple(names), aliases=())
    text = SEARCH_SUMMARY.offline(given).text
    assert len(text) <= search.MAX_CHARS + len(", ".join(given.names))
    assert searched(text, given).endswith(text)


def test_no_text_shows_an_id():
    fact = alias("Styx", "K-12")
    shown = SUMMARY_UPDATE.variables(SummaryInput(title="t", summary="s", facts=(fact,)))
    shown |= LITERAL_RESTATEMENT.variables(RestatementInput(offered=fact))
    assert fact.fact.fact_id not in str(shown)
