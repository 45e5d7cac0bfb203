"""Messages in portions that one call stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hmlr.memory.importing.entries import Entry
from hmlr.records import SessionId


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Neighbouring messages of one session."""

    session_id: SessionId
    entries: tuple[Entry, ...]  # never empty


def batches(entries: Iterable[Entry], size: int = 256) -> Iterator[Batch]:
    """Cut the messages, in their order, where the session changes and after `size` of them."""
    held: list[Entry] = []
    for entry in entries:
        if held and (len(held) >= size or entry.session_id != held[0].session_id):
            yield Batch(session_id=held[0].session_id, entries=tuple(held))
            held = []
        held.append(entry)
    if held:
        yield Batch(session_id=held[0].session_id, entries=tuple(held))
