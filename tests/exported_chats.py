"""Small exports of chat products, written for the tests."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

JUNE = 1_717_236_000.0  # 2024-06-01T10:00:00Z


def said(own: str, role: str, *parts: object, at: float | None = JUNE, **more: Any) -> dict[str, Any]:
    """A message of ChatGPT."""
    content = more.pop("content", {"content_type": "text", "parts": list(parts)})
    return {"id": own, "author": {"role": role}, "create_time": at, "content": content, **more}


def chatgpt(own: str, *messages: dict[str, Any], title: str = "Talk", **more: Any) -> dict[str, Any]:
    """A conversation of ChatGPT, its messages one after the other."""
    names = ["root", *(f"n-{each['id']}" for each in messages)]
    mapping: dict[str, Any] = {
        "root": {"id": "root", "message": None, "parent": None, "children": names[1:2]}
    }
    for parent, name, message in zip(names, names[1:], messages, strict=False):
        mapping[name] = {"id": name, "message": message, "parent": parent, "children": []}
    known = {"conversation_id": own, "title": title, "create_time": JUNE, "current_node": names[-1]}
    return {**known, "mapping": mapping, "a_new_field": {"x": [1]}, **more}


def claude(own: str, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A conversation of Claude."""
    known = {"uuid": own, "name": "Talk", "created_at": "2024-06-01T10:00:00Z", "account": {"uuid": "a1"}}
    return {**known, "chat_messages": list(messages), **more}


def wrote(own: str, sender: str, words: str, **more: Any) -> dict[str, Any]:
    """A message of Claude."""
    blocks = more.pop("content", [{"type": "text", "text": words}])
    time = "2024-06-01T10:05:00.123456Z"
    return {"uuid": own, "sender": sender, "text": words, "content": blocks, "created_at": time, **more}


def memory(own: str, words: str, **more: Any) -> dict[str, Any]:
    """A memory of mem0."""
    time = "2024-06-01T03:00:00-07:00"
    return {"id": own, "memory": words, "user_id": "ada", "created_at": time, "updated_at": None, **more}


def zipped(files: Mapping[str, object]) -> bytes:
    """An archive; what is neither bytes nor text is written as JSON."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, str | bytes) else json.dumps(content))
    return target.getvalue()
