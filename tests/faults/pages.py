"""Which bytes of a database file are used, and by which table or index.

Used is what says something: the header's fields that a reader needs, the head of each page of a tree, its
pointers to cells, the cells with all they hold, what of them overflows to other pages, and the list of free
pages. Not used are free pages, what lies between a page's pointers and its cells, freed cells, the rest of
the last overflow page, and the header's counters and reserved bytes. https://sqlite.org/fileformat2.html
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

HEADER = ((0, 24), (28, 48), (52, 60))  # without counters of changes, sizes of caches and what is reserved
_INTERIOR_INDEX, _INTERIOR_TABLE, _LEAF_INDEX, _LEAF_TABLE = 2, 5, 10, 13


@dataclass(frozen=True)
class Used:
    """A run of used bytes."""

    owner: str
    first: int
    last: int  # one past


def used(path: Path) -> list[Used]:
    """The used bytes of a database that nobody has open, in no order."""
    with closing(sqlite3.connect(path)) as raw:
        trees = raw.execute("SELECT name, rootpage FROM sqlite_master WHERE rootpage > 0").fetchall()
    book = _Book(path.read_bytes())
    found = [Used("header", first, last) for first, last in HEADER]
    for name, root in [("sqlite_master", 1), *trees]:
        found += (Used(name, first, last) for first, last in book.tree(root))
    return found + [Used("free list", first, last) for first, last in book.free_list()]


class _Book:
    def __init__(self, data: bytes) -> None:
        self._data = data
        size = self._number(16, 2)
        self._size = 65536 if size == 1 else size
        self._room = self._size - data[20]

    def _number(self, at: int, width: int) -> int:
        return int.from_bytes(self._data[at : at + width], "big")

    def _varint(self, at: int) -> tuple[int, int]:
        """The number there, and where it ends."""
        value = 0
        for place in range(8):
            byte = self._data[at + place]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value, at + place + 1
        return value << 8 | self._data[at + 8], at + 9

    def tree(self, page: int) -> Iterator[tuple[int, int]]:
        start = (page - 1) * self._size
        head = start + (100 if page == 1 else 0)
        kind, cells = self._data[head], self._number(head + 3, 2)
        pointers = head + (12 if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE) else 8)
        yield head, pointers + 2 * cells
        for number in range(cells):
            yield from self._cell(kind, start + self._number(pointers + 2 * number, 2))
        if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE):
            yield from self.tree(self._number(head + 8, 4))

    def _cell(self, kind: int, first: int) -> Iterator[tuple[int, int]]:
        at = first
        if kind in (_INTERIOR_INDEX, _INTERIOR_TABLE):
            yield from self.tree(self._number(at, 4))
            at += 4
        if kind == _INTERIOR_TABLE:
            yield first, self._varint(at)[1]
            return
        length, at = self._varint(at)
        if kind == _LEAF_TABLE:
            at = self._varint(at)[1]
        local = self._local(kind, length)
        at += local
        if local == length:
            yield first, at
            return
        yield first, at + 4
        yield from self._overflow(self._number(at, 4), length - local)

    def _local(self, kind: int, length: int) -> int:
        """How much of so long a payload lies in the cell."""
        least = (self._room - 12) * 32 // 255 - 23
        most = self._room - 35 if kind == _LEAF_TABLE else (self._room - 12) * 64 // 255 - 23
        if length <= most:
            return length
        some = least + (length - least) % (self._room - 4)
        return some if some <= most else least

    def _overflow(self, page: int, left: int) -> Iterator[tuple[int, int]]:
        while left > 0:
            start, here = (page - 1) * self._size, min(left, self._room - 4)
            yield start, start + 4 + here
            page, left = self._number(start, 4), left - here

    def free_list(self) -> Iterator[tuple[int, int]]:
        page = self._number(32, 4)
        while page:
            start = (page - 1) * self._size
            yield start, start + 8 + 4 * self._number(start + 4, 4)
            page = self._number(start, 4)
