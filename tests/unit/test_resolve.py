"""What new facts change among the known ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.core.tasks.drafts import Bearing, FactDraft
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.resolve import resolve
from hmlr.records import Fact, StoredMessage
from hmlr.store.records import ConfirmFact, LogFactEvent, PutFact
from tests.unit.fact_play import START, STEP, Facts, active, apply, learn, play, said

NOW = datetime(2024, 12, 1, tzinfo=UTC)


def _draft(
    value: str, key: str = "lives_in", subject: str = "user", bearing: Bearing = "asserts"
) -> FactDraft:
    return FactDraft(
        subject=subject, key=key, value=value, category="identity", quote=f"word {value}", bearing=bearing
    )


def _pair(draft: FactDraft, day: int, **given_: object) -> tuple[FactDraft, Fact]:
    told: StoredMessage = said(f"word {draft.value}", day, **given_)
    fact = pin(draft, told, recorded_at=NOW)
    assert fact is not None
    return draft, fact


def _tell(facts: Facts, *pairs: tuple[FactDraft, Fact]) -> None:
    apply(facts, resolve(pairs, list(facts.values()), by="rule"))


@pytest.mark.parametrize(
    ("told", "key", "left"),
    [
        (["I work at St James Hospital.", "I quit St James."], "employer", []),
        (["I have a dog named Rex and a cat named Tom.", "Rex died last week."], "pet", ["Tom (cat)"]),
        (["I have a cat named Tom.", "My uncle Tom died last week."], "pet", ["Tom (cat)"]),
        (["We live in Leeds.", "We're in Otley now."], "lives_in", ["Otley"]),
        (
            [
                "The volume of Cerberus is 4 records per day.",
                "Sign-off: Project Cerberus now handles 5 records per day.",
            ],
            "volume_per_day",
            ["5 records per day"],
        ),
        (["I'm vegan.", "Actually I'm not vegan, just vegetarian."], "diet", ["vegetarian"]),
        (["I'm allergic to peanuts.", "I'm not allergic to peanuts after all."], "allergy", []),
        (["I have driven a Porsche 911.", "I own a used Volvo."], "owns", ["used Volvo"]),
        (["I work at Acme.", "I left Paris in May."], "employer", ["Acme"]),
    ],
)
def test_what_plain_words_leave(told: list[str], key: str, left: list[str]) -> None:
    assert active(play(told), key) == left


# --- single values ---------------------------------------------------------------------------------


def test_a_newer_value_supersedes_and_closes_the_older() -> None:
    facts = play(["I live in Oslo.", "I live in Bergen."])
    old, new = sorted(facts.values(), key=lambda f: f.valid_from)
    assert (old.state, old.superseded_by, old.valid_to) == ("superseded", new.fact_id, new.valid_from)
    assert (new.state, new.valid_to) == ("active", None)


def test_an_older_value_read_late_takes_its_place_in_the_past() -> None:
    facts: Facts = {}
    for day, city in ((0, "Oslo"), (8, "Rome"), (4, "Bergen")):
        learn(facts, said(f"I live in {city}.", day))
    chain = sorted(facts.values(), key=lambda f: f.valid_from)
    assert [(f.value, f.state) for f in chain] == [
        ("Oslo", "superseded"),
        ("Bergen", "superseded"),
        ("Rome", "active"),
    ]
    assert [f.valid_to for f in chain] == [chain[1].valid_from, chain[2].valid_from, None]
    assert [f.superseded_by for f in chain] == [chain[1].fact_id, chain[2].fact_id, None]


def test_five_favourite_colours_stand_in_order() -> None:
    colours = ["blue", "red", "green", "blue", "teal"]
    facts = play([f"My favourite colour is {colour}." for colour in colours])
    assert active(facts, "favourite_colour") == ["teal"]
    assert [f.value for f in sorted(facts.values(), key=lambda f: f.valid_from)] == colours


def test_an_update_that_began_before_the_last_statement_wins() -> None:
    facts: Facts = {}
    learn(facts, said("I live in Oslo.", 5))
    learn(facts, said("I moved to Bergen two weeks ago.", 6))
    assert active(facts, "lives_in") == ["Bergen"]
    (oslo,) = [f for f in facts.values() if f.value == "Oslo"]
    assert oslo.valid_to == oslo.valid_from


@given(st.permutations(range(5)))
def test_the_order_of_reading_does_not_matter(order: list[int]) -> None:
    pairs = [_pair(_draft(city), day) for day, city in enumerate(["Oslo", "Bergen", "Rome", "Lyon", "Graz"])]
    straight: Facts = {}
    _tell(straight, *pairs)
    mixed: Facts = {}
    for place in order:
        _tell(mixed, pairs[place])
    assert _final(mixed) == _final(straight)
    assert active(mixed, "lives_in") == ["Graz"]


@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.sampled_from(["a", "b", "c"])),
        min_size=1,
        max_size=7,
        unique_by=lambda t: t[0],
    )
)
def test_the_newest_value_is_active_whatever_repeats(told: list[tuple[int, str]]) -> None:
    newest = max(told)[1]
    for order in list(permutations(told))[:24]:
        facts: Facts = {}
        for day, value in order:
            _tell(facts, _pair(_draft(value), day))
        assert active(facts, "lives_in") == [newest]


def _final(facts: Facts) -> dict[str, tuple[object, ...]]:
    return {f.fact_id: (f.value, f.state, f.superseded_by, f.valid_to) for f in facts.values()}


# --- any mixture -----------------------------------------------------------------------------------

_BEARINGS: tuple[Bearing, ...] = ("asserts", "updates", "ends", "retracts", "reinstates")
_TOLD = st.lists(
    st.tuples(
        st.sampled_from(["user", "Bob"]),
        st.sampled_from(["lives_in", "likes", "api_key_mail"]),
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from(_BEARINGS),
        st.booleans(),
    ),
    max_size=8,
)


@given(_TOLD)
def test_twice_is_once_and_subjects_are_apart(told: list[tuple[str, str, str, Bearing, bool]]) -> None:
    facts: Facts = {}
    for day, (subject, key, value, bearing, owner) in enumerate(told):
        speaker = {} if owner else {"owner": False, "speaker": "Bob"}
        pair = _pair(_draft(value, key, subject, bearing), day, **speaker)
        before = dict(facts)
        _tell(facts, pair)
        assert resolve([pair], list(facts.values()), by="rule") == []
        for fact_id, fact in facts.items():
            if fact_id in before and before[fact_id] != fact:
                assert (fact.subject, fact.key) == (subject, key)
                assert owner or not fact.owner
        for fact in facts.values():
            assert fact.valid_to is None or fact.valid_to >= fact.valid_from
            assert fact.state != "active" or (fact.valid_to, fact.superseded_by) == (None, None)


@given(_TOLD)
def test_every_change_of_state_is_logged(told: list[tuple[str, str, str, Bearing, bool]]) -> None:
    facts: Facts = {}
    for day, (subject, key, value, bearing, _) in enumerate(told):
        before = dict(facts)
        changes = resolve([_pair(_draft(value, key, subject, bearing), day)], list(facts.values()), by="x")
        apply(facts, changes)
        logged = {c.event.fact_id for c in changes if isinstance(c, LogFactEvent)}
        assert {i for i, fact in facts.items() if before.get(i) != fact} == logged


# --- repetition ------------------------------------------------------------------------------------


def test_a_repetition_confirms_and_makes_no_second_fact() -> None:
    facts = play(["I live in Oslo.", "As I said, I live in Oslo!", "i live in  oslo"])
    (fact,) = facts.values()
    assert (fact.confirmations, fact.last_confirmed_at) == (2, START + 2 * STEP)


def test_the_same_number_written_otherwise_is_a_repetition() -> None:
    facts = play(
        ["Cerberus carries 4,850,000 records per day.", "Cerberus carries 4.85 million records/day."]
    )
    assert [f.confirmations for f in facts.values()] == [1]


def test_a_repetition_within_one_message_is_nothing() -> None:
    facts = play(["I live in Oslo. Yes, I live in Oslo."])
    assert [f.confirmations for f in facts.values()] == [0]


def test_the_assistant_confirms_nothing() -> None:
    facts = play(["K-12 is now called Styx."])
    changes = learn(facts, said("K-12 is now called Styx.", 3, owner=False, role="assistant"))
    assert changes == []


# --- authority -------------------------------------------------------------------------------------


def test_others_never_supersede_the_owner() -> None:
    facts = play(["Bob lives in Paris."])
    learn(facts, said("I moved to Rome.", 4, owner=False, speaker="Bob"))
    assert active(facts, "lives_in") == ["Paris", "Rome"]


def test_the_owner_supersedes_others() -> None:
    facts: Facts = {}
    learn(
        facts, said("The rate limit for Kronos is 100 requests per minute.", 0, owner=False, role="assistant")
    )
    learn(facts, said("The rate limit for Kronos is 200 requests per minute.", 1))
    assert active(facts, "rate_limit") == ["200 requests per minute"]


def test_the_owners_word_replaces_the_assistants_same_word() -> None:
    facts: Facts = {}
    learn(facts, said("Titan is deprecated.", 0, owner=False, role="assistant"))
    learn(facts, said("Titan is deprecated.", 1))
    assert [(f.owner, f.state) for f in facts.values()] == [(False, "superseded"), (True, "active")]


def test_an_assistant_revokes_no_policy() -> None:
    facts = play(["Policy v3: Charon is forbidden."])
    learn(facts, said("Policy v3 was revoked.", 2, owner=False, role="assistant"))
    assert active(facts, "policy") == ["Charon is forbidden"]


# --- ends, retracts, reinstates --------------------------------------------------------------------


def test_meat_again_ends_the_diet_and_spares_the_rest() -> None:
    facts = play(
        ["I am strictly vegetarian. I don't eat meat or fish. I'm allergic to nuts.", "I eat meat again."]
    )
    states = {(f.key, f.value): f.state for f in facts.values()}
    assert states[("diet", "strictly vegetarian")] == "superseded"
    assert states[("does_not_eat", "meat")] == "superseded"
    assert states[("does_not_eat", "fish")] == "active"
    assert states[("allergy", "nuts")] == "active"


def test_an_end_says_why_and_when() -> None:
    facts = play(["I live in Oslo.", "I no longer live in Oslo."])
    (fact,) = facts.values()
    assert (fact.state, fact.superseded_by, fact.valid_to) == ("superseded", None, START + STEP)
    assert fact.reason == "I no longer live in Oslo."


def test_an_end_of_something_else_ends_nothing() -> None:
    assert active(play(["I live in Oslo.", "I no longer live in Rome."]), "lives_in") == ["Oslo"]


def test_selling_one_car_keeps_the_others() -> None:
    facts = play(["I own a 1967 Mustang and a Porsche 911.", "I sold my Mustang."])
    assert active(facts, "owns") == ["Porsche 911"]


def test_a_retracted_value_gives_back_what_it_displaced() -> None:
    facts: Facts = {}
    _tell(facts, _pair(_draft("Oslo"), 0))
    _tell(facts, _pair(_draft("Rome"), 1))
    _tell(facts, _pair(_draft("Rome", bearing="retracts"), 2))
    assert {f.value: f.state for f in facts.values()} == {"Oslo": "active", "Rome": "invalidated"}


def test_reinstating_an_old_value_displaces_the_new() -> None:
    facts: Facts = {}
    _tell(facts, _pair(_draft("Oslo"), 0))
    _tell(facts, _pair(_draft("Rome"), 1))
    _tell(facts, _pair(_draft("Oslo", bearing="reinstates"), 2))
    assert {f.value: f.state for f in facts.values()} == {"Oslo": "active", "Rome": "superseded"}


# --- secrets ---------------------------------------------------------------------------------------


def test_the_new_one_replaces_the_one_key() -> None:
    facts = play(
        [
            "My API key for the weather service is ABC123.",
            "Nice day.",
            "I rotated my keys. The new one is XYZ789.",
        ]
    )
    assert {f.value: (f.key, f.state) for f in facts.values()} == {
        "ABC123": ("api_key_weather_service", "superseded"),
        "XYZ789": ("api_key_weather_service", "active"),
    }


def test_the_new_one_replaces_none_of_two_keys() -> None:
    facts = play(
        [
            "My weather API key is ABC123.",
            "My maps API key is DEF456.",
            "I rotated my keys. The new one is XYZ789.",
        ]
    )
    assert sorted(f.value for f in facts.values() if f.state == "active") == ["ABC123", "DEF456", "XYZ789"]


def test_a_named_key_is_replaced_among_several() -> None:
    facts = play(
        ["My weather API key is ABC123.", "My maps API key is DEF456.", "I changed my weather key to XYZ789."]
    )
    assert sorted(f.value for f in facts.values() if f.state == "active") == ["DEF456", "XYZ789"]


def test_two_ways_to_name_one_key() -> None:
    facts = play(["My API key for the weather service is ABC123.", "My weather API key is XYZ789."])
    assert [f.value for f in facts.values() if f.state == "active"] == ["XYZ789"]


def test_password_and_mail_key_are_apart() -> None:
    facts = play(["The database password is hunter2.", "My mail key is MK-55.", "My new mail key is MK-77."])
    assert sorted(f.value for f in facts.values() if f.state == "active") == ["MK-77", "hunter2"]


# --- policies and volumes (A1) -----------------------------------------------------------------------

POLICIES = [
    "Policy v1: Styx may be used up to 500 TiB/day.",
    "Policy v2: River-9 is limited to 10,000 objects/s.",
    "Policy v3: Charon is forbidden. Footnote, three days later: revoked.",
    "Policy v4: Tartarus-v3 is unlimited, EU regions only.",
    "Policy v5 supersedes all earlier policies: 2.5 GB/day.",
    "Ignore v5, it was a draft. New limit: 400,000 records/day. This is v6.",
    "Policy v7: global ban above 1 GiB/day. It supersedes v1–v6.",
    "Policy v8: v7 was issued by a rogue employee, revert to v6.",
]


def test_policies_end_as_the_eighth_says() -> None:
    facts = play(POLICIES)
    states = {f.subject: f.state for f in facts.values() if f.key == "policy"}
    assert states == {
        "v1": "superseded", "v2": "superseded", "v3": "invalidated", "v4": "superseded",
        "v5": "invalidated", "v6": "active", "v7": "invalidated", "v8": "active",
    }  # fmt: skip


def test_before_the_eighth_the_ban_is_in_force() -> None:
    facts = play(POLICIES[:7])
    (ban,) = [f for f in facts.values() if f.subject == "v7"]
    (limit,) = [f for f in facts.values() if f.subject == "v6"]
    assert (ban.state, limit.state, limit.superseded_by) == ("active", "superseded", ban.fact_id)


@pytest.mark.parametrize(
    "volumes",
    [
        [
            "First estimate: 4.2 million/day.",
            "We measured a peak of 4.7 million/day.",
            "Final sign-off: 4,850,000/day.",
        ],
        [
            "Cerberus will process 4.2 million records per day (first estimate).",
            "Peak traffic was 4.7 million records/day.",
            "The final volume, signed off today, is 4,850,000 records/day.",
        ],
    ],
)
def test_volumes_supersede_each_other(volumes: list[str]) -> None:
    facts = play(volumes)
    states = [(f.value.split()[0].split("/")[0], f.state) for f in facts.values()]
    assert states == [("4.2", "superseded"), ("4.7", "superseded"), ("4,850,000", "active")]


def test_an_old_message_read_again_undoes_nothing() -> None:
    facts = play(POLICIES)
    assert learn(facts, said(POLICIES[6], 6)) == []
    assert learn(facts, said(POLICIES[4], 4)) == []


def test_a_volume_of_nothing_named_is_none_of_two() -> None:
    told = [
        "Kronos handles 3 million records/day.",
        "Cerberus handles 4 million records/day.",
        "Peak: 9 million/day.",
    ]
    facts = play(told)
    assert len(active(facts, "volume_per_day")) == 3
    assert {f.subject for f in facts.values()} == {"Kronos", "Cerberus", "user"}


def test_volumes_of_two_projects_are_apart() -> None:
    facts = play(["Kronos handles 3 million records/day.", "Cerberus handles 4 million records/day."])
    assert len(active(facts, "volume_per_day")) == 2


# --- the form of the answer ------------------------------------------------------------------------


def test_nothing_new_is_no_change() -> None:
    assert resolve([], [], by="rule") == []


def test_facts_come_before_what_points_at_them() -> None:
    pairs = [_pair(_draft("Oslo"), 0), _pair(_draft("Rome"), 1)]
    changes = resolve(pairs, [], by="rule")
    assert [c.fact.value for c in changes if isinstance(c, PutFact)] == ["Rome", "Oslo"]


def test_a_confirmation_of_a_new_fact_is_in_the_fact() -> None:
    pairs = [_pair(_draft("Oslo"), 0), _pair(_draft("Oslo"), 1)]
    changes = resolve(pairs, [], by="rule")
    assert not [c for c in changes if isinstance(c, ConfirmFact)]
    assert [c.fact.confirmations for c in changes if isinstance(c, PutFact)] == [1]


def test_pin_is_the_same_whenever_it_is_read() -> None:
    draft = _draft("Oslo")
    one, other = (
        pin(draft, said("word Oslo"), recorded_at=NOW),
        pin(draft, said("word Oslo"), recorded_at=START),
    )
    assert one is not None
    assert one == replace(other, recorded_at=NOW)  # type: ignore[type-var]
    assert len(one.fact_id) == 36
    assert pin(draft, said("word Rome"), recorded_at=NOW) is None


def test_a_date_without_zone_is_utc() -> None:
    draft = _draft("Oslo").model_copy(update={"valid_from": datetime(2024, 1, 1)})  # noqa: DTZ001
    fact = pin(draft, said("word Oslo", 3), recorded_at=NOW)
    assert fact is not None
    assert fact.valid_from == datetime(2024, 1, 1, tzinfo=UTC)
    assert fact.valid_from + timedelta(hours=9) == START
