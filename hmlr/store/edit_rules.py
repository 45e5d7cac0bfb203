"""What the payload of an imported edit has to be: a rebuild makes the edit again, and relies on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ValidationError

from hmlr.records import Fact
from hmlr.store.garden_records import MERGE_DOSSIER, PLACE_FACT, RENAME_DOSSIER


def _zoned(value: str) -> str:
    parsed = datetime.fromisoformat(value)
    if parsed.tzinfo is None:
        raise ValueError("no zone")
    try:
        parsed.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error
    return value


_Time = Annotated[str, AfterValidator(_zoned)]


class _OfRun(BaseModel):
    run_id: str = ""


class _Placed(_OfRun):
    dossier_id: str


class _Merged(_OfRun):
    into: str


class _Titled(_OfRun):
    label: str


class _Labelled(BaseModel):
    label: str


class _InBlock(BaseModel):
    block_id: str


class _OfFact(BaseModel):
    reason: str
    at: _Time
    valid_to: _Time | None = None
    told_until: _Time | None = None
    beside: str = ""
    standing: str = ""


class _WithFact(_OfFact):
    fact: Fact


# By kind of edit; of kinds that are not here no payload is read. A test compares them with the desks'.
PAYLOADS: Mapping[str, type[BaseModel]] = {
    PLACE_FACT: _Placed,
    MERGE_DOSSIER: _Merged,
    RENAME_DOSSIER: _Titled,
    "rename_block": _Labelled,
    "place_turn": _InBlock,
    "retire_fact": _OfFact,
    "correct_fact": _OfFact,
    "restore_fact": _OfFact,
}


def what_payload_lacks(kind: str, payload: Mapping[str, object]) -> str:
    """What the payload must be and is not; empty when it is right."""
    shape = PAYLOADS.get(kind)
    if shape is None:
        return ""
    if shape is _OfFact and "fact" in payload:
        shape = _WithFact
    try:
        shape.model_validate(payload)
    except ValidationError as error:
        place = ".".join(str(each) for each in error.errors()[0]["loc"][:2])
        return f"that of {kind}, with a fit {place!r}"
    return ""


def fact_of(kind: str, payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The fact that a correction made; None when the edit made none."""
    return payload.get("fact") if PAYLOADS.get(kind) is _OfFact else None
