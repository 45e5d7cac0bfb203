"""What the reader of one product yields for one conversation or memory of its export."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from hmlr.records import Message

ProductName = Literal["chatgpt", "claude", "mem0"]


@dataclass(frozen=True, kw_only=True)
class Exported:
    """A message of an export."""

    session_id: str
    message: Message
    key: str  # made of the source's ids: the same in every export of it
    place: str = ""  # of the message within its conversation, for errors


@dataclass(frozen=True, kw_only=True)
class Skip:
    """Something that is left out on purpose; it is counted, not an error."""

    reason: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that should be a message and can't be read."""

    reason: str


Piece = Exported | Skip | Fault


@dataclass(frozen=True, kw_only=True)
class Product:
    """How the export of one product is known and read."""

    name: ProductName
    title: str  # as people call it
    unit: str  # what one element of its list is
    claims: Callable[[Mapping[str, object]], bool]  # whether an element of a list is one of its own
    read: Callable[[Mapping[str, object]], Iterator[Piece]]  # raises LineError
    account: Callable[[Mapping[str, object]], str | None]  # whose element it is, where the export says so


def stable_key(*ids: str) -> str:
    """An idempotency key of the source's ids, of a length that every store takes."""
    text = ":".join(ids)
    return text if len(text) <= 300 else f"{ids[0]}:{digest(text)}"


def digest(text: str) -> str:
    """A short mark of a text, for what has no id."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
