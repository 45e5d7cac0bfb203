"""Fields of an export, read tolerantly: what is unknown or of another type counts as absent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from hmlr.memory.importing.entries import LineError, parse_time


def text(value: object) -> str:
    """A text, or "" for anything else."""
    return value if isinstance(value, str) else ""


def mapping(value: object) -> Mapping[str, object]:
    """An object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """A list, or an empty one for anything else."""
    return value if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """Seconds since 1970, or an ISO 8601 time; None when there is none.

    Raises LineError when it is neither, or outside the years 1 to 9999.
    """
    if value is None or value == "" or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return parse_time(value)
    if isinstance(value, int | float):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise LineError(f"{value!r} is no time in seconds since 1970") from error
    raise LineError("a time must be a number or a text")
