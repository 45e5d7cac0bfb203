"""Small things that many queries need: lists as parameters, the user's row, records from rows.

Statements that every turn runs are built once, by cached functions, and take their values as named
parameters: to build one and to compare it with those compiled costs more than to run it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Insert,
    Row,
    ScalarSelect,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)

from hmlr.errors import StorageCorrupt
from hmlr.records import Role, StoredMessage, UserId
from hmlr.store.columns import JsonText
from hmlr.store.schema import messages, turns, users
from hmlr.store.sql.special import special
from hmlr.store.sql.words import InList

_PAGE = 1000
_ROLES: tuple[str, ...] = get_args(Role)

_MESSAGE_FIELDS = tuple(field.name for field in fields(StoredMessage))


def in_pages(
    connection: Connection, statement: Select[Any], parameters: Mapping[str, Any] | None = None
) -> Iterator[Any]:
    """The rows of a large result, of which a page is held at a time: PostgreSQL's driver would hold all."""
    found = connection.execute(statement.execution_options(yield_per=_PAGE), parameters)
    for page in found.partitions():
        yield from page


def among(column: ColumnElement[Any], values: Iterable[object]) -> ColumnElement[bool]:
    """`column IN values`, the list being one JSON parameter: no limit on its length."""
    return InList(column, literal(list(values), JsonText))


def listed(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """`column IN` the list in the parameter of that name."""
    return InList(column, bindparam(name, type_=JsonText))


def mine(table: Table) -> ColumnElement[bool]:
    """The rows of the user in the parameter `user`."""
    if "user_id" in table.c:
        return table.c.user_id == bindparam("user")
    return table.c.user_no == _my_number()


def owned(table: Table) -> ColumnElement[bool]:
    """The same, asked of rows that another condition finds.

    As a bare comparison SQLite takes it for the narrowest condition, and reads all rows of the user for it.
    """
    if "user_id" in table.c:
        return table.c.user_id.concat("") == bindparam("user")
    return table.c.user_no + 0 == _my_number()


def _my_number() -> ScalarSelect[Any]:
    """What stands for the user in search data; nothing equals it before the first write."""
    return (
        select(users.c.user_no).where(users.c.user_id == bindparam("user")).correlate(None).scalar_subquery()
    )


def this(table: Table, user: UserId, name: str, value: object) -> ColumnElement[bool]:
    """The user's row with that value."""
    return and_(table.c.user_id == user, table.c[name] == value)


def the(table: Table, name: str) -> ColumnElement[bool]:
    """The user's row whose column of that name has the value in the parameter `of`."""
    return and_(mine(table), table.c[name] == bindparam("of"))


def some(table: Table, name: str) -> ColumnElement[bool]:
    """The user's rows whose column of that name has one of the values in the list in the parameter `of`."""
    return and_(mine(table), listed(table.c[name], "of"))


@cache
def change_the(table: Table, name: str) -> Update:
    """Set columns, given by their names, of the row that `the` says."""
    return update(table).where(the(table, name))


@cache
def remove_some(table: Table, name: str) -> Delete:
    """Delete the rows that `some` says."""
    return delete(table).where(some(table, name))


@cache
def remove_all(table: Table) -> Delete:
    """Delete the rows of the user in the parameter `user`."""
    return delete(table).where(mine(table))


@cache
def into(table: Table) -> Insert:
    """The insertion of rows whose keys are the table's columns."""
    return insert(table)


def given(query: object) -> dict[str, Any]:
    """The conditions of a query record that are asked for, by name."""
    return {name: value for name, value in vars(query).items() if value is not None}


def by_speaker(asked: dict[str, Any]) -> dict[str, Any]:
    """The same conditions, where a speaker named like a role means unnamed messages of that `role`."""
    name = asked.get("speaker")
    if name is None:
        return asked
    rest = {other: value for other, value in asked.items() if other != "speaker"}
    return rest | {"role" if name.casefold() in _ROLES else "speaker": name.casefold()}


def digest(content: str) -> str:
    """SHA-256 of a message's content."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


@cache
def _user_row() -> Select[Any]:
    return select(users).where(mine(users))


def user_no(connection: Connection, user: UserId) -> int | None:
    """The user's number; None before the first write."""
    row = connection.execute(_user_row(), {"user": user}).one_or_none()
    return None if row is None else int(row.user_no)


def ensure_user(connection: Connection, user: UserId) -> Row[Any]:
    """The user's row, made when missing."""
    row = connection.execute(_user_row(), {"user": user}).one_or_none()
    if row is None:
        number = next(special(connection).take_numbers(connection, {"users": 1})["users"])
        zeros = dict.fromkeys(("epoch", "fact_version", "facts_removed", "last_seq", "erasures"), 0)
        connection.execute(into(users), {"user_id": user, "user_no": number, **zeros})
        row = connection.execute(_user_row(), {"user": user}).one()
    return row


def count_erasure(connection: Connection, user: UserId) -> None:
    """Tell every reader of the user's search data to load it again, and refuse replies that are under way."""
    connection.execute(_count_erasure(), {"user": user})


@cache
def _count_erasure() -> Update:
    return _this_user().values(epoch=users.c.epoch + 1, erasures=users.c.erasures + 1)


@cache
def _this_user() -> Update:
    return update(users).where(mine(users))


def change_user(connection: Connection, user: UserId, **values: int) -> None:
    """Set columns of the user's row."""
    connection.execute(_this_user(), {"user": user, **values})


def bump_facts(connection: Connection, user: UserId, *, removed: bool = False) -> int:
    """Tell every reader of the user's facts that they change now; the version that changed ones get."""
    version = int(ensure_user(connection, user).fact_version) + 1
    values = {"fact_version": version} | ({"facts_removed": version} if removed else {})
    change_user(connection, user, **values)
    return version


def select_messages(*where: ColumnElement[bool]) -> Select[Any]:
    """Messages, each row beginning with what its record needs; the condition names the user."""
    columns = ((turns if name == "session_id" else messages).c[name] for name in _MESSAGE_FIELDS)
    of_turn = (turns.c.user_id == messages.c.user_id) & (turns.c.turn_id == messages.c.turn_id)
    return select(*columns, messages.c.sha256).join_from(messages, turns, of_turn).where(*where)


def stored_message(row: Sequence[Any]) -> StoredMessage:
    """The record of a row of select_messages(). StorageCorrupt when its content is not what was stored."""
    message = StoredMessage(**dict(zip(_MESSAGE_FIELDS, row, strict=False)))
    is_text = isinstance(message.content, str)
    if not is_text or digest(message.content) != row[len(_MESSAGE_FIELDS)]:
        raise StorageCorrupt(
            f"the message {message.message_id} has changed on the disk",
            hint="Run `doctor`; restore a backup, or forget the turn",
        )
    return message
