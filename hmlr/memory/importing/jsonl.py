"""JSON Lines: one message a line, `{"content": …}` and what else is known of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import cast, get_args

from hmlr.memory.importing.entries import BadLine, Entry, Keys, LineError, parse_time
from hmlr.memory.importing.strict_json import decode_object
from hmlr.records import Message, Role, SessionId

FIELDS = ("role", "speaker", "content", "occurred_at", "metadata", "session_id")
_ROLES = get_args(Role)


def read_jsonl(
    lines: Iterable[tuple[int, str | BadLine]], *, session: str, at: datetime | None
) -> Iterator[Entry | BadLine]:
    """Yield the messages in order; `session` and `at` hold for lines that name none."""
    keys = Keys()
    for number, line in lines:
        if isinstance(line, BadLine):
            yield line
        elif line.strip():
            try:
                fields = _decode(line)
                message = _message(fields, at)
                session_id = _text(fields, "session_id") or session
            except LineError as error:
                yield BadLine(line=number, reason=str(error))
                continue
            key = keys.next(line.strip(), dated=fields.get("occurred_at") is not None)
            yield Entry(line=number, message=message, session_id=SessionId(session_id), key=key)


def _message(fields: Mapping[str, object], at: datetime | None) -> Message:
    if "text" in fields and "content" in fields:
        raise LineError("has both content and text; keep one")
    unknown = [key for key in fields if key not in (*FIELDS, "text")]
    if unknown:
        raise LineError(f"unknown key {unknown[0]!r}; known are {', '.join(FIELDS)}")
    content = _text(fields, "text" if "text" in fields else "content")
    if content is None:
        raise LineError('has no content; a message is {"role": "user", "content": "…"}')
    role = fields.get("role", "user")
    if role not in _ROLES:
        raise LineError(f"role must be one of {', '.join(_ROLES)}")
    metadata = fields.get("metadata")
    if not isinstance(metadata, dict | None):
        raise LineError("metadata must be an object")
    time = _text(fields, "occurred_at")
    return Message(
        content=content,
        role=cast("Role", role),
        speaker=_text(fields, "speaker"),
        occurred_at=at if time is None else parse_time(time),
        metadata=metadata or {},
    )


def _text(fields: Mapping[str, object], key: str) -> str | None:
    value = fields.get(key)
    if value is None or isinstance(value, str):
        return value
    raise LineError(f"{key} must be a string")


def _decode(line: str) -> dict[str, object]:
    """The object of a line; a message must be text that can be kept."""
    value = decode_object(line)
    if "\\u" in line:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise LineError("holds half of a surrogate pair, which is no text") from error
    return value
