"""Reading JSON Lines and transcripts: what is a message, what is a bad line, which key it has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmlr.memory.importing import BadLine, Entry, Format, Survey, batches, detect, read
from hmlr.records import Message

DAY = datetime(2023, 5, 8, tzinfo=UTC)


def lines(text: str) -> list[bytes]:
    return text.encode().splitlines(keepends=True)


def entries(text: str, form: Format = "text", at: datetime | None = None) -> list[Entry]:
    found = list(read(lines(text), form=form, session="s", at=at))
    assert all(isinstance(each, Entry) for each in found), found
    return [each for each in found if isinstance(each, Entry)]


def only_bad(line: str | bytes, form: Format = "jsonl") -> str:
    data = line.encode() if isinstance(line, str) else line
    (found,) = read([data], form=form, session="s")
    assert isinstance(found, BadLine)
    assert found.line == 1
    return found.reason


def keys(found: Sequence[Entry]) -> list[str]:
    return [each.key for each in found]


# JSON Lines


def test_jsonl_full_message() -> None:
    line = json.dumps(
        {
            "role": "assistant",
            "speaker": "Bo",
            "content": "hé",
            "occurred_at": "2023-05-08T15:56:00+02:00",
            "metadata": {"id": 7},
            "session_id": "other",
        }
    )
    (entry,) = entries(line, "jsonl")
    assert entry.message == Message(
        role="assistant",
        speaker="Bo",
        content="hé",
        occurred_at=datetime(2023, 5, 8, 13, 56, tzinfo=UTC),
        metadata={"id": 7},
    )
    assert entry.session_id == "other"


def test_jsonl_takes_text_for_content_and_fills_in_what_is_missing() -> None:
    (entry,) = entries('{"text": "hi"}\n\n', "jsonl", at=DAY)
    assert entry.message == Message(content="hi", occurred_at=DAY)
    assert entry.session_id == "s"


def test_jsonl_naive_time_is_utc() -> None:
    (entry,) = entries('{"content": "a", "occurred_at": "2023-05-08T13:56"}', "jsonl")
    assert entry.message.occurred_at == datetime(2023, 5, 8, 13, 56, tzinfo=UTC)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"content": "a", "when": 1}', "unknown key 'when'"),
        ('{"content": "a", "text": "b"}', "both content and text"),
        ('{"role": "user"}', "no content"),
        ('{"content": 3}', "content must be a string"),
        ('{"content": "a", "role": "bot"}', "role must be one of"),
        ('{"content": "a", "role": ["user"]}', "role must be one of"),
        ('{"content": "a", "metadata": []}', "metadata must be an object"),
        ('{"content": "a", "metadata": {"x": NaN}}', "NaN"),
        ('{"content": "a", "metadata": {"x": -Infinity}}', "Infinity"),
        ('{"content": "a", "metadata": {"x": 1e999}}', "too large"),
        ('{"content": "a", "metadata": {"x": ' + "9" * 5000 + "}}", "5000 digits"),
        ('{"content": "a", "content": "b"}', "'content' twice"),
        ('{"content": "a", "metadata": ' + '{"x":' * 100_000 + "}", "nested too deeply"),
        ("[" * 100_000, "nested too deeply"),
        ('{"content": "\\ud800"}', "surrogate"),
        ('{"content": "a", "occurred_at": "yesterday"}', "ISO 8601"),
        ('{"content": "a", "occurred_at": "0001-01-01T00:00:00+14:00"}', "ISO 8601"),
        ('{"content": "a", "occurred_at": 1683552960}', "occurred_at must be a string"),
        ('{"content": "a"', "no JSON object"),
        ("[1, 2]", "JSON list"),
        ("null", "JSON NoneType"),
    ],
)
def test_jsonl_bad_line_names_the_cause(line: str, reason: str) -> None:
    assert reason in only_bad(line)


@pytest.mark.faults
def test_wrong_encoding_is_named() -> None:
    assert "UTF-8" in only_bad("{'content': 'é'}".encode("latin-1"))
    assert "UTF-8" in only_bad('{"content": "a"}'.encode("utf-16"))


def test_byte_order_mark_is_skipped() -> None:
    data = b'\xef\xbb\xbf{"content": "a"}'
    assert detect("-", data) == "jsonl"
    (entry,) = read([data], form="jsonl", session="s")
    assert isinstance(entry, Entry)


def test_bad_line_in_the_middle_keeps_the_others() -> None:
    found = list(read(lines('{"content": "a"}\nnonsense\n{"content": "b"}'), form="jsonl", session="s"))
    assert [type(each) for each in found] == [Entry, BadLine, Entry]
    assert str(found[1]).startswith("line 2: ")


@pytest.mark.faults
@given(st.binary(max_size=200))
def test_any_bytes_give_entries_or_bad_lines(data: bytes) -> None:
    for form in ("jsonl", "text"):
        for each in read(data.splitlines(keepends=True), form=form, session="s"):
            assert isinstance(each, Entry | BadLine)


@given(st.text().filter(str.strip))
def test_content_comes_through_unchanged(content: str) -> None:
    (entry,) = entries(json.dumps({"content": content}), "jsonl")
    assert entry.message.content == content


# Transcripts


def test_transcript_times_names_and_continuation() -> None:
    found = entries(
        "--- session 2023-05-08 ---\n"
        "[2023-05-08 13:56] Ada: Back from Bergen.\n"
        "It rained: all week, 10:30 to 22:00.\n"
        "2023-05-08 13:57 - Ben O'Neill: See http://x.y\n"
        "[2023-05-08T13:58:00+02:00] Ada:\n"
    )
    assert [each.message.content for each in found] == [
        "Back from Bergen.\nIt rained: all week, 10:30 to 22:00.",
        "See http://x.y",
        "",
    ]
    assert [each.message.speaker for each in found] == ["Ada", "Ben O'Neill", "Ada"]
    assert [each.line for each in found] == [2, 4, 5]
    times = [each.message.occurred_at for each in found]
    assert times == [
        datetime(2023, 5, 8, hour, minute, tzinfo=UTC) for hour, minute in ((13, 56), (13, 57), (11, 58))
    ]


def test_session_lines_part_sessions_and_date_them() -> None:
    found = entries("--- session 2023-05-08 ---\nAda: a\n\nBen: b\n--- Session 2023-05-09 ---\nAda: c\n")
    assert [each.session_id for each in found] == ["s", "s", "s-2"]
    assert [each.message.occurred_at for each in found] == [DAY, DAY, datetime(2023, 5, 9, tzinfo=UTC)]


def test_blank_lines_part_sessions_where_no_session_line_does() -> None:
    assert [each.session_id for each in entries("Ada: a\nBen: b\n\n\nAda: c\n")] == ["s", "s", "s-2"]


def test_blank_line_inside_a_message_stays_in_it() -> None:
    (entry,) = entries("Ada: first\n\nsecond paragraph\n")
    assert entry.message.content == "first\n\nsecond paragraph"


def test_colon_in_a_dated_transcript_opens_no_message() -> None:
    found = entries("[2023-05-08] Ada: a\nRemember: milk\nAda: b\n")
    assert [each.message.content for each in found] == ["a\nRemember: milk", "b"]


def test_undated_transcript_takes_the_given_time() -> None:
    assert entries("Ada: a", at=DAY)[0].message.occurred_at == DAY


def test_text_before_the_first_name_is_bad() -> None:
    assert "opens no message" in only_bad("just prose", "text")


def test_impossible_date_is_bad() -> None:
    assert "ISO 8601" in only_bad("[2023-13-41] Ada: a", "text")


# Keys


@pytest.mark.parametrize("form", ["jsonl", "text"])
def test_keys_stay_the_same_when_the_file_grows(form: Format) -> None:
    line = {"jsonl": '{{"content": "ok {}"}}\n', "text": "Ada: ok {}\n"}[form]
    old = "".join(line.format(number % 3) for number in range(9))
    assert keys(entries(old + line.format("new"), form))[:9] == keys(entries(old, form))


def test_equal_lines_of_a_file_have_different_keys() -> None:
    assert len(set(keys(entries("Ada: ok\nAda: ok\nAda: ok\n")))) == 3
    dated = '{"content": "ok", "occurred_at": "2023-05-08"}\n'
    assert len(set(keys(entries(dated * 3, "jsonl")))) == 3


def test_undated_lines_of_two_conversations_are_different_messages() -> None:
    one, other = entries("Ada: hi\nBen: ok\n"), entries("Cleo: hi\nBen: ok\n")
    assert one[1].key != other[1].key


def test_dated_lines_of_overlapping_exports_are_the_same_messages() -> None:
    dated = [f"[2023-05-08 13:{minute}] Ada: ok\n" for minute in range(10, 20)]
    assert keys(entries("".join(dated)))[5:] == keys(entries("".join(dated[5:])))


# Batches and checks


def test_batches_end_with_the_session_and_at_their_size() -> None:
    found = entries("".join(f"Ada: {number}\n" for number in range(5)) + "\nAda: x\n")
    cut = list(batches(found, 2))
    assert [len(batch.entries) for batch in cut] == [2, 2, 1, 1]
    assert [each for batch in cut for each in batch.entries] == found


def test_a_survey_names_the_line_of_a_message_that_could_not_be_stored() -> None:
    survey = Survey(max_message_chars=5)
    found = entries("Ada: a\nAda: too long\n")
    for each in found:
        survey.add(each)
    (bad,) = survey.bad
    assert (survey.good, bad.line) == (1, 2)
    assert list(survey.kept(found)) == found[:1]


@pytest.mark.parametrize(
    ("name", "start", "form"),
    [
        ("a.jsonl", b"", "jsonl"),
        ("a.txt", b"Ada: hi", "text"),
        ("-", b' \n{"content"', "jsonl"),
        ("-", b"Ada", "text"),
    ],
)
def test_detect(name: str, start: bytes, form: Format) -> None:
    assert detect(name, start) == form
