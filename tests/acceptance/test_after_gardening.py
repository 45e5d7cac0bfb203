"""The scenarios once more, gardened after each sitting: what is arranged is found and kept as before.

A sitting is a client of its own in this process; that each also works in a fresh process is tested where the
scenarios stand.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance import test_constraints_and_keys as keys
from tests.acceptance import test_finding_again as finding
from tests.acceptance import test_topics as topics
from tests.acceptance import test_trust as trust
from tests.acceptance.conftest import Sit, call, chat, here, sitting
from tests.acceptance.hydra import email
from tests.opening import Place
from tests.scripted import test_scenarios as scripted
from tests.scripted.server import Line, TaskServer

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.one_store,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("embedder"),
]

OFFLINE = (
    keys.test_a2_a_constraint_is_named_in_the_answer,
    keys.test_a3_a_constraint_is_shown_though_the_message_says_to_ignore_it,
    keys.test_a4_a_rotated_key_replaces_the_old_one_but_not_in_history,
    keys.test_a5_five_values_of_one_key_stay_in_order,
    finding.test_a6_what_the_assistant_said_is_found_and_labelled,
    finding.test_a7_a_pet_is_found_after_fifty_turns,
    finding.test_a8_a_credential_is_found_without_its_word,
    keys.test_a9_two_similar_secrets_are_told_apart,
    topics.test_a12_the_header_gathers_words_of_several_turns,
    topics.test_a14_a_detail_continues_the_topic,
    topics.test_a14_another_subject_opens_a_block_and_pauses_the_first,
    topics.test_a15_new_continue_shift_resume,
    finding.test_a17_all_five_cars_and_the_right_policy,
    trust.test_a19_one_user_never_sees_another,
    trust.test_a20_two_messages_in_one_instant_are_both_kept_in_order,
    finding.test_a25_yesterday_is_recalled_without_any_gardening,
    keys.test_a26_a_constraint_that_was_lifted_can_be_restored,
    trust.test_a27_a_forgotten_turn_leaves_no_byte,
    trust.test_a27_a_forgotten_fact_leaves_no_byte_but_its_turn,
    trust.test_a27_everything_of_one_user_goes_and_nothing_of_another,
    trust.test_a28_a_remembered_instruction_is_inert_and_labelled,
    finding.test_a29_a_year_is_imported_with_its_own_dates,
    trust.test_a30_a_repeated_memory_teaches_nothing,
)
SCRIPTED = (
    scripted.test_a2_the_model_is_told_the_constraint_and_names_it,
    scripted.test_a3_constraints_reach_the_model_though_the_message_says_to_ignore_them,
    scripted.test_a10_a_vague_question_stays_in_its_block_and_finds_its_turns,
    scripted.test_a11_that_thing_i_found_confusing_is_in_the_prompt,
    scripted.test_a13_five_details_over_eight_turns_reach_the_prompt,
)


def gardened(database: Place, environment: Mapping[str, str]) -> Sit:
    """Run steps with a fresh client on this database, and garden all of it, what is talked about included."""
    take_here = here(environment)

    def take(job: dict[str, Any], env: Mapping[str, str]) -> list[Any]:
        steps, flush = job["steps"], job["flush"]
        ends = (*([call("flush", 30)] if flush else []), call("garden", include_active=True), call("blocks"))
        results = take_here({**job, "steps": [*steps, *ends]}, env)
        report, blocks = results[-2:]
        if flush:
            assert (report["pending"], report["stopped"]) == (0, "")
            assert {block["state"] for block in blocks} <= {"GARDENED"}
        return results[: len(steps)]

    return sitting(database, take)


@pytest.mark.parametrize("scenario", OFFLINE, ids=lambda scenario: scenario.__name__[5:40])
def test_it_holds_after_gardening(
    scenario: Callable[..., None], tmp_path: Path, database: Place, environment: dict[str, str]
) -> None:
    given: dict[str, Any] = {"sit": gardened(database, environment), "database": database}
    given |= {"environment": environment, "tmp_path": tmp_path}
    scenario(**{name: given[name] for name in inspect.signature(scenario).parameters})


@pytest.mark.parametrize("scenario", SCRIPTED, ids=lambda scenario: scenario.__name__[5:40])
def test_it_holds_after_gardening_by_a_model(
    scenario: Callable[..., None], database: Place, environment: dict[str, str]
) -> None:
    servers = []
    with scripted.talking(gardened(database, environment), combined=False) as talk:

        def noted(**script: Line) -> tuple[TaskServer, Sit]:
            server, sit = talk(**script)
            servers.append(server)
            return server, sit

        scenario(noted)
    assert all(server.prompts("tag_classification") for server in servers)


def test_a16_a_giant_message_gives_its_facts_literally_before_and_after(
    database: Place, environment: dict[str, str]
) -> None:
    sit = gardened(database, environment)
    told = email()
    before = sit(chat(told), call("flush", 30), call("facts"))[-1]
    after, dossiers = sit(call("facts"), call("dossiers"))
    assert after == before
    assert all(told[fact["start"] : fact["end"]] == fact["quote"] for fact in before)
    quotes = " ".join(fact["quote"] for fact in before)
    assert "400,000 records/day" in quotes
    assert "4.85 million records per day" in quotes
    assert sum(dossier["facts"] for dossier in dossiers) == len(before)
