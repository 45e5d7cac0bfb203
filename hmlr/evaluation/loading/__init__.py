"""From a path to conversations, whatever the form of the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hmlr.errors import InvalidInput
from hmlr.evaluation.loading import beam, jsonl, locomo, realtalk
from hmlr.evaluation.loading.reading import read_json
from hmlr.evaluation.records import Conversation

LOADERS: Mapping[str, Callable[[Path], list[Conversation]]] = {
    "locomo": locomo.load,
    "realtalk": realtalk.load,
    "beam": beam.load,
    "jsonl": jsonl.load,
}


def load(paths: Sequence[Path], kind: str | None = None) -> list[Conversation]:
    """The conversations of all files; `kind` is one of LOADERS, without it each file's own shape tells.

    A file of questions that stands beside its messages is read with them, not by itself. InvalidInput for
    a file that is missing, or not of the kind, naming the place that is wrong.
    """
    found: list[Conversation] = []
    for path in paths:
        if not path.exists():
            raise InvalidInput(f"there is no file {path}", hint="Check the path")
        chosen = kind or detect(path)
        if chosen == "jsonl" and jsonl.messages_of(path) in paths:
            continue
        found += LOADERS[chosen](path)
    if not any(conversation.questions for conversation in found):
        names = ", ".join(map(str, paths))
        raise InvalidInput(f"there is no question in {names}", hint="docs/bench.md shows the forms")
    return found


def detect(path: Path) -> str:
    """The kind of a file by its name and shape. InvalidInput when it is none of them."""
    if path.is_dir():
        return "beam"
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        return "jsonl"
    kind = _shape(read_json(path))
    if kind is None:
        known = ", ".join(LOADERS)
        raise InvalidInput(f"{path} is none of {known}", hint="docs/bench.md shows the forms")
    return kind


def _shape(data: Any) -> str | None:
    items = data if isinstance(data, list) else [data]
    if all(isinstance(item, dict) and "conversation" in item for item in items):
        return "locomo"
    return "realtalk" if isinstance(data, dict) and "session_1" in data else None
