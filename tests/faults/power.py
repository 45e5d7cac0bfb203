"""What a disk may hold after the power went: made from what was done to it before (tests/faults/disk.py).

Of each file everything up to its last fsync is there. Of what came later each write, each sector of a write
and each change of size may be there or not, in any combination, so that the order in which they reached the
disk is any; a sector may also hold rubbish. A name that was made or removed since the folder's last fsync may
be there or not. Bytes beside those written keep their values (https://sqlite.org/psow.html).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tests.faults.disk import Event

SECTORS = (512, 4096)
Files = dict[str, bytes]


@dataclass
class _File:
    sure: bytearray = field(default_factory=bytearray)  # up to the last fsync
    later: list[Event] = field(default_factory=list)


class Platter:
    """The files of one folder, with what is sure of them and what is not."""

    def __init__(self, files: Files | None = None) -> None:
        self._files = {name: _File(bytearray(data)) for name, data in (files or {}).items()}
        # Each name's files since the folder's last fsync; the last one is what programs see.
        self._names: dict[str, list[_File | None]] = {name: [file] for name, file in self._files.items()}

    def take(self, event: Event, dice: random.Random) -> None:
        """Let something happen."""
        names = self._names.setdefault(event.name, [None]) if event.name else [None]
        file = names[-1]
        match event.kind:
            case "create" if file is None:
                names.append(_File())
            case "delete":
                names.append(None)
            case "folder":
                self._names = {name: each[-1:] for name, each in self._names.items()}
            case "write" | "truncate":
                assert file is not None
                file.later.append(event)
            case "sync" | "lost":
                assert file is not None
                # What a failed fsync has left out is never written again by itself.
                kept = file.later if event.kind == "sync" else _some(file.later, dice)
                _write(file.sure, kept)
                file.later = []

    def seen(self) -> Files:
        """What programs see: all of it, as a process that is killed leaves it."""
        return self._chosen(-1, kept=True)

    def surely(self) -> Files:
        """What is there at the least: nothing but what was made sure."""
        return self._chosen(0, kept=False)

    def _chosen(self, which: int, *, kept: bool) -> Files:
        found: Files = {}
        for name, each in self._names.items():
            if (file := each[which]) is not None:
                data = bytearray(file.sure)
                _write(data, file.later if kept else [])
                found[name] = bytes(data)
        return found

    def by_chance(self, dice: random.Random) -> Files:
        """What may be there when the power goes now."""
        found: Files = {}
        for name, each in sorted(self._names.items()):
            file = dice.choice(each)
            if file is not None:
                data = bytearray(file.sure)
                _write(data, _some(file.later, dice))
                found[name] = bytes(data)
        return found


def _write(data: bytearray, events: list[Event]) -> None:
    for event in events:
        if event.kind == "truncate":
            del data[event.offset :]
        end = event.offset + len(event.data)
        data.extend(bytes(max(0, end - len(data))))
        data[event.offset : end] = event.data


def _some(later: list[Event], dice: random.Random) -> list[Event]:
    """Which of the writes, or of their sectors, reached the disk."""
    share = dice.choice((0.05, 0.5, 0.95))
    match dice.choice(("none", "all", "first", "writes", "sectors", "sectors")):
        case "none":
            return []
        case "all":
            return later
        case "first":
            until = dice.randrange(len(later) + 1)
            torn = _sectors(later[until], dice) if until < len(later) else []
            return later[:until] + [each for each in torn if dice.random() < 0.5]
        case "writes":
            return [each for each in later if dice.random() < share]
        case _:
            pieces = [piece for each in later for piece in _sectors(each, dice)]
            return [_spoilt(each, dice) for each in pieces if dice.random() < share]


def _sectors(event: Event, dice: random.Random) -> Iterator[Event] | list[Event]:
    """A write cut at the borders of sectors."""
    if event.kind != "write":
        return [event]
    size, end = dice.choice(SECTORS), event.offset + len(event.data)
    borders = [event.offset, *range((event.offset // size + 1) * size, end, size), end]
    return (
        replace(event, offset=first, data=event.data[first - event.offset : last - event.offset])
        for first, last in pairwise(borders)
    )


def _spoilt(event: Event, dice: random.Random) -> Event:
    if event.kind != "write" or dice.random() > 0.02:
        return event
    return replace(event, data=dice.randbytes(len(event.data)))
