"""JSON Lines: one message a line, `{"content": …}` and what else is known of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NoReturn, cast, get_args

from hmlr.memory.importing.entries import BadLine, Entry, Keys, LineError, parse_time
from hmlr.records import Message, Role, SessionId

FIELDS = ("role", "speaker", "content", "occurred_at", "metadata", "session_id")
_ROLES = get_args(Role)
_DIGITS = 20  # more do not fit the 64 bits of a stored integer


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
    """One JSON object; refuses what another JSON reader would understand differently."""
    try:
        value = json.loads(
            line,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_small,
        )
        if "\\u" in line:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise LineError("is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise LineError("holds half of a surrogate pair, which is no text") from error
    except json.JSONDecodeError as error:
        raise LineError(f"is no JSON object: {error.msg} at column {error.colno}") from error
    if not isinstance(value, dict):
        raise LineError(f"is a JSON {type(value).__name__}, not an object; each line holds one message")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        raise LineError(f"has the key {next(name for name in names if names.count(name) > 1)!r} twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise LineError(f"holds {name}, which is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise LineError("holds a number that is too large")
    return number


def _small(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise LineError(f"holds an integer of {len(digits)} digits; write it as a string")
    return int(digits)
