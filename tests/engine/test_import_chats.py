"""Exports of ChatGPT, Claude and mem0 through the public door."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.errors import InvalidInput
from hmlr.records import ImportReport, StoredMessage
from tests.exported_chats import JUNE, chatgpt, claude, memory, said, wrote, zipped
from tests.faults.doors import door, settled
from tests.opening import Place

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database) as client:
        yield client


async def taken(hmlr: HMLRClient, export: object, **options: Any) -> ImportReport:
    data = export if isinstance(export, bytes) else json.dumps(export).encode()
    return await hmlr.import_chats(io.BytesIO(data), **options)


async def messages(hmlr: HMLRClient) -> list[StoredMessage]:
    return [turn.messages[0] for turn in await hmlr.turns()]


async def texts(hmlr: HMLRClient) -> list[str]:
    return [each.content for each in await messages(hmlr)]


# ChatGPT


async def test_a_chatgpt_message_keeps_its_date_ids_session_and_role(hmlr: HMLRClient) -> None:
    talk = chatgpt(
        "c1",
        said("m1", "user", "I moved to Oslo."),
        said("m2", "assistant", "Nice.", at=JUNE + 60.5, metadata={"model_slug": "gpt-9"}),
        title="Moving",
    )
    report = await taken(hmlr, [talk])
    assert (report.stored, report.repeated, report.bad, report.left_out) == (2, 0, (), {})
    mine, reply = await messages(hmlr)
    assert (mine.role, mine.owner, mine.session_id) == ("user", True, "chatgpt:c1")
    assert mine.occurred_at == datetime(2024, 6, 1, 10, tzinfo=UTC)
    ids = {"source": "chatgpt", "conversation_id": "c1", "title": "Moving"}
    assert mine.metadata == {**ids, "message_id": "m1"}
    assert (reply.role, reply.owner, reply.occurred_at.second) == ("assistant", False, 0)
    assert reply.metadata == {**ids, "message_id": "m2", "model": "gpt-9"}


async def test_only_the_branch_of_the_current_node_is_taken(hmlr: HMLRClient) -> None:
    talk = chatgpt("c1", said("m1", "user", "Hi."), said("m2", "assistant", "First answer."))
    node = {"id": "n-m3", "message": said("m3", "assistant", "Second answer."), "parent": "n-m1"}
    talk["mapping"]["n-m3"] = node
    talk["current_node"] = "n-m3"
    report = await taken(hmlr, [talk])
    assert report.left_out == {"messages of other branches": 1}
    assert await texts(hmlr) == ["Hi.", "Second answer."]


async def test_without_a_current_node_the_latest_branch_is_taken(hmlr: HMLRClient) -> None:
    talk = chatgpt("c1", said("m1", "user", "Hi."), said("m2", "assistant", "New.", at=JUNE + 9))
    talk["mapping"]["old"] = {"message": said("m3", "assistant", "Old."), "parent": "n-m1"}
    del talk["current_node"]
    await taken(hmlr, [talk])
    assert await texts(hmlr) == ["Hi.", "New."]


async def test_what_is_left_out_of_chatgpt_is_counted_by_reason(hmlr: HMLRClient) -> None:
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    spoken = {"content_type": "audio_transcription", "text": "I said this aloud."}
    thought = {"content_type": "thoughts", "thoughts": []}
    profile = {"content_type": "user_editable_context", "user_profile": "I eat meat."}
    code = {"content_type": "code", "text": "search()"}
    talk = chatgpt(
        "c1",
        said("s", "system", ""),
        said("p", "user", content=profile),
        said("m1", "user", picture, "Look."),
        said("m2", "user", spoken, {"content_type": "audio_asset_pointer"}),
        said("m3", "user", picture),
        said("m4", "user", {"content_type": "hologram"}, "x"),
        said("t1", "assistant", content=code, recipient="browser"),
        said("t2", "tool", "page text"),
        said("t3", "assistant", content=thought),
        said("h", "assistant", "unseen", metadata={"is_visually_hidden_from_conversation": True}),
        said("e", "assistant", ""),
    )
    report = await taken(hmlr, [talk])
    assert await texts(hmlr) == ["Look.", "I said this aloud.", "x"]
    assert report.left_out == {
        "images": 2,
        "messages to and from tools": 2,
        "messages without text": 2,
        "system messages": 1,
        "custom instructions": 1,
        "recordings": 1,
        "parts of unknown kinds": 1,
        "thoughts of the assistant": 1,
        "hidden messages": 1,
    }
    assert (await messages(hmlr))[0].metadata["left_out"] == {"images": 1}


async def test_another_user_of_a_shared_conversation_is_not_the_owner(hmlr: HMLRClient) -> None:
    other = said("m1", "user", "I never eat fish.")
    other["author"]["name"] = "Ben"
    await taken(hmlr, [chatgpt("c1", other)])
    (message,) = await messages(hmlr)
    assert (message.speaker, message.owner) == ("Ben", False)


async def test_an_undated_message_takes_the_time_of_the_one_before(hmlr: HMLRClient) -> None:
    await taken(
        hmlr, [chatgpt("c1", said("m1", "user", "Hi.", at=JUNE + 5), said("m2", "user", "Ho.", at=None))]
    )
    assert [each.occurred_at.second for each in await messages(hmlr)] == [5, 5]


async def test_the_zip_as_downloaded_with_its_parts_and_other_files(hmlr: HMLRClient) -> None:
    archive = zipped(
        {
            "export/user.json": {"id": "u", "email": "a@example.org"},
            "export/conversations-000.json": [chatgpt("c1", said("m1", "user", "One."))],
            "export/conversations-001.json": [chatgpt("c2", said("m2", "user", "Two."))],
            "export/shared_conversations.json": [{"id": "s", "conversation_id": "c1"}],
            "export/chat.html": "<html>",
            "export/file-1.png": b"\x89PNG",
        }
    )
    report = await taken(hmlr, archive)
    assert (report.stored, report.left_out) == (2, {"other files of the archive": 4})
    assert await texts(hmlr) == ["One.", "Two."]


# Claude


async def test_a_claude_message_keeps_its_date_ids_session_and_role(hmlr: HMLRClient) -> None:
    await taken(hmlr, [claude("c1", wrote("m1", "human", "I moved."), wrote("m2", "assistant", "Nice."))])
    mine, reply = await messages(hmlr)
    assert (mine.role, mine.owner, mine.session_id, reply.role) == ("user", True, "claude:c1", "assistant")
    assert mine.occurred_at == datetime(2024, 6, 1, 10, 5, 0, 123456, tzinfo=UTC)
    ids = {"source": "claude", "conversation_id": "c1", "title": "Talk"}
    assert mine.metadata == {**ids, "message_id": "m1"}


async def test_what_is_left_out_of_claude_is_counted_by_reason(hmlr: HMLRClient) -> None:
    blocks = [
        {"type": "thinking", "thinking": "secretly"},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "name": "web", "input": {}},
        {"type": "tool_result", "content": []},
        {"type": "token_budget"},
        {"type": "text", "text": "Found it."},
        {"type": "hologram"},
    ]
    pasted = [{"file_name": "a.txt", "extracted_content": "I hate tea."}]
    talk = claude(
        "c1",
        wrote("m1", "human", "Read this.", attachments=pasted),
        wrote("m2", "assistant", "not supported", content=blocks),
        wrote("m3", "human", "Old form.", content=[]),
    )
    report = await taken(hmlr, [talk])
    assert await texts(hmlr) == ["Read this.", "Let me look.\nFound it.", "Old form."]
    assert report.left_out == {
        "tool calls and results": 2,
        "attachments": 1,
        "thoughts of the assistant": 1,
        "blocks of unknown kinds": 1,
    }
    assert (await messages(hmlr))[0].metadata["attachments"] == ["a.txt"]


async def test_of_claude_the_last_branch_is_taken(hmlr: HMLRClient) -> None:
    root = "00000000-0000-4000-8000-000000000000"
    talk = claude(
        "c1",
        wrote("m1", "human", "Hi.", parent_message_uuid=root),
        wrote("m2", "assistant", "Old.", parent_message_uuid="m1"),
        wrote("m3", "assistant", "New.", parent_message_uuid="m1"),
    )
    report = await taken(hmlr, [talk])
    assert await texts(hmlr) == ["Hi.", "New."]
    assert report.left_out == {"messages of other branches": 1}


async def test_of_claude_all_is_taken_when_parents_are_missing(hmlr: HMLRClient) -> None:
    talk = claude("c1", wrote("m1", "human", "Hi."), wrote("m2", "human", "Ho.", parent_message_uuid="gone"))
    await taken(hmlr, [talk])
    assert await texts(hmlr) == ["Hi.", "Ho."]


# mem0


@pytest.mark.security
@pytest.mark.parametrize("key", [None, "results", "memories"])
async def test_memories_of_mem0_are_never_the_owners_words(hmlr: HMLRClient, key: str | None) -> None:
    listed = [
        memory("1", "I am strictly vegetarian. Never suggest meat.", categories=["food"], metadata={"x": 1}),
        memory("2", "Lives in Oslo.", updated_at="2024-07-01T10:00:00Z", run_id="r1"),
    ]
    await taken(hmlr, {"count": 2, "next": None, key: listed} if key else listed)
    await settled(hmlr)
    first, second = await messages(hmlr)
    assert (first.role, first.speaker, first.owner, first.session_id) == ("tool", "mem0", False, "mem0")
    assert first.occurred_at == datetime(2024, 6, 1, 10, tzinfo=UTC)
    assert first.metadata["memory_id"] == "1"
    assert (first.metadata["categories"], first.metadata["metadata"]) == (["food"], {"x": 1})
    assert (second.session_id, second.occurred_at.month) == ("mem0:r1", 7)
    assert [each for each in await hmlr.facts() if each.category == "constraint"] == []
    assert (await hmlr.profile()).constraints == ()
    assert (await hmlr.recall("Oslo"))[0].text == "Lives in Oslo."


async def test_a_memory_that_mem0_changed_is_taken_anew(hmlr: HMLRClient) -> None:
    await taken(hmlr, [memory("1", "Lives in Oslo.")])
    report = await taken(hmlr, [memory("1", "Lives in Bergen.")])
    assert report.stored == 1


# Of all


@pytest.mark.faults
@pytest.mark.parametrize(
    "export",
    [
        [chatgpt("c1", said("m1", "user", "Hi."), said("m2", "assistant", "Hi."))],
        [claude("c1", wrote("m1", "human", "Hi."), wrote("m2", "assistant", "Hi."))],
        [memory("1", "Hi."), memory("2", "Hi.")],
    ],
    ids=["chatgpt", "claude", "mem0"],
)
async def test_twice_stores_nothing_twice_and_a_newer_export_adds_what_is_new(
    hmlr: HMLRClient, export: list[dict[str, Any]]
) -> None:
    assert (await taken(hmlr, export[:1])).stored in (1, 2)
    again = await taken(hmlr, zipped({"conversations.json": export}))
    assert again.stored + again.repeated == 2
    assert (await taken(hmlr, export)).stored == 0
    assert len(await hmlr.turns()) == 2


@pytest.mark.security
@pytest.mark.parametrize(
    "export",
    [
        [
            claude("c1", wrote("m1", "human", "Hi.")),
            claude("c2", wrote("m2", "human", "Ho."), account={"uuid": "b2"}),
        ],
        [memory("1", "Lives in Oslo."), memory("2", "Lives in Rome.", user_id="ben")],
    ],
    ids=["claude", "mem0"],
)
async def test_what_several_people_said_does_not_get_into_one_memory(
    hmlr: HMLRClient, export: list[dict[str, Any]]
) -> None:
    with pytest.raises(InvalidInput, match="several"):
        await taken(hmlr, export)
    assert await hmlr.turns() == []


async def test_a_file_is_known_by_its_content_whatever_its_name(hmlr: HMLRClient, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(zipped({"x.json": [claude("c1", wrote("m1", "human", "Hi."))]}))
    assert (await hmlr.import_chats(path)).stored == 1
    path.write_text("[2024-06-01 10:00] Ada: Hello.\n")
    assert (await hmlr.import_chats(path, session_id="s")).stored == 1


async def test_a_format_overrides_and_an_unknown_one_is_refused(hmlr: HMLRClient) -> None:
    with pytest.raises(InvalidInput, match="conversation 1: is none of Claude's"):
        await taken(hmlr, [chatgpt("c1", said("m1", "user", "Hi."))], format="claude")
    with pytest.raises(InvalidInput, match="no conversations of mem0"):
        await taken(hmlr, zipped({"conversations.json": [chatgpt("c1")]}), format="mem0")
    with pytest.raises(InvalidInput, match="no import format 'word'"):
        await taken(hmlr, [], format="word")


async def test_progress_counts_every_message(hmlr: HMLRClient) -> None:
    steps: list[int] = []
    talks = [chatgpt(f"c{number}", said(f"m{number}", "user", "Hi.")) for number in range(5)]
    await taken(hmlr, talks, progress=steps.append)
    assert sum(steps) == 5
