"""Reading of foreign files: every mistake in one becomes InvalidInput that names the file and the place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from hmlr.errors import InvalidInput
from hmlr.evaluation.records import Said

M = TypeVar("M", bound=BaseModel)


def read_json(path: Path) -> Any:
    """The JSON document in a file."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"can't read {path}: {error.strerror or error}", hint="Check the path") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{path} is no JSON: {error}", hint="Check that it is whole") from error


def rows(model: type[M], value: object) -> list[M]:
    """A list of records. ValidationError when it is none."""
    return TypeAdapter(list[model]).validate_python(value)  # type: ignore[valid-type]


@contextmanager
def shaped_as(kind: str, path: Path, place: str = "") -> Iterator[None]:
    """Turn what does not fit the kind's shape into InvalidInput; `place` is where the value stands."""
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (place, *first["loc"]) if part != "")
        raise InvalidInput(
            f"{path} is no {kind} file: {where}: {first['msg']}", hint="docs/bench.md shows the forms"
        ) from error


def parse_time(text: str, form: str, path: Path) -> datetime:
    """A time of the given form, taken as UTC."""
    try:
        return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
    except ValueError as error:
        example = datetime(2023, 5, 8, 13, 56, tzinfo=UTC).strftime(form)
        raise InvalidInput(f"{path}: {text!r} is no time like {example}", hint="Mend the file") from error


def distinct(messages: Iterable[Said], path: Path) -> tuple[Said, ...]:
    """The messages, each of which has an id of its own."""
    taken: dict[str, Said] = {}
    for said in messages:
        if said.id in taken:
            raise InvalidInput(f"{path} has two messages with the id {said.id!r}", hint="Make ids unique")
        taken[said.id] = said
    return tuple(taken.values())
