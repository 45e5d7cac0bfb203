"""How times and JSON values are kept in columns, and short words to declare columns with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    Text,
    TypeDecorator,
    column,
    false,
    literal_column,
    text,
)

from hmlr.errors import InvalidInput, StorageCorrupt

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# Row numbers: SQLite gives them out for the type INTEGER alone, whose values are as large.
BIG = BigInteger().with_variant(Integer(), "sqlite")
# Compared and sorted by their code points on both, whatever language a PostgreSQL database is set to.
WORDS = Text().with_variant(Text(collation="C"), "postgresql")


def to_micros(value: datetime) -> int:
    """Microseconds since 1970 UTC. Raises InvalidInput for a time without a zone."""
    if value.tzinfo is None:
        raise InvalidInput(f"the time {value.isoformat()} has no zone", hint="Give it one, UTC for example")
    return (value - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    """The UTC time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=value)


def to_json(value: object) -> str:
    """Compact JSON in ASCII, which also carries lone surrogates. Raises InvalidInput for what is no JSON."""
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"a value can't be stored as JSON ({error})") from error


class UtcMicros(TypeDecorator[datetime]):
    """A time as integer microseconds since 1970 UTC; naive times are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Python to database."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Database to Python."""
        try:
            return None if value is None else from_micros(value)
        except (TypeError, OverflowError) as error:
            raise StorageCorrupt("a stored time is no time", hint="Run `doctor`") from error


class JsonText(TypeDecorator[Any]):
    """A JSON value as text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str:
        """Python to database."""
        return to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Database to Python."""
        if value == "{}":  # most messages have no metadata
            return {}
        try:
            return None if value is None else json.loads(value)
        except TypeError as error:
            raise StorageCorrupt("a stored value is no JSON", hint="Run `doctor`") from error


def serial(name: str) -> Column[int]:
    """The table's own number for its rows."""
    return Column(name, BIG, primary_key=True, autoincrement=True)


def words(name: str, *, nullable: bool = False) -> Column[str]:
    """Text."""
    return Column(name, WORDS, nullable=nullable)


def number(name: str, *, nullable: bool = False) -> Column[int]:
    """A whole number."""
    return Column(name, BigInteger, nullable=nullable)


def count(name: str) -> Column[int]:
    """A whole number that begins at 0."""
    return Column(name, BigInteger, nullable=False, server_default=text("0"))


def flag(name: str) -> Column[bool]:
    """Yes or no; no unless said."""
    return Column(name, Boolean(create_constraint=False), nullable=False, server_default=false())


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    """A time."""
    return Column(name, UtcMicros, nullable=nullable)


def values(name: str) -> Column[Any]:
    """A JSON value."""
    return Column(name, JsonText, nullable=False)


def twice(table: str, *columns: str, of: str = "user_id") -> Index:
    """On SQLite, columns that no other index has, so that each value stands in two places.

    SQLite keeps no checksums, but `PRAGMA integrity_check` compares each entry of an index with its row. No
    statement is planned with this one: its condition (true of all rows, `of` is never empty) is in none.
    """
    return Index(f"ix_{table}_twice", *columns, sqlite_where=column(of) != literal_column("''")).ddl_if(
        "sqlite"
    )
