"""Small things that many queries need: lists as parameters, the user's row, records from rows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, RowMapping, Select, func, select, text
from sqlalchemy.dialects.sqlite import insert

from hmlr.records import StoredMessage, UserId
from hmlr.store.columns import to_json
from hmlr.store.schema import messages, turns, users


def among(column: ColumnElement[Any], values: Iterable[object]) -> ColumnElement[bool]:
    """`column IN values`, the list being one JSON parameter: no limit on its length."""
    each = func.json_each(to_json(list(values))).table_valued("value")
    return column.in_(select(each.c.value))


def owned(column: ColumnElement[str], user: UserId) -> ColumnElement[bool]:
    """`column = user`, asked of rows that another condition finds.

    As a bare comparison SQLite takes it for the narrowest condition, and reads all rows of the user for it.
    """
    return column.concat("") == user


def digest(content: str) -> str:
    """SHA-256 of a message's content."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


def user_no(connection: Connection, user: UserId) -> int | None:
    """The user's number; None before the first write."""
    number = connection.execute(select(users.c.user_no).where(users.c.user_id == user)).scalar()
    return None if number is None else int(number)


def ensure_user(connection: Connection, user: UserId) -> Row[Any]:
    """The user's row, made when missing."""
    wanted = select(users).where(users.c.user_id == user)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        next_no = select(func.coalesce(func.max(users.c.user_no), 0) + 1).scalar_subquery()
        zeros = dict.fromkeys(("epoch", "fact_version", "facts_removed", "last_seq", "erasures"), 0)
        values = {"user_id": user, "user_no": next_no, **zeros}
        connection.execute(insert(users).values(values))
        row = connection.execute(wanted).one()
    return row


def count_erasure(connection: Connection, user: UserId) -> None:
    """Tell every reader of the user's search data to load it again, and refuse replies that are under way."""
    values = {"epoch": users.c.epoch + 1, "erasures": users.c.erasures + 1}
    connection.execute(users.update().where(users.c.user_id == user).values(values))


def bump_facts(connection: Connection, user: UserId, *, removed: bool = False) -> int:
    """Tell every reader of the user's facts that they change now; the version that changed ones get."""
    version = int(ensure_user(connection, user).fact_version) + 1
    values = {"fact_version": version} | ({"facts_removed": version} if removed else {})
    connection.execute(users.update().where(users.c.user_id == user).values(values))
    return version


def select_messages(where: ColumnElement[bool]) -> Select[Any]:
    """Messages with what their records need; the condition names the user."""
    return (
        select(messages, turns.c.session_id, turns.c.seq)
        .join(turns, (turns.c.user_id == messages.c.user_id) & (turns.c.turn_id == messages.c.turn_id))
        .where(where)
    )


def stored_message(row: RowMapping) -> StoredMessage:
    """The record of a row of select_messages()."""
    return StoredMessage(
        message_id=row["message_id"],
        turn_id=row["turn_id"],
        session_id=row["session_id"],
        position=row["position"],
        role=row["role"],
        speaker=row["speaker"],
        content=row["content"],
        occurred_at=row["occurred_at"],
        recorded_at=row["recorded_at"],
        metadata=row["metadata"],
        owner=row["owner"],
        echo=row["echo"],
    )


def last_number(connection: Connection, table: str) -> int:
    """The last number that an autoincrement table has given out; 0 for none."""
    numbers = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    return int(connection.execute(numbers, {"name": table}).scalar() or 0)
