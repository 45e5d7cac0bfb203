"""Reading a user's whole memory, as it is moved: the same pages from every database."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, Row, Select, select

from hmlr.errors import StorageCorrupt
from hmlr.records import UserId
from hmlr.store.move_records import Page, Rows, Tally
from hmlr.store.schema import ORDINAL_BITS, models
from hmlr.store.sql.move_parts import CHUNKS, JOBS, MESSAGES, PARTS, VECTORS

_ORDINAL = (1 << ORDINAL_BITS) - 1
# A lease is between a process and its database: whoever comes takes the job up.
_LET_GO = {"state": "pending", "lease_until": 0, "token": None, "held": False}


class Step(NamedTuple):
    """A query, and what becomes of its rows; it is read to its end before the next step is asked for."""

    table: str
    statement: Select[Any]
    size: int
    take: Callable[[Sequence[Row[Any]]], Rows]  # none: it was for the reading itself


class Reading:
    """All of a user's rows, step by step, in one snapshot."""

    def __init__(self, user: UserId) -> None:
        self._user = user
        self._message_nos: array[int] = array("q")
        self._numbers = np.zeros(0, np.int64)
        self._models: list[tuple[str, int]] = []

    def steps(self) -> Iterator[Step]:
        """Table by table, vectors model by model."""
        for part in PARTS.values():
            if part is VECTORS:
                yield Step("models", self._models_used(), part.page, self._note_models)
                for name, number in self._models:
                    yield Step(part.name, self._vectors_of(number), part.page, self._vectors(name))
            elif part is MESSAGES:
                numbered = part.rows_of(self._user, "message_no")
                yield Step(part.name, numbered, part.page, self._messages)
                self._numbers = np.frombuffer(self._message_nos, np.int64)
            else:
                take = {CHUNKS: self._chunks, JOBS: _jobs}.get(part, _plain)
                yield Step(part.name, part.rows_of(self._user), part.page, take)

    def _messages(self, rows: Sequence[Row[Any]]) -> Rows:
        self._message_nos.extend(row[0] for row in rows)
        return [row[1:] for row in map(tuple, rows)]

    def _chunks(self, rows: Sequence[Row[Any]]) -> Rows:
        places = self._places([row[0] for row in rows])
        return [(place, *row[1:]) for place, row in zip(places, map(tuple, rows), strict=True)]

    def _models_used(self) -> Select[Any]:
        used = select(VECTORS.shadow.c.model_no).where(VECTORS.of(self._user)).distinct()
        found = select(models.c.model_id, models.c.model_no).where(models.c.model_no.in_(used))
        return found.order_by(models.c.model_id)

    def _note_models(self, rows: Sequence[Row[Any]]) -> Rows:
        self._models += [(row.model_id, row.model_no) for row in rows]
        return ()

    def _vectors_of(self, model_no: int) -> Select[Any]:
        return VECTORS.rows_of(self._user).where(VECTORS.shadow.c.model_no == model_no)

    def _vectors(self, model_id: str) -> Callable[[Sequence[Row[Any]]], Rows]:
        names = VECTORS.columns
        chunk, model = names.index("chunk_id"), names.index("model_no")

        def take(rows: Sequence[Row[Any]]) -> Rows:
            places = self._places([row[chunk] for row in rows])
            found = []
            for place, row in zip(places, rows, strict=True):
                values = list(row)
                values[chunk], values[model] = place, model_id
                found.append(tuple(values))
            return found

        return take

    def _places(self, chunk_ids: Sequence[int]) -> list[int]:
        """The ids of chunks with the message's place among the user's in the stead of its number."""
        ids = np.array(chunk_ids, np.int64)
        wanted = ids >> ORDINAL_BITS
        places = np.searchsorted(self._numbers, wanted)
        known = places < len(self._numbers)
        if not known.all() or (self._numbers[places] != wanted).any():
            raise StorageCorrupt("a paragraph's message is missing", hint="Run `rebuild` and move again")
        found: list[int] = (places << ORDINAL_BITS | ids & _ORDINAL).tolist()
        return found


def _plain(rows: Sequence[Row[Any]]) -> Rows:
    return [tuple(row) for row in rows]


def _jobs(rows: Sequence[Row[Any]]) -> Rows:
    """Jobs as they are when nobody is at them."""
    return [
        tuple((dict(zip(JOBS.columns, row, strict=True)) | _LET_GO).values())
        if row.state == "leased"
        else tuple(row)
        for row in rows
    ]


class Counting:
    """Counts and hashes pages as they pass."""

    def __init__(self) -> None:
        self._tables = {name: (0, hashlib.sha256()) for name in PARTS}

    def take(self, page: Page) -> None:
        """Add the rows of a page; how they are cut into pages makes no difference."""
        count, hashed = self._tables[page.table]
        first = PARTS[page.table].uncounted
        rows = [row[first:] for row in page.rows] if first else page.rows
        # In ASCII: the same on every machine, whatever its Python knows of Unicode.
        hashed.update("".join(f"{row!a}\n" for row in rows).encode("ascii"))
        self._tables[page.table] = (count + len(rows), hashed)

    def tally(self) -> Tally:
        """What has passed."""
        return Tally({name: (count, hashed.hexdigest()) for name, (count, hashed) in self._tables.items()})


def tally(connection: Connection, user: UserId) -> Tally:
    """Count and hash everything of a user."""
    counting = Counting()
    for step in Reading(user).steps():
        rows = connection.execute(step.statement.execution_options(yield_per=step.size))
        for part in rows.partitions():
            if taken := step.take(part):
                counting.take(Page(step.table, taken))
    return counting.tally()
