"""Conversations as ChatGPT exports them: a tree of nodes, of which one branch is the conversation.

Taken is what user and assistant said to each other. What went between the assistant and its tools, its
thoughts, system prompts and custom instructions (which the export repeats in each conversation) are left out
and counted; so are images, sound and files, since only their names are in the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

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
from hmlr.records import Message

_NO_TEXT = {
    "user_editable_context": "custom instructions",
    "model_editable_context": "custom instructions",
    "thoughts": "thoughts of the assistant",
    "reasoning_recap": "thoughts of the assistant",
}
_PARTS = {
    "image_asset_pointer": "images",
    "audio_asset_pointer": "recordings",
    "real_time_user_audio_video_asset_pointer": "recordings",
    "video_container_asset_pointer": "recordings",
}


def claims(value: Mapping[str, object]) -> bool:
    """Whether this is a conversation of ChatGPT."""
    return isinstance(value.get("mapping"), dict)


def read(value: Mapping[str, object]) -> Iterator[Piece]:
    """The messages of the branch that leads to the current node, in order. Raises LineError."""
    nodes = {name: mapping(node) for name, node in mapping(value.get("mapping")).items()}
    way = branch_to(_leaf(value, nodes), {name: text(node.get("parent")) for name, node in nodes.items()})
    aside = sum(1 for name in nodes.keys() - set(way) if nodes[name].get("message"))
    if aside:
        yield Skip(reason="messages of other branches", count=aside)
    conversation = text(value.get("conversation_id")) or text(value.get("id"))
    if not conversation:  # oldest exports name none
        conversation = digest(f"{value.get('create_time')}{text(value.get('title'))}{way[:1]}")
    common = {"source": "chatgpt", "conversation_id": conversation}
    if title := text(value.get("title")):
        common["title"] = title[:500]
    last = moment(value.get("create_time"))
    for name in way:
        said = mapping(nodes[name].get("message"))
        if not said:
            continue  # the root holds none
        own = text(said.get("id")) or name
        try:
            last = moment(said.get("create_time")) or last
            yield from _message(said, common | {"message_id": own}, last)
        except LineError as error:
            yield Fault(reason=f"message {own[:60]}: {error}")


def _leaf(value: Mapping[str, object], nodes: Mapping[str, Mapping[str, object]]) -> str:
    """The current node; where the export does not say, the end of the branch that is latest."""
    current = text(value.get("current_node"))
    if current in nodes:
        return current
    inner = {text(node.get("parent")) for node in nodes.values()}
    leaves = [name for name in nodes if name not in inner]
    if not leaves:
        if nodes:
            raise LineError("has messages that are their own parents")
        return ""
    return max(leaves, key=lambda name: _time_of(nodes[name]))


def _time_of(node: Mapping[str, object]) -> float:
    time = mapping(node.get("message")).get("create_time")
    return float(time) if isinstance(time, int | float) else 0.0


def _message(
    said: Mapping[str, object], metadata: dict[str, str], occurred_at: datetime | None
) -> Iterator[Piece]:
    content = mapping(said.get("content"))
    aside = _left_out(said, content)
    if aside:
        yield Skip(reason=aside)
        return
    words, missing = _words(content)
    yield from (Skip(reason=reason, count=count) for reason, count in missing.items())
    if not words.strip():
        yield Skip(reason="messages without text")
        return
    author = mapping(said.get("author"))
    about: dict[str, object] = dict(metadata)
    if model := text(mapping(said.get("metadata")).get("model_slug")):
        about["model"] = model
    if missing:
        about["left_out"] = dict(missing)
    by_user = author.get("role") == "user"
    yield Exported(
        session_id=f"chatgpt:{metadata['conversation_id']}",
        message=Message(
            content=words,
            role="user" if by_user else "assistant",
            # In a shared conversation others than the owner are users, too: they have a name.
            speaker=text(author.get("name")) or None if by_user else None,
            occurred_at=occurred_at,
            metadata=about,
        ),
        key=stable_key("chatgpt", metadata["conversation_id"], metadata["message_id"]),
        place=f"message {metadata['message_id'][:60]}",
    )


def _left_out(said: Mapping[str, object], content: Mapping[str, object]) -> str:
    """Why a message is not part of what was said; "" when it is."""
    kind = text(content.get("content_type"))
    if kind in _NO_TEXT:
        return _NO_TEXT[kind]
    role = mapping(said.get("author")).get("role")
    if role == "system":
        return "system messages"
    if role == "tool" or said.get("recipient") not in (None, "", "all"):
        return "messages to and from tools"
    if role not in ("user", "assistant"):
        return "messages of unknown roles"
    if mapping(said.get("metadata")).get("is_visually_hidden_from_conversation") is True:
        return "hidden messages"
    return ""


def _words(content: Mapping[str, object]) -> tuple[str, Counter[str]]:
    """The text of a message, and what of it is none."""
    texts: list[str] = []
    missing: Counter[str] = Counter()
    for part in items(content.get("parts")):
        if isinstance(part, str):
            texts.append(part)
            continue
        kind = text(mapping(part).get("content_type"))
        if words := text(mapping(part).get("text")):  # sound that was written down, among others
            texts.append(words)
        elif part is not None:
            missing[_PARTS.get(kind, "parts of unknown kinds")] += 1
    if not texts and not missing:
        texts.append(text(content.get("text")))  # code and the like have no parts
    return "\n".join(each for each in texts if each), missing


CHATGPT = Product(
    name="chatgpt",
    title="ChatGPT",
    unit="conversation",
    claims=claims,
    read=read,
    account=lambda _: None,  # an export is of one account and does not name it
)
