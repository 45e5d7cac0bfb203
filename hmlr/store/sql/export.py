"""Everything of a user as plain JSON values: which columns a record shows, and how they read as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Boolean, Column, Integer, Row, Select, Table, select

from hmlr.errors import InvalidInput
from hmlr.records import UserId
from hmlr.store.columns import JsonText, UtcMicros
from hmlr.store.edit_rules import fact_of, what_payload_lacks
from hmlr.store.port import ExportRecord
from hmlr.store.record_rules import what_is_wrong
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    dossier_events,
    dossiers,
    edits,
    fact_events,
    facts,
    messages,
    tags,
    tombstones,
    turn_blocks,
    turns,
)

PAGE = 500  # records read in one hop

# In this order, so that a record comes after what it refers to; each with its order.
_EXPORTED: dict[str, tuple[Table, tuple[str, ...]]] = {
    "turn": (turns, ("seq",)),
    "message": (messages, ("message_no",)),
    "block": (blocks, ("block_id",)),
    "turn_block": (turn_blocks, ("turn_id",)),
    "fact": (facts, ("recorded_at", "fact_id")),
    "fact_event": (fact_events, ("event_no",)),
    "dossier": (dossiers, ("dossier_id",)),
    "dossier_entry": (dossier_entries, ("fact_id",)),
    "dossier_event": (dossier_events, ("event_no",)),
    "tag": (tags, ("tag_id",)),
    "edit": (edits, ("seq",)),
    "tombstone": (tombstones, ("tombstone_no",)),
}
KINDS = tuple(_EXPORTED)
# The user, numbers that the database gave, and what follows from other columns.
_HIDDEN = {
    "user_id", "message_no", "speaker_key", "sha256", "subject_key", "event_no", "tombstone_no",
    "turn_count", "started_at", "last_at", "last_seq", "purged",
}  # fmt: skip
# Of a block and a dossier the version: it tells two writers of one file apart and nothing else.
_HIDDEN_HERE = {
    "message": {"message_id"},
    "fact": {"version"},
    "block": {"version"},
    "dossier": {"version", "model_id", "vector"},
}
_ONCE_SHOWN = {"block": {"version"}}  # by earlier versions; left out of what is read


def statements(user: UserId) -> Iterator[tuple[str, Select[Any]]]:
    """The type of record and the query that reads all of them, in order."""
    for kind, (table, order) in _EXPORTED.items():
        found = select(*columns(kind)).where(table.c.user_id == user)
        yield kind, found.order_by(*(table.c[name] for name in order))


def columns(kind: str) -> list[Column[Any]]:
    """The columns that a record of this type shows."""
    hidden = _HIDDEN | _HIDDEN_HERE.get(kind, set())
    return [column for column in _EXPORTED[kind][0].columns if column.name not in hidden]


def to_record(kind: str, row: Row[Any]) -> ExportRecord:
    """The record of a row."""
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row._mapping.items()
    }
    return {"type": kind, **plain}


def from_record(record: ExportRecord, number: int) -> tuple[str, dict[str, Any]]:
    """The type and the column values of a record; InvalidInput naming the record and the field."""
    kind = record.get("type") if isinstance(record, dict) else None
    if not isinstance(kind, str) or kind not in _EXPORTED:
        raise _bad(number, "type", f"one of {', '.join(KINDS)}")
    wanted = {column.name: column for column in columns(kind)}
    unknown = sorted(set(record) - set(wanted) - {"type"} - _ONCE_SHOWN.get(kind, set()))
    if unknown:
        raise _bad(number, unknown[0], "a field that this version knows")
    values = {name: _value(record, column, number) for name, column in wanted.items()}
    for name, value in values.items():
        if wrong := what_is_wrong(kind, name, value):
            raise _bad(number, name, wrong)
    if kind == "edit":
        _check_payload(values["kind"], values["payload"], number)
    return kind, values


def _check_payload(kind: str, payload: dict[str, Any], number: int) -> None:
    """A fact in it has to be as good as one that is imported by itself."""
    if wrong := what_payload_lacks(kind, payload):
        raise _bad(number, "payload", wrong)
    if fact := fact_of(kind, payload):
        from_record({**fact, "type": "fact"}, number)


def _value(record: ExportRecord, column: Column[Any], number: int) -> Any:
    value = record.get(column.name)
    if value is None and column.nullable:
        return None
    kind = column.type
    if isinstance(kind, JsonText):
        if column.name not in record:
            raise _bad(number, column.name, "a JSON value")
        return value
    if isinstance(kind, UtcMicros):
        return _time(value, column.name, number)
    wanted = bool if isinstance(kind, Boolean) else int if isinstance(kind, Integer) else str
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise _bad(number, column.name, {bool: "true or false", int: "a whole number", str: "text"}[wanted])
    return value


def _time(value: object, name: str, number: int) -> datetime:
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
        if parsed is not None and parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _bad(number, name, "a time with zone, like 2026-01-31T12:00:00+00:00")


def _bad(number: int, field: str, wanted: str) -> InvalidInput:
    return InvalidInput(f"record {number} can't be imported: {field!r} must be {wanted}")
