"""The tables of a user's memory, in the order in which they are moved, and their columns as plain values.

Left out is what a database gives by itself: the user's number and the numbers of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, MetaData, Select, Table, Text, func, literal, select
from sqlalchemy.types import TypeEngine

from hmlr.records import UserId
from hmlr.store import schema
from hmlr.store.columns import JsonText, UtcMicros

_OWN = {"user_id", "user_no"}
# Those that follow no row of this table, given anew in the old order.
_NUMBERS = {"message_no", "event_no", "tombstone_no", "job_id", "image_no", "vector_no"}
# When the files were rewritten is the database's matter, not the memory's.
_ITS_OWN = {"tombstones": {"purged"}}


@dataclass(frozen=True, eq=False)
class Part:
    """A table as it is moved: `shadow` is it with times and JSON as they are stored."""

    name: str
    shadow: Table
    columns: tuple[str, ...]  # that its rows hold
    order: tuple[str, ...]
    page: int  # rows at a time
    uncounted: int  # so many first columns are carried over, and not compared

    def of(self, user: UserId) -> ColumnElement[bool]:
        """The rows of a user."""
        if "user_id" in self.shadow.c:
            return self.shadow.c.user_id == user
        number = select(schema.users.c.user_no).where(schema.users.c.user_id == user)
        condition: ColumnElement[bool] = self.shadow.c.user_no == number.scalar_subquery()
        return condition

    def rows_of(self, user: UserId, *first: str) -> Select[Any]:
        """The rows of a user in order: these columns, then those that are moved."""
        found = select(*(self.shadow.c[name] for name in (*first, *self.columns)))
        return found.where(self.of(user)).order_by(*(self.shadow.c[name] for name in self.order))


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    if isinstance(kind, UtcMicros):
        return BigInteger()
    return Text() if isinstance(kind, JsonText) else kind


def _part(table: Table, *order: str, page: int = 500, uncounted: int = 0) -> Part:
    columns = (Column(column.name, _plain(column.type)) for column in table.columns)
    without = _OWN | _NUMBERS | _ITS_OWN.get(table.name, set())
    kept = tuple(column.name for column in table.columns if column.name not in without)
    return Part(table.name, Table(table.name, MetaData(), *columns), kept, order, page, uncounted)


# A user's epoch says which search data of this database is out of date.
USERS = _part(schema.users, "user_id", uncounted=1)
MESSAGES = _part(schema.messages, "message_no", page=200)
CHUNKS = _part(schema.chunks, "chunk_id", page=200)
VECTORS = _part(schema.vectors, "vector_no")
JOBS = _part(schema.jobs, "job_id")
TOMBSTONES = _part(schema.tombstones, "tombstone_no")
# A row comes after what it refers to.
PARTS = {
    part.name: part
    for part in (
        USERS,
        _part(schema.turns, "seq"),
        MESSAGES,
        CHUNKS,
        VECTORS,
        _part(schema.blocks, "block_id"),
        _part(schema.turn_blocks, "turn_id"),
        _part(schema.facts, "fact_id"),
        _part(schema.fact_events, "event_no"),
        _part(schema.dossiers, "dossier_id"),
        _part(schema.dossier_entries, "fact_id"),
        _part(schema.dossier_events, "event_no"),
        _part(schema.tags, "tag_id"),
        _part(schema.edits, "seq"),
        TOMBSTONES,
        _part(schema.garden_runs, "run_id"),
        _part(schema.garden_images, "image_no", page=200),
        JOBS,
        _part(schema.day_spending, "day"),
    )
}
# One of them names every user that has anything: all the others' rows hang on these.
_ROOTS = ("users", "turns", "blocks", "dossiers", "edits", "tombstones", "garden_runs", "day_spending")


def every_user() -> Select[Any]:
    """Users of whom there is anything, by name."""
    names = (select(PARTS[name].shadow.c.user_id).distinct() for name in _ROOTS)
    first, *others = names
    return first.union(*others).order_by("user_id")  # type: ignore[return-value]


def any_row(user: UserId) -> Select[Any]:
    """A row when there is anything of the user."""
    first, *others = (select(literal(1)).where(PARTS[name].of(user)) for name in _ROOTS)
    return select(first.union_all(*others).limit(1).subquery())


def row_count(user: UserId | None) -> Select[Any]:
    """How many rows there are of a user, or of all."""
    counts = (select(func.count()).select_from(part.shadow) for part in PARTS.values())
    of_user = zip(counts, PARTS.values(), strict=True)
    chosen = [found if user is None else found.where(part.of(user)) for found, part in of_user]
    total: ColumnElement[int] = literal(0)
    for each in chosen:
        total = total + each.scalar_subquery()
    return select(total)
