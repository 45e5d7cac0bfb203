"""Builders for what the store takes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from hmlr.language.tokens import terms
from hmlr.records import Block, BlockId, Fact, FactId, MessageId, SessionId, TurnId, UserId
from hmlr.store.encoded import Encoded, to_levels, to_signs
from hmlr.store.records import NewChunk, NewMessage, NewTurn

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ADA, BOB = UserId("ada"), UserId("bob")
_ids = itertools.count(1)


def slices(content: str) -> list[NewChunk]:
    """One paragraph a line; the ids between them are of its sentence."""
    found: list[NewChunk] = []
    start = 0
    for line in content.splitlines(keepends=True):
        end = start + len(line)
        words = tuple(terms(line))
        found.append(NewChunk(ordinal=2 * len(found), start=start, end=end, terms=words))
        start = end
    return found


def message(content: str = "Hello there", **given: Any) -> NewMessage:
    values: dict[str, Any] = {
        "position": 0,
        "role": "user",
        "speaker": None,
        "occurred_at": NOW,
        "recorded_at": NOW,
        "metadata": {},
        "owner": True,
        "echo": False,
        "chunks": tuple(slices(content)),
    }
    return NewMessage(content=content, **(values | given))


def reply(content: str = "Hi", **given: Any) -> NewMessage:
    return message(content, **({"position": 1, "role": "assistant", "owner": False} | given))


def turn(*said: NewMessage | str, **given: Any) -> NewTurn:
    messages = tuple(message(item) if isinstance(item, str) else item for item in said or ("Hello there",))
    values: dict[str, Any] = {
        "turn_id": TurnId(f"t{next(_ids):06}"),
        "session_id": SessionId("s1"),
        "jobs": (),
    }
    return NewTurn(messages=messages, **(values | given))


def fact(turn_id: str, fact_id: str = "f1", *, value: str = "Oslo", **given: Any) -> Fact:
    values: dict[str, Any] = {
        "subject": "user",
        "key": "home",
        "category": "identity",
        "quote": value,
        "start": 0,
        "end": len(value),
        "message_id": MessageId(f"{turn_id}/0"),
        "said_by": "user",
        "owner": True,
        "state": "active",
        "superseded_by": None,
        "reason": "",
        "confirmations": 0,
        "last_confirmed_at": NOW,
        "occurred_at": NOW,
        "valid_from": NOW,
        "valid_to": None,
        "recorded_at": NOW,
    }
    return Fact(fact_id=FactId(fact_id), turn_id=TurnId(turn_id), value=value, **(values | given))


def block(block_id: str = "b1", label: str = "Cooking", **given: Any) -> Block:
    values: dict[str, Any] = {
        "summary": "About food",
        "keywords": ("food",),
        "open_loops": (),
        "decisions": (),
        "state": "ACTIVE",
        "turn_count": 0,
        "started_at": NOW,
        "last_at": NOW,
    }
    return Block(block_id=BlockId(block_id), label=label, **(values | given))


def unit_rows(count: int, dim: int = 8) -> Any:
    rows = np.random.default_rng(count).normal(size=(count, dim)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def encoded(
    rows: Any, *, tokens: Sequence[Any] | None = None, pieces: Sequence[Sequence[int]] | None = None
) -> Encoded:
    """What a model says of texts: `rows` are pooled, `tokens` and `pieces` have an entry for each of them."""
    rows = np.asarray(rows, np.float32)
    none = [()] * len(rows)
    vectors = [np.reshape(own, (-1, rows.shape[1])) for own in tokens or none]
    numbers = [list(own) for own in pieces or none]
    return Encoded(
        pooled=to_levels(rows),
        tokens=to_signs(np.concatenate([np.zeros((0, rows.shape[1]), np.float32), *vectors])),
        token_counts=np.array([len(own) for own in vectors], np.int32),
        pieces=np.array([piece for own in numbers for piece in own], np.uint16),
        piece_counts=np.array([len(own) for own in numbers], np.int32),
    )


def later(**amount: float) -> datetime:
    return NOW + timedelta(**amount)
