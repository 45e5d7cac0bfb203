"""Conversations as Claude exports them: messages in a list, with blocks of text, thoughts and tools.

Taken is the text that human and assistant wrote to each other. Thoughts, tool calls and their results are
left out and counted, and so are attachments: a pasted document is not what its owner says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from hmlr.memory.importing.entries import LineError
from hmlr.memory.importing.exports.branch import branch_to
from hmlr.memory.importing.exports.fields import items, mapping, moment, text
from hmlr.memory.importing.exports.records import (
    Exported,
    Fault,
    Piece,
    Product,
    Skip,
    digest,
    stable_key,
)
from hmlr.records import Message, Role

_ROLES = {"human": "user", "user": "user", "assistant": "assistant"}
_BLOCKS = {
    "thinking": "thoughts of the assistant",
    "redacted_thinking": "thoughts of the assistant",
    "tool_use": "tool calls and results",
    "tool_result": "tool calls and results",
    "image": "images",
}
_NO_LOSS = frozenset({"token_budget", "flag"})  # blocks that never hold what was said


def claims(value: Mapping[str, object]) -> bool:
    """Whether this is a conversation of Claude."""
    return isinstance(value.get("chat_messages"), list)


def account(value: Mapping[str, object]) -> str | None:
    """The account that had the conversation; a team's export holds those of several."""
    return text(mapping(value.get("account")).get("uuid")) or None


def read(value: Mapping[str, object]) -> Iterator[Piece]:
    """The messages of the branch that is current, in order. Raises LineError."""
    messages = [mapping(each) for each in items(value.get("chat_messages"))]
    current = _branch(messages, text(value.get("current_leaf_message_uuid")))
    if len(current) < len(messages):
        yield Skip(reason="messages of other branches", count=len(messages) - len(current))
    conversation = text(value.get("uuid")) or digest(f"{value.get('created_at')}{text(value.get('name'))}")
    common = {"source": "claude", "conversation_id": conversation}
    if title := text(value.get("name")):
        common["title"] = title[:500]
    last = moment(value.get("created_at"))
    for number, said in enumerate(current, 1):
        own = text(said.get("uuid")) or f"{number}-{digest(text(said.get('text')))}"
        try:
            last = moment(said.get("created_at")) or last
            yield from _message(said, common | {"message_id": own}, last)
        except LineError as error:
            yield Fault(reason=f"message {own[:60]}: {error}")


def _branch(messages: Sequence[Mapping[str, object]], leaf: str) -> Sequence[Mapping[str, object]]:
    """The branch that ends in the message that the export names, else in the last one.

    All messages, when they do not name their parents, or when the way up ends in the middle: what is not
    certainly another branch is kept.
    """
    by_id = {text(said.get("uuid")): said for said in messages}
    parents = {name: text(said.get("parent_message_uuid")) for name, said in by_id.items()}
    if len(by_id) < len(messages) or "" in by_id or not any(parents.values()):
        return messages
    way = branch_to(leaf if leaf in by_id else text(messages[-1].get("uuid")), parents)
    first = text(messages[0].get("uuid"))
    if parents[way[0]] != parents[first]:
        return messages
    return [by_id[name] for name in way]


def _message(
    said: Mapping[str, object], metadata: dict[str, str], occurred_at: datetime | None
) -> Iterator[Piece]:
    role = _ROLES.get(text(said.get("sender")))
    if role is None:
        yield Skip(reason="messages of unknown roles")
        return
    words, missing = _words(said)
    attached = [*items(said.get("attachments")), *items(said.get("files"))]
    if attached:
        missing["attachments"] = len(attached)
    yield from (Skip(reason=reason, count=count) for reason, count in missing.items())
    if not words.strip():
        yield Skip(reason="messages without text")
        return
    about: dict[str, object] = dict(metadata)
    if missing:
        about["left_out"] = dict(missing)
    if names := [name for each in attached if (name := text(mapping(each).get("file_name")))]:
        about["attachments"] = [name[:200] for name in names[:20]]
    yield Exported(
        session_id=f"claude:{metadata['conversation_id']}",
        message=Message(content=words, role=cast("Role", role), occurred_at=occurred_at, metadata=about),
        key=stable_key("claude", metadata["conversation_id"], metadata["message_id"]),
        place=f"message {metadata['message_id'][:60]}",
    )


def _words(said: Mapping[str, object]) -> tuple[str, Counter[str]]:
    """The text of a message, and what of it is none."""
    texts: list[str] = []
    missing: Counter[str] = Counter()
    blocks = [mapping(each) for each in items(said.get("content"))]
    for block in blocks:
        kind = text(block.get("type"))
        if kind == "text":
            texts.append(text(block.get("text")))
        elif kind not in _NO_LOSS:
            missing[_BLOCKS.get(kind, "blocks of unknown kinds")] += 1
    if not blocks:  # where there are, `text` holds stand-ins for those that are no text
        texts.append(text(said.get("text")))
    return "\n".join(each for each in texts if each), missing


CLAUDE = Product(
    name="claude", title="Claude", unit="conversation", claims=claims, read=read, account=account
)
