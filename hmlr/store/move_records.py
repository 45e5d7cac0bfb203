"""What goes from one database to another when a memory is moved, and how it is proved to be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from hmlr.records import UserId

Rows = Sequence[tuple[Any, ...]]


class Page(NamedTuple):
    """Some rows of a table, in the order and with the columns of `hmlr.store.sql.move_parts`.

    No number in them was given by a database: what stands for a message is its place among the user's.
    """

    table: str
    rows: Rows


@dataclass(frozen=True)
class Tally:
    """How many rows a user has in each table, and a hash over them; the same in every database."""

    tables: Mapping[str, tuple[int, str]]

    @property
    def rows(self) -> int:
        """In all tables together."""
        return sum(count for count, _ in self.tables.values())

    @property
    def digest(self) -> str:
        """One hash over all."""
        return hashlib.sha256(ascii(sorted(self.tables.items())).encode()).hexdigest()

    def differing(self, other: Tally) -> tuple[str, ...]:
        """The tables that are not the same, with how many rows each side has."""
        names = sorted(self.tables.keys() | other.tables.keys())
        return tuple(
            f"{name} ({self._count(name)} and {other._count(name)} rows)"
            for name in names
            if self.tables.get(name) != other.tables.get(name)
        )

    def _count(self, name: str) -> int:
        return self.tables.get(name, (0, ""))[0]


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """What must hold of a target before a user's memory is put into it."""

    user: UserId
    over: str = ""  # digest of the copy that is there and goes first; empty: nothing may be there
    stale: bool = False  # an earlier attempt may have left bytes in the files of what is forgotten since
