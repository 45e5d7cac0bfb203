"""Records for unit tests, with only what a test cares about given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hmlr.records import (
    Block,
    BlockId,
    Fact,
    FactId,
    Hit,
    MessageId,
    SessionId,
    Source,
    StoredMessage,
    Turn,
    TurnId,
)

AT = datetime(2026, 3, 10, 12, tzinfo=UTC)


def message(content: str, **given: Any) -> StoredMessage:
    """A stored message of the owner."""
    values: dict[str, Any] = {
        "message_id": MessageId("t1/0"), "turn_id": TurnId("t1"), "session_id": SessionId("s"), "position": 0,
        "role": "user", "speaker": None, "content": content, "occurred_at": AT, "recorded_at": AT,
        "metadata": {}, "owner": True,
    }  # fmt: skip
    return StoredMessage(**{**values, **given})


def turn(content: str, turn_id: str = "t1", **given: Any) -> Turn:
    """A turn of one message."""
    said = message(content, turn_id=TurnId(turn_id), message_id=MessageId(f"{turn_id}/0"))
    values: dict[str, Any] = {
        "turn_id": TurnId(turn_id), "seq": 1, "session_id": SessionId("s"), "block_id": None,
        "occurred_at": AT, "recorded_at": AT, "messages": (said,),
    }  # fmt: skip
    return Turn(**{**values, **given})


def fact(value: str, **given: Any) -> Fact:
    """An active fact of the owner."""
    values: dict[str, Any] = {
        "fact_id": FactId(f"f-{value}"), "subject": "user", "key": "lives_in", "value": value,
        "category": "identity", "quote": f"I live in {value}", "start": 0, "end": 10, "turn_id": TurnId("t1"),
        "message_id": MessageId("t1/0"), "said_by": "user", "owner": True, "state": "active",
        "superseded_by": None, "reason": "", "confirmations": 0, "last_confirmed_at": AT, "occurred_at": AT,
        "valid_from": AT, "valid_to": None, "recorded_at": AT,
    }  # fmt: skip
    return Fact(**{**values, **given})


def hit(text: str, turn_id: str = "t9", **given: Any) -> Hit:
    """A hit on a message of the owner."""
    source = Source(
        turn_id=TurnId(turn_id), message_id=MessageId(f"{turn_id}/0"), role="user", speaker=None,
        occurred_at=AT, metadata={},
    )  # fmt: skip
    values: dict[str, Any] = {
        "kind": "turn", "text": text, "score": 1.0, "signals": {}, "similarity": 0.5,
        "turn_ids": (TurnId(turn_id),), "occurred_at": AT, "sources": (source,), "node_id": turn_id,
    }  # fmt: skip
    return Hit(**{**values, **given})


def block(label: str, **given: Any) -> Block:
    """A block header."""
    values: dict[str, Any] = {
        "block_id": BlockId(f"b-{label}"), "label": label, "summary": "", "keywords": (), "open_loops": (),
        "decisions": (), "state": "ACTIVE", "turn_count": 1, "started_at": AT, "last_at": AT,
    }  # fmt: skip
    return Block(**{**values, **given})
