"""Fact grouping: a partition always, by names first, then by words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.core.tasks.fact_grouping.task import FACT_GROUPING, FactGroups, GroupingInput
from hmlr.core.tasks.offered import OfferedFact, said_in
from hmlr.core.tasks.titles import FIELD_WORDS, MAX_TITLE, literal_title, title_of
from hmlr.language.literal import new_words
from tests.unit.offers import alias, offered, policy

HYDRA = (
    alias("LΦ-88", "Phoenix"),
    alias("Phoenix", "Aether"),
    alias("Aether", "K-12"),
    alias("K-12", "Styx"),
    alias("Styx", "River-9"),
    alias("River-9", "Charon"),
    policy("v1", "Styx up to 500 TiB/day"),
    policy("v2", "River-9 10,000 objects/s"),
    policy("v6", "400,000 records/day"),
)
OTHERS = (
    offered("user", "lives_in", "Oslo", "identity"),
    offered("user", "diet", "vegetarian", "constraint"),
    offered("Bob", "job", "nurse"),
)


def sets(facts: tuple[OfferedFact, ...]) -> tuple[list[set[str]], set[str]]:
    answer = FACT_GROUPING.offline(GroupingInput(facts=facts))
    return [set(group.facts) for group in answer.groups], set(answer.ungrouped)


def ids(facts: tuple[OfferedFact, ...]) -> set[str]:
    return {o.fact.fact_id for o in facts}


def test_all_names_of_a_thing_and_its_policies_are_one_group():
    groups, alone = sets((*OTHERS, *HYDRA))
    assert groups == [ids(HYDRA)]
    assert alone == ids(OTHERS)


def test_the_versions_of_a_policy_are_one_group():
    versions = (policy("v5", "2.5 GB"), policy("v6", "400,000 records"))
    assert sets((*versions, *OTHERS))[0] == [ids(versions)]
    products = (offered("v5", "colour", "red"), offered("v6", "size", "small"))
    assert sets(products)[0] == []


def test_given_aliases_link_facts_that_name_each_other_nowhere():
    pair = (offered("Styx", "limit", "5", aliases=("K-12",)), offered("K-12", "status", "approved"))
    assert sets(pair)[0] == [ids(pair)]


def test_an_invalidated_alias_links_nothing():
    wrong = alias("Styx", "Lethe", state="invalidated")
    assert sets((wrong, offered("Lethe", "status", "approved")))[0] == []


def test_the_values_of_one_key_stay_together():
    colours = tuple(offered("user", "favourite_colour", c, "preference") for c in ("red", "blue"))
    assert sets((*colours, *OTHERS))[0] == [ids(colours)]


def test_shared_words_join_and_one_is_not_enough():
    trip = (
        offered("user", "plan", "hike in Jotunheimen in August", "task"),
        offered("hut", "booking", "two nights in Jotunheimen, August"),
    )
    assert sets((*trip, *OTHERS))[0] == [ids(trip)]
    assert sets((offered("user", "plan", "hike"), offered("hut", "plan", "swim")))[0] == []


def test_what_is_asked_of_a_role_goes_with_the_only_one_who_has_it():
    birthday = offered("user", "brother_birthday", "9 September", "identity")
    anton = offered("user", "brother", "Anton", "identity")
    job = offered("Anton", "job", "smith")
    assert sets((birthday, *OTHERS, anton, job))[0] == [ids((birthday, anton, job))]
    second = offered("user", "brother", "Emil", "identity")
    assert ids((birthday, anton)) not in sets((birthday, anton, second))[0]


def test_a_name_written_with_a_hyphen_or_without_is_one():
    pair = (offered("Vault-2", "limit", "40 TB"), offered("user", "password_vault_2", "zk", "secret"))
    assert sets((*pair, *OTHERS))[0] == [ids(pair)]


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        ((offered("Wilhelmina", "lives_in", "Molde"), offered("Wilhelmina", "employer", "Nordlys")),
         "Wilhelmina: home, work"),
        ((policy("encryption policy v1", "AES-128"), policy("encryption policy v4", "AES-256")),
         "Encryption policy"),
        ((offered("Project Atlas", "uses", "Postgres"), offered("Atlas", "limit", "5 GB")),
         "Project Atlas: tools, limits"),
        ((offered("user", "dentist_appointment_date", "3 March 2025, 2025-03-03", "event"),),
         "Dentist appointment"),
        ((offered("user", "owns", "Volvo V60"),), "Volvo V60: belongings"),
        ((alias("K-12", "Styx"),), "K-12, Styx"),
        ((offered("Styx", "limit", "5 GB"), offered("Styx", "replaced_by", "Orion")), "Styx: limits"),
        ((offered("user", "sister", "Ana (in Oslo)", "identity"),), "Ana: sister"),
    ],
)  # fmt: skip
def test_a_title_says_what_it_is_about(facts: tuple[OfferedFact, ...], title: str) -> None:
    assert title_of(facts) == title
    assert not new_words(title, said_in(facts), also=FIELD_WORDS)


FACTS = (*OTHERS, *HYDRA[:4])
LABEL = st.one_of(
    st.integers(1, len(FACTS) + 2).map(lambda n: f"F{n}"),
    st.sampled_from(["f1", "[F2]", "3", "all", "", "*"]),
)
ANSWER = st.builds(
    lambda groups, rest: {
        "groups": [{"theme": "merge all", "facts": group} for group in groups],
        "ungrouped": rest,
    },
    st.lists(st.lists(LABEL, max_size=6), max_size=4),
    st.lists(LABEL, max_size=6),
)


@given(ANSWER)
def test_every_offered_fact_ends_in_exactly_one_place(said: dict[str, object]) -> None:
    try:
        answer = FACT_GROUPING.check(GroupingInput(facts=FACTS), FactGroups.model_validate(said))
    except ValueError:
        return
    placed = [fact_id for group in answer.groups for fact_id in group.facts] + list(answer.ungrouped)
    assert sorted(placed) == sorted(ids(FACTS))
    assert all(group.facts for group in answer.groups)


@given(st.lists(st.sampled_from((*HYDRA, *OTHERS)), unique_by=id))
def test_the_rule_places_every_fact_once(facts: list[OfferedFact]) -> None:
    groups, alone = sets(tuple(facts))
    assert sorted(x for group in (*groups, alone) for x in group) == sorted(ids(tuple(facts)))


def test_the_first_place_counts_and_what_is_missing_is_kept():
    said = {"groups": [{"theme": "Bob, Oslo", "facts": ["F1", "F9", "F1"]}], "ungrouped": ["F1", "F3"]}
    answer = FACT_GROUPING.check(GroupingInput(facts=OTHERS), FactGroups.model_validate(said))
    first, second, third = (o.fact.fact_id for o in OTHERS)
    assert [group.facts for group in answer.groups] == [(first,)]
    assert answer.ungrouped == (third, second)
    assert "Bob" not in answer.groups[0].theme  # stands in no fact of the group


def test_an_answer_that_names_no_fact_is_refused():
    with pytest.raises(ValueError, match="no offered fact"):
        FACT_GROUPING.check(GroupingInput(facts=OTHERS), FactGroups(groups=(), ungrouped=()))


def test_titles_are_short_specific_and_literal():
    assert title_of(HYDRA).startswith("Styx, River-9, ")
    assert title_of(OTHERS[1:2]) == "Vegetarian: food"
    assert len(title_of([offered("Bob", "says", "long " * 100 + "w" * 200)])) <= MAX_TITLE
    assert title_of([offered("user", "is", "😀")]) == "Facts"
    assert literal_title("Names of Styx", HYDRA) == "Names of Styx"
    assert literal_title("Fraud by Styx", HYDRA) == title_of(HYDRA)


def test_no_title_shows_a_secret():
    secret = offered("user", "api_key_weather", "XYZ789", "secret")
    assert "XYZ" not in title_of([secret])
    assert "XYZ" not in literal_title("API key xyz789", [secret])
