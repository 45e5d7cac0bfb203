"""Memories as mem0 gives them: sentences that it made of conversations.

They are another system's words about the user, not the user's own, whatever they say. Each becomes a message
of role `tool` with the speaker `mem0`, from which no constraint and no profile is learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hmlr.memory.importing.exports.fields import items, mapping, moment, text
from hmlr.memory.importing.exports.records import Exported, Piece, Product, Skip, digest, stable_key
from hmlr.records import Message

_KEPT = ("user_id", "agent_id", "app_id", "run_id", "actor_id", "created_at", "updated_at")


def claims(value: Mapping[str, object]) -> bool:
    """Whether this is a memory of mem0."""
    return isinstance(value.get("memory"), str) and isinstance(value.get("id"), str)


def account(value: Mapping[str, object]) -> str | None:
    """The user whose memory it is."""
    return text(value.get("user_id")) or None


def read(value: Mapping[str, object]) -> Iterator[Piece]:
    """The one message of a memory, dated by its last change. Raises LineError."""
    words = text(value.get("memory"))
    if not words.strip():
        yield Skip(reason="memories without text")
        return
    own = text(value.get("id")) or digest(words)
    about: dict[str, object] = {"source": "mem0", "memory_id": own}
    about |= {name: kept for name in _KEPT if (kept := text(value.get(name)))}
    if categories := [each for each in items(value.get("categories")) if isinstance(each, str)]:
        about["categories"] = categories
    if metadata := mapping(value.get("metadata")):
        about["metadata"] = dict(metadata)
    run = text(value.get("run_id"))
    yield Exported(
        session_id=f"mem0:{run}" if run else "mem0",
        message=Message(
            content=words,
            role="tool",
            speaker="mem0",
            # The words are those of the last change; what they replaced is not in the export.
            occurred_at=moment(value.get("updated_at")) or moment(value.get("created_at")),
            metadata=about,
        ),
        key=stable_key("mem0", own, digest(words)),
    )


MEM0 = Product(name="mem0", title="mem0", unit="memory", claims=claims, read=read, account=account)
