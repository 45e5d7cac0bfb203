"""Loaders: each form becomes the same records, and a file of another form is refused by name and place."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hmlr.errors import InvalidInput
from hmlr.evaluation.loading import detect, load
from hmlr.evaluation.records import Conversation
from tests.evaluation.making import (
    LOCOMO,
    MESSAGES,
    QUESTIONS,
    REALTALK,
    write_beam,
    write_json,
    write_lines,
)

ROOT = Path(__file__).parents[2]


def one(path: Path, kind: str | None = None) -> Conversation:
    (conversation,) = load([path], kind)
    return conversation


# LoCoMo


@pytest.fixture
def locomo(tmp_path: Path) -> Conversation:
    return one(write_json(tmp_path / "talk.json", LOCOMO))


def test_locomo_messages_keep_their_order_and_the_empty_one_is_gone(locomo: Conversation) -> None:
    assert (locomo.name, locomo.kind) == ("talk-1", "locomo")
    assert [said.id for said in locomo.messages] == ["D1:1", "D1:2", "D2:1"]
    assert [said.session for said in locomo.messages] == ["session_1", "session_1", "session_2"]
    assert locomo.messages[0].speaker == "Ada"


def test_locomo_times_rise_within_a_session(locomo: Conversation) -> None:
    first, second, third = (said.at for said in locomo.messages)
    assert first == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)
    assert second is not None
    assert timedelta(0) < second - first < timedelta(minutes=1)
    assert third == datetime(2023, 6, 1, 9, 0, tzinfo=UTC)


def test_a_picture_is_noted_in_brackets(locomo: Conversation) -> None:
    assert locomo.messages[1].text == "Look! [picture: a red barn]"


def test_locomo_evidence_is_read_and_questions_without_it_are_counted(locomo: Conversation) -> None:
    assert [sorted(question.evidence) for question in locomo.asked] == [["D1:1"], ["D1:1", "D2:1"], ["D2:1"]]
    assert locomo.left_out == {"no evidence": 1, "unknown evidence": 1}
    assert sum(question.unknown for question in locomo.questions) == 2
    assert [question.category for question in locomo.asked] == ["single-hop", "multi-hop", "temporal"]
    assert [question.answer for question in locomo.asked] == ["a kite", "7", ""]


def test_questions_are_asked_a_day_after_the_end(locomo: Conversation) -> None:
    assert locomo.end == datetime(2023, 6, 2, 9, 0, tzinfo=UTC)


# REALTALK


def test_realtalk_has_a_time_per_message(tmp_path: Path) -> None:
    talk = one(write_json(tmp_path / "chat.json", REALTALK))
    assert (talk.name, talk.kind) == ("chat", "realtalk")
    assert [said.text for said in talk.messages] == ["hey", "yo"]
    assert talk.messages[1].at == datetime(2023, 12, 29, 0, 52, tzinfo=UTC)
    assert talk.asked[0].evidence == {"D1:1"}


# BEAM


@pytest.fixture
def beam(tmp_path: Path) -> Conversation:
    return one(write_beam(tmp_path / "beam"))


def test_beam_messages_have_roles_and_dates_of_their_batches(beam: Conversation) -> None:
    assert [(said.id, said.role, said.speaker) for said in beam.messages] == [
        ("0", "user", None),
        ("1", "assistant", None),
        ("2", "user", None),
    ]
    assert beam.messages[0].text == "My key is 12."
    first, second, third = (said.at for said in beam.messages)
    assert first == datetime(2024, 3, 15, tzinfo=UTC)
    assert second is not None
    assert timedelta(0) < second - first < timedelta(minutes=1)
    assert third is not None
    assert third.date().isoformat() == "2024-04-02"
    assert [said.session for said in beam.messages] == ["batch_1", "batch_1", "batch_2"]


def test_beam_evidence_is_a_list_or_a_dict_of_lists(beam: Conversation) -> None:
    assert [sorted(question.evidence) for question in beam.asked] == [["0", "2"], ["0", "1", "2"]]
    assert [question.category for question in beam.asked] == ["knowledge_update", "summarization"]


def test_beam_abstention_is_counted_and_keeps_its_reference(beam: Conversation) -> None:
    assert beam.left_out == {"no evidence": 1}
    assert [question.answer for question in beam.questions] == ["It was never said.", "13", "Keys."]


# JSON Lines


@pytest.mark.parametrize("apart", [True, False])
def test_questions_stand_among_the_messages_or_beside_them(tmp_path: Path, apart: bool) -> None:
    path = tmp_path / "own.jsonl"
    if apart:
        write_lines(path, *MESSAGES)
        write_lines(tmp_path / "own_questions.jsonl", *QUESTIONS)
    else:
        write_lines(path, QUESTIONS[0], *MESSAGES, QUESTIONS[1])
    own = one(path)
    assert [question.evidence for question in own.asked] == [{"a"}, {"b"}]
    assert own.asked[0].answer == "Oslo"
    assert [said.session for said in own.messages] == ["s1", "own", "own"]
    assert [said.at is None for said in own.messages] == [True, False, True]


def test_a_file_of_questions_is_read_once(tmp_path: Path) -> None:
    talk = write_lines(tmp_path / "own.jsonl", *MESSAGES)
    questions = write_lines(tmp_path / "own_questions.jsonl", *QUESTIONS)
    assert load([talk, questions]) == load([talk]) == load([questions])


def test_the_samples_load() -> None:
    talks = load(sorted((ROOT / "data").glob("*.jsonl")))
    assert [(talk.name, len(talk.asked), dict(talk.left_out)) for talk in talks] == [
        ("friends", 42, {}),
        ("sample", 25, {}),
    ]


def test_the_example_of_the_docs_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs/bench.md").read_text(encoding="utf-8")
    path = tmp_path / "own.jsonl"
    path.write_text(text.split("```json\n")[1].split("```")[0], encoding="utf-8")
    assert one(path).asked[0].evidence == {"m1"}


# What is no such file


def refused(path: Path, kind: str | None, *words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load([path], kind)
    assert all(word in str(caught.value) for word in (path.name, *words))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "none.json", None, "no file")


@pytest.mark.parametrize(
    ("text", "words"), [("{", "no JSON"), ("[1]", "none of"), ('{"a": 1}', "none of"), ("", "no JSON")]
)
def test_a_file_of_no_known_form(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    refused(path, None, words)


@pytest.mark.parametrize("kind", ["locomo", "realtalk"])
def test_the_other_kind_is_refused(tmp_path: Path, kind: str) -> None:
    other = REALTALK if kind == "locomo" else LOCOMO
    refused(write_json(tmp_path / "talk.json", other), kind, f"no {kind} file")


def test_the_place_of_a_mistake_is_named(tmp_path: Path) -> None:
    broken: list[dict[str, Any]] = deepcopy(LOCOMO)
    del broken[0]["conversation"]["session_2"][0]["speaker"]
    refused(write_json(tmp_path / "talk.json", broken), None, "session_2.0.speaker")


def test_a_time_that_is_none_is_named(tmp_path: Path) -> None:
    broken: list[dict[str, Any]] = deepcopy(LOCOMO)
    broken[0]["conversation"]["session_1_date_time"] = "noon"
    refused(write_json(tmp_path / "talk.json", broken), None, "'noon'")


def test_two_messages_of_one_id_are_refused(tmp_path: Path) -> None:
    refused(write_lines(tmp_path / "own.jsonl", MESSAGES[0], MESSAGES[0], QUESTIONS[0]), None, "'a'")


def test_a_beam_folder_without_questions_is_refused(tmp_path: Path) -> None:
    folder = write_beam(tmp_path / "beam")
    (folder / "probing_questions.json").unlink()
    with pytest.raises(InvalidInput, match=r"probing_questions\.json"):
        load([folder])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"content": 1}, "line 2: content must be a string"),
        ({"who": "me"}, "line 2: unknown key 'who'"),
        ({"question": "x", "evidence": "a"}, "line 2.evidence"),
        ({"question": "x", "evidenz": ["a"]}, "line 2.evidenz"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: object, words: str) -> None:
    refused(write_lines(tmp_path / "own.jsonl", MESSAGES[0], row), None, words)


def test_messages_in_a_file_of_questions_are_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "own.jsonl", *MESSAGES)
    refused(write_lines(tmp_path / "own_questions.jsonl", *QUESTIONS, MESSAGES[2]), None, "holds messages")


def test_a_file_without_questions_is_refused(tmp_path: Path) -> None:
    refused(write_lines(tmp_path / "own.jsonl", *MESSAGES), None, "no question")


def test_a_kind_is_told_by_the_shape(tmp_path: Path) -> None:
    assert detect(write_json(tmp_path / "a.json", LOCOMO)) == "locomo"
    assert detect(write_json(tmp_path / "b.json", REALTALK)) == "realtalk"
    assert detect(write_beam(tmp_path / "beam")) == "beam"
