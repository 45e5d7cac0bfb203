"""JSON, read so that no other reader would understand it differently."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from hmlr.memory.importing.entries import LineError

_DIGITS = 20  # more do not fit the 64 bits of a stored integer


def decode_object(text: str) -> dict[str, object]:
    """One JSON object. Raises LineError; half surrogate pairs are left to who keeps the text."""
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_small,
        )
    except RecursionError as error:
        raise LineError("is nested too deeply") from error
    except json.JSONDecodeError as error:
        row = f"line {error.lineno} of it, " if error.lineno > 1 else ""
        raise LineError(f"is no JSON object: {error.msg} at {row}column {error.colno}") from error
    if not isinstance(value, dict):
        raise LineError(f"is a JSON {type(value).__name__}, not an object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise LineError(f"has the key {twice[:40]!r} twice")
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
