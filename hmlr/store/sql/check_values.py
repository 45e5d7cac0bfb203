"""Whether every stored value can be read, and is one that this version writes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, LargeBinary, Row, Table, Text, select

from hmlr.store import schema
from hmlr.store.columns import JsonText, UtcMicros
from hmlr.store.record_rules import what_is_wrong
from hmlr.store.sql.rows import in_pages

_TYPES: dict[type, type | tuple[type, ...]] = {
    Text: str,
    UtcMicros: datetime,
    BigInteger: int,
    Integer: int,
    Boolean: bool,
    LargeBinary: bytes,
    Float: float,
    JsonText: (dict, list, str, int, float, type(None)),
}
# The types of exported records: what an import refuses is not here either.
_KINDS = {
    "messages": "message",
    "blocks": "block",
    "facts": "fact",
    "fact_events": "fact_event",
    "dossier_events": "dossier_event",
    "tags": "tag",
    "edits": "edit",
    "tombstones": "tombstone",
}


def wrong_values(connection: Connection) -> list[str]:
    """The columns in which a value is wrong. Raises what the driver does for one that can't be read."""
    found: set[str] = set()
    for table in schema.metadata.sorted_tables:
        for row in in_pages(connection, select(table)):
            found.update(f"{table.name}.{name}" for name in _wrong_in(table, row))
    return sorted(found)


def _wrong_in(table: Table, row: Row[Any]) -> list[str]:
    kind = _KINDS.get(table.name, "")
    wrong = [
        column.name
        for column, value in zip(table.c, row, strict=True)
        if not (value is None and column.nullable)
        and (
            not isinstance(value, _TYPES.get(type(column.type), object))
            or (kind and what_is_wrong(kind, column.name, value))
        )
    ]
    return wrong or _not_derived(table.name, row)


def _not_derived(table: str, row: Row[Any]) -> list[str]:
    """Columns that follow from others of the row, and don't."""
    if table == "facts" and row.subject_key != row.subject.casefold():
        return ["subject_key"]
    if table == "messages":
        speaker_key = None if row.speaker is None else row.speaker.casefold()
        wanted = {"message_id": f"{row.turn_id}/{row.position}", "speaker_key": speaker_key}
        return [name for name, value in wanted.items() if row._mapping[name] != value]
    return []
