"""Fact routing: names first, then votes in which the specific outvotes the vague, else a new dossier."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.core.tasks.fact_routing.task import FACT_ROUTING, FactRoute, FactRoutingInput
from hmlr.core.tasks.fact_routing.voting import elected, shared_words, votes
from hmlr.core.tasks.offered import OfferedDossier, OfferedFact
from tests.unit.offers import alias, dossier, offered, policy

CIPHER = dossier("cipher", "Styx, K-12. cipher policy limit", names=("Styx", "K-12", "v5"))
ALICE = dossier("Alice", "Alice. lives in Bergen, nurse", names=("Alice",))
FOOD = dossier("food", "diet vegetarian, allergic to peanuts, no meat")


def route(facts: tuple[OfferedFact, ...], *dossiers: OfferedDossier) -> FactRoute:
    return FACT_ROUTING.offline(FactRoutingInput(facts=facts, dossiers=dossiers))


def near(offer: OfferedDossier, *similarities: float) -> OfferedDossier:
    return OfferedDossier(**{**vars(offer), "similarities": similarities})


@pytest.mark.parametrize(
    "fact",
    [
        offered("k-12", "limit", "5 GB"),
        alias("K-12", "Tartarus-v3"),
        alias("Charon", "Styx"),
        offered("Lethe", "limit", "5 GB", aliases=("Styx",)),
    ],
)
def test_a_shared_name_decides(fact: OfferedFact):
    assert route((fact,), FOOD, CIPHER, ALICE).dossier_id == "d-cipher"


def test_a_shared_name_outweighs_nearness():
    fact = offered("Alice", "limit", "Styx up to 5 GB")
    assert route((fact,), near(CIPHER, 0.9), near(ALICE, 0.1)).dossier_id == "d-Alice"


def test_a_name_that_many_bear_counts_less_than_one_that_tells_them_apart():
    wide = [dossier(name, names=("Acme", "Beta")) for name in ("one", "two", "three")]
    facts = tuple(offered(name, "limit", "5") for name in ("Acme", "Beta", "Styx"))
    assert route(facts, *wide, dossier("four", names=("Styx",))).dossier_id == "d-four"


def test_a_bare_version_joins_the_only_dossier_that_has_versions():
    fact = policy("v6", "400,000 records/day")
    assert route((fact,), FOOD, CIPHER, ALICE).dossier_id == "d-cipher"
    assert route((fact,), CIPHER, dossier("app", names=("v2",))).action == "create"


def test_without_names_the_votes_decide():
    fact = offered("user", "allergy", "shellfish", "constraint")
    assert route((fact,), near(CIPHER, 0.1), near(FOOD, 0.44)).dossier_id == "d-food"
    assert route((fact,), near(CIPHER, 0.1), near(FOOD, 0.25)).action == "create"
    peanuts = offered("user", "allergy", "peanuts", "constraint")
    assert route((peanuts,), CIPHER, FOOD).dossier_id == "d-food"  # by words: there are no vectors


def test_one_persons_facts_do_not_join_anothers_dossier_however_near():
    fact = offered("Bob", "lives_in", "Bergen")
    assert route((fact,), near(ALICE, 0.53)) == FactRoute(action="create", title="Bob: home")


def test_the_versions_of_a_policy_have_one_dossier_in_whatever_words():
    travel = dossier("travel", "Travel policy. trains", names=("Travel policy v1",))
    fact = policy("travel policy v4", "flights are booked in economy")
    assert route((fact,), FOOD, travel).dossier_id == "d-travel"
    assert route((policy("leave policy v4", "28 days"),), travel).action == "create"
    other = dossier("trains", "Travel policy. trains", names=("Travel policy v2",))  # of two the nearer one
    assert route((fact,), near(travel, 0.1), near(other, 0.5)).dossier_id == "d-trains"


def test_a_project_is_called_by_its_name_alone():
    atlas = dossier("Atlas", "Project Atlas. Postgres", names=("Project Atlas",))
    assert route((offered("Atlas", "limit", "5 GB"),), FOOD, atlas).dossier_id == "d-Atlas"


def held(*facts: OfferedFact, **given: Any) -> OfferedDossier:
    """A dossier of these facts, as the shelf offers it."""
    known = frozenset(each for fact in facts for each in fact.identities)
    names = tuple(name for fact in facts for name in fact.names)
    return dossier(names[0] if names else "x", names=names, identities=known, **given)


def test_a_role_leads_to_the_one_who_has_it():
    sister = offered("user", "sister", "Wilhelmina", "identity")
    birthday = offered("user", "sister_birthday", "4 May", "identity")
    assert route((birthday,), FOOD, held(sister)).dossier_id == "d-Wilhelmina"
    assert route((offered("Wilhelmina", "job", "nurse"),), held(sister)).dossier_id == "d-Wilhelmina"
    assert route((sister,), held(birthday)).dossier_id == "d-x"  # asked for before it was known who it is
    other = offered("user", "sister", "Ana", "identity")
    assert route((other,), held(sister, birthday)).action == "create"  # a second sister
    assert route((birthday,), held(sister), held(other)).action == "create"  # whose?


def test_what_the_owner_says_of_himself_joins_nobody_elses_dossier():
    fact = offered("user", "allergy", "peanuts", "constraint")
    assert route((fact,), near(ALICE, 0.53)).action == "create"
    named = offered("user", "deadline_alice", "1 June")
    assert route((named,), near(ALICE, 0.2)).dossier_id == "d-Alice"


def test_two_dates_are_no_theme():
    running = dossier("running", "marathon date. October 2025 2025-10-12")
    dentist = offered("user", "dentist_visit_date", "3 March 2025, 2025-03-03", "event")
    assert route((dentist,), running).action == "create"


def test_a_mention_lets_the_votes_decide():
    fact = offered("Bob", "married_to", "Alice")
    assert route((fact,), near(ALICE, 0.2), near(FOOD, 0.1)).dossier_id == "d-Alice"
    assert route((fact,), near(ALICE, 0.05), near(FOOD, 0.1)).action == "create"


def test_with_nothing_offered_a_dossier_is_opened_under_the_theme():
    fact = offered("user", "diet", "vegetarian", "constraint")
    given = FactRoutingInput(facts=(fact,), dossiers=(), theme="vegetarian food")
    assert FACT_ROUTING.offline(given) == FactRoute(action="create", title="vegetarian food")


def test_the_specific_outvotes_the_vague():
    vague, specific = [0.41, 0.40], [0.10, 0.45]
    assert elected([vague, vague, vague, specific]) == 1
    assert elected([[0.29, 0.0]]) is None
    assert elected([[0.5, 0.1], [0.1, 0.5]]) is None  # half of the votes is no majority
    assert elected([]) is None
    assert elected([[], []]) is None


COSINE = st.floats(-1, 1)


@given(st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(COSINE, min_size=n, max_size=n), min_size=1)))
def test_votes_are_leads(rows: list[list[float]]) -> None:
    sums = votes(rows)
    assert len(sums) == len(rows[0])
    assert all(value >= 0 for value in sums)
    assert sum(sums) <= len(rows)
    winner = elected(rows)
    assert winner is None or sums[winner] == max(sums) > 0


def test_a_word_of_all_dossiers_weighs_less():
    rare, common = shared_words(
        [frozenset({"a"}), frozenset({"b"})], [frozenset({"a", "b"}), frozenset({"b"})]
    )
    assert rare == [1.0, 0.0]
    assert common == [0.5, 0.5]


def answer(**said: Any) -> FactRoute:
    given = FactRoutingInput(facts=(offered("Bob", "job", "nurse"),), dossiers=(CIPHER, ALICE))
    return FACT_ROUTING.check(given, FactRoute(**said))


def test_a_model_names_an_offered_dossier_by_its_label():
    for label in ("D2", "d2", "[D2]", 2):
        assert answer(action="append", dossier_id=label).dossier_id == "d-Alice"
    for invented in ("D3", "D0", "d-Alice", "", None):
        with pytest.raises(ValueError, match="not offered"):
            answer(action="append", dossier_id=invented)


def test_a_model_gives_a_literal_title():
    assert answer(action="create", title="Bob, nurse", dossier_id="D1") == FactRoute(
        action="create", title="Bob, nurse"
    )
    assert answer(action="create", title="Delete everything").title == "Bob: work"


def test_a_new_dossier_under_an_offered_title_is_that_one():
    given = FactRoutingInput(facts=(offered("Alice", "job", "nurse"),), dossiers=(ALICE,))
    said = FactRoute(action="create", title="alice")
    assert FACT_ROUTING.check(given, said) == FactRoute(action="append", dossier_id=ALICE.dossier_id)


def test_the_prompt_shows_labels_and_votes_and_no_ids():
    fact = offered("user", "allergy", "shellfish", "constraint")
    shown = FACT_ROUTING.variables(
        FactRoutingInput(facts=(fact,), dossiers=(near(CIPHER, 0.1), near(FOOD, 0.4)))
    )
    assert "D2, votes 100%" in shown["dossiers"]
    assert "F1 [2026-03-10, user, constraint] You are allergic to shellfish" in shown["facts"]
    assert not any(known in str(shown) for known in (fact.fact.fact_id, CIPHER.dossier_id))
