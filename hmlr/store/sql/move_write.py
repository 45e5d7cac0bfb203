"""Putting a user's whole memory into a database, page by page in one transaction, and taking it out again."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, delete, select

from hmlr.errors import Conflict, CopyDiffers
from hmlr.records import UserId
from hmlr.store.move_records import Arriving, Page
from hmlr.store.schema import ORDINAL_BITS, messages, moves, users
from hmlr.store.sql.index import model_no, remove_chunks
from hmlr.store.sql.move_parts import CHUNKS, MESSAGES, PARTS, TOMBSTONES, USERS, VECTORS, any_row
from hmlr.store.sql.move_read import Counting, tally
from hmlr.store.sql.rows import among, into
from hmlr.store.sql.special import Indexed, special
from hmlr.store.sql.words import upsert

_ORDINAL = (1 << ORDINAL_BITS) - 1
_PAGE = 500


class Arrival:
    """A user's memory that comes in; its steps belong into one transaction."""

    def __init__(self, arriving: Arriving) -> None:
        self._user = arriving.user
        self._arriving = arriving
        self._counting = Counting()
        self._user_no = 0
        self._epoch = 0  # below which readers may hold search data of an earlier copy
        self._message_nos: array[int] = array("q")
        self._models: dict[str, int] = {}

    def begin(self, connection: Connection) -> None:
        """Make room. Raises Conflict when something is there that may not go."""
        arriving = self._arriving
        there = connection.execute(any_row(self._user)).first() is not None
        if there and not arriving.over:
            raise Conflict(f"the target holds a memory of {self._user} already")
        if arriving.over:
            if tally(connection, self._user).digest != arriving.over:
                raise Conflict(f"the copy of {self._user} in the target was used meanwhile")
            epoch = select(users.c.epoch).where(users.c.user_id == self._user)
            self._epoch = connection.execute(epoch).scalar() or 0
            remove_user(connection, self._user)

    def take(self, connection: Connection, page: Page) -> None:
        """Store a page."""
        self._counting.take(page)
        part = PARTS[page.table]
        rows = [dict(zip(part.columns, row, strict=True)) for row in page.rows]
        if part is USERS:
            self._take_user(connection, rows)
        elif part is MESSAGES:
            self._take_messages(connection, rows)
        elif part is CHUNKS:
            self._take_chunks(connection, rows)
        elif part is VECTORS:
            self._take_vectors(connection, rows)
        else:
            own: dict[str, Any] = {"user_id": self._user}
            own |= {"purged": not self._arriving.stale} if part is TOMBSTONES else {}
            connection.execute(into(part.shadow), [row | own for row in rows])

    def end(self, connection: Connection) -> str:
        """The digest of the copy, when it is what came in. Raises CopyDiffers."""
        sent, stands = self._counting.tally(), tally(connection, self._user)
        if sent != stands:
            raise CopyDiffers(
                f"the copy of {self._user} is not what was read: {', '.join(sent.differing(stands))}; "
                "it was taken out again",
                hint="Run `doctor --db` with the target's address, then move again",
            )
        done = {"digest": stands.digest}
        connection.execute(moves.update().where(moves.c.user_id == self._user).values(done))
        return stands.digest

    def _take_user(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        (row,) = rows
        self._user_no = next(special(connection).take_numbers(connection, {"users": 1})["users"])
        if self._arriving.over:
            row["epoch"] = max(row["epoch"], self._epoch) + 1
        connection.execute(into(USERS.shadow), [row | {"user_id": self._user, "user_no": self._user_no}])

    def _take_messages(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        numbers = special(connection).take_numbers(connection, {"messages": len(rows)})["messages"]
        given = list(islice(numbers, len(rows)))
        self._message_nos.extend(given)
        own = [{"user_id": self._user, "message_no": number} for number in given]
        connection.execute(into(MESSAGES.shadow), [row | its for row, its in zip(rows, own, strict=True)])

    def _take_chunks(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row |= {"chunk_id": self._chunk_id(row["chunk_id"]), "user_no": self._user_no}
        connection.execute(into(CHUNKS.shadow), rows)
        special(connection).add_terms(
            connection, [Indexed(row["chunk_id"], row["terms"], row["user_no"]) for row in rows]
        )

    def _take_vectors(self, connection: Connection, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["model_no"] = self._model_no(connection, row["model_no"])
            row |= {"chunk_id": self._chunk_id(row["chunk_id"]), "user_no": self._user_no}
        connection.execute(into(VECTORS.shadow), rows)

    def _chunk_id(self, place: int) -> int:
        """The chunk's id here, from the place of its message."""
        return self._message_nos[place >> ORDINAL_BITS] << ORDINAL_BITS | place & _ORDINAL

    def _model_no(self, connection: Connection, model_id: str) -> int:
        if model_id not in self._models:
            self._models[model_id] = model_no(connection, model_id)
        return self._models[model_id]


def remove_user(connection: Connection, user: UserId) -> None:
    """Take everything of a user out, as if it had never been here."""
    found = select(messages.c.message_no).where(messages.c.user_id == user)
    numbers = connection.execute(found).scalars().all()
    for start in range(0, len(numbers), _PAGE):
        remove_chunks(connection, numbers[start : start + _PAGE])
    special(connection).drop_own(connection)
    for part in reversed(PARTS.values()):
        if part not in (CHUNKS, VECTORS):  # they are gone, and the user's number goes last
            connection.execute(delete(part.shadow).where(part.of(user)))


def begin_moves(connection: Connection, names: Sequence[UserId], now: datetime) -> None:
    """Note that these users are on their way here, those that are not yet noted."""
    rows = [{"user_id": name, "digest": "", "begun_at": now} for name in names]
    if rows:
        connection.execute(upsert(moves).on_conflict_do_nothing(index_elements=["user_id"]), rows)


def read_moves(connection: Connection) -> dict[UserId, str]:
    """The users that are on their way here, with the digest of their copy, empty while there is none."""
    rows = connection.execute(select(moves.c.user_id, moves.c.digest))
    return {UserId(row.user_id): row.digest for row in rows}


def end_moves(connection: Connection, names: Sequence[UserId]) -> None:
    """Forget that these users were on their way."""
    connection.execute(delete(moves).where(among(moves.c.user_id, names)))
