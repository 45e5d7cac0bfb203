"""What the values of an imported record have to be, beside their types: a file may come from anybody."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any, get_args, get_type_hints

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from hmlr.garden_records import DossierChange
from hmlr.records import BlockState, Category, FactEvent, FactState, Role, TagKind
from hmlr.store.care_records import ErasePlan

MAX_NUMBER = 2**53  # exact in every reader of JSON
MAX_DEPTH = 64  # of a JSON value


def _in_order(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise ValueError("the first comes after the last")
    return pair


_Words = TypeAdapter(list[str])
_Object = TypeAdapter(dict[str, Any])
_Number = Annotated[int, Field(strict=True, ge=1, le=MAX_NUMBER)]
_Ranges = TypeAdapter(list[Annotated[tuple[_Number, _Number], AfterValidator(_in_order)]])

# By type of record and field.
WORDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("message", "role"): get_args(Role),
    ("block", "state"): get_args(BlockState),
    ("fact", "category"): get_args(Category),
    ("fact", "state"): get_args(FactState),
    ("fact_event", "change"): get_args(get_type_hints(FactEvent)["change"]),
    ("dossier_event", "change"): get_args(DossierChange),
    ("tag", "kind"): get_args(TagKind),
    ("tombstone", "scope"): get_args(get_type_hints(ErasePlan)["scope"]),
}
_SHAPES: Mapping[tuple[str, str], tuple[TypeAdapter[Any], str]] = {
    ("message", "metadata"): (_Object, "an object"),
    ("block", "keywords"): (_Words, "a list of texts"),
    ("block", "open_loops"): (_Words, "a list of texts"),
    ("block", "decisions"): (_Words, "a list of texts"),
    ("tag", "turn_ids"): (_Words, "a list of texts"),
    ("edit", "payload"): (_Object, "an object"),
    ("tombstone", "turn_seqs"): (
        _Ranges,
        f"a list of pairs of numbers from 1 to {MAX_NUMBER}, the first before the last",
    ),
}


def what_is_wrong(kind: str, field: str, value: object) -> str:
    """What the value must be and is not; empty when it is right."""
    if (kind, field) in _SHAPES:
        return _what_is_misshapen(kind, field, value)
    if isinstance(value, str):
        words = WORDS.get((kind, field))
        if words is not None and value not in words:
            return f"one of {', '.join(words)}"
        return "" if _is_text(value) else "text without NUL and lone surrogates"
    if isinstance(value, int) and not 0 <= value <= MAX_NUMBER:
        return f"a number from 0 to {MAX_NUMBER}"
    return ""


def _what_is_misshapen(kind: str, field: str, value: object) -> str:
    """As `what_is_wrong`, of a JSON value, whatever stands in its place."""
    shape, told = _SHAPES[kind, field]
    try:
        shape.validate_python(value)
    except ValidationError:
        return told
    if not _is_plain(value, 0):
        return f"JSON without NUL, NaN and lone surrogates, nested {MAX_DEPTH} deep at the most"
    return ""


def _is_text(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= each <= "\udfff" for each in value)


def _is_plain(value: object, depth: int) -> bool:
    match value:
        case str():
            return _is_text(value)
        case dict():
            return depth < MAX_DEPTH and all(
                _is_text(name) and _is_plain(each, depth + 1) for name, each in value.items()
            )
        case list():
            return depth < MAX_DEPTH and all(_is_plain(each, depth + 1) for each in value)
        case float():
            return isfinite(value)
    return True
