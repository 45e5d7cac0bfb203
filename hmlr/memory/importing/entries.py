"""What a reader yields, and the key by which a message is known when its file is read again."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from hmlr.records import Message, SessionId

Format = Literal["jsonl", "text"]

MAX_LINE_BYTES = 64 * 1024 * 1024  # a longer line is no message; reading it whole would fill the memory


class LineError(ValueError):
    """The line can't be read; the text says why, without the line's number."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A message read from a file."""

    line: int  # number of its first line, from 1; in an export its number among the messages
    message: Message
    session_id: SessionId
    key: str  # the same whenever this message is read from the file, also after the file has grown
    place: str = ""  # in an export: where it stands


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line that is no message."""

    line: int
    reason: str
    place: str = ""  # in an export: where it stands

    def __str__(self) -> str:
        return f"{self.place or f'line {self.line}'}: {self.reason}"


class Keys:
    """Makes idempotency keys for the messages of one file, in their order.

    A dated message is known by its text and by how many equal ones came before it, so that an export that
    overlaps an earlier one adds only what is new. An undated one is known by everything before it too:
    "Ada: ok" of another file is another message. Both stay the same when the file grows at its end.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()
        self._before = hashlib.sha256()

    def next(self, text: str, *, dated: bool) -> str:
        """The key of the next message, given as it is written in the file."""
        data = text.encode("utf-8", "surrogatepass")
        own = hashlib.sha256(data).digest()
        self._before.update(own)
        if not dated:
            return f"file:{self._before.hexdigest()}"
        self._seen[own] += 1
        return f"line:{own.hex()}:{self._seen[own]}"


def parse_time(text: str) -> datetime:
    """An ISO 8601 date or time as UTC; without an offset it is taken as UTC.

    Raises LineError.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise LineError(f"{_short(text)} is no ISO 8601 date or time such as 2023-05-08T13:56") from error


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")
