"""Expressions that SQLite and PostgreSQL write in different words: one construct each, compiled for both."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    Integer,
    Text,
    any_,
    cast,
    func,
    select,
)

# PostgreSQL's INSERT, whose ON CONFLICT SQLite has taken over: it is compiled for both.
from sqlalchemy.dialects.postgresql import Insert as Upsert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

__all__ = ["InList", "Larger", "NoBytes", "Smaller", "TextAt", "Upsert", "upsert"]


class InList(FunctionElement[bool]):
    """`InList(column, values)`: whether the column's value stands in a JSON list of any length."""

    inherit_cache = True
    type = Boolean()

    def self_group(self, against: Any = None) -> InList:
        """A condition as it is: SQLAlchemy would write `= 1` behind a function, and no index is used then."""
        return self


@compiles(InList, "sqlite")
def _in_list_sqlite(element: InList, compiler: SQLCompiler, **options: Any) -> str:
    wanted, values = element.clauses
    members = func.json_each(values).table_valued("value")
    return str(compiler.process(wanted.in_(select(members.c.value)), **options))


@compiles(InList, "postgresql")
def _in_list_postgresql(element: InList, compiler: SQLCompiler, **options: Any) -> str:
    # An array that is made once: the index of the column can be asked for its members.
    wanted, values = element.clauses
    members = func.json_array_elements_text(cast(values, JSON)).table_valued("value")
    member = cast(members.c.value, BigInteger) if isinstance(wanted.type, Integer) else members.c.value
    array = func.array(select(member).scalar_subquery())
    return str(compiler.process(wanted == any_(array), **options))


class Smaller(FunctionElement[Any]):
    """The smaller of two values, neither of them NULL."""

    inherit_cache = True

    def __init__(self, first: ColumnElement[Any], second: ColumnElement[Any]) -> None:
        super().__init__(first, second)
        self.type = first.type


class Larger(FunctionElement[Any]):
    """The larger of two values, neither of them NULL."""

    inherit_cache = True

    def __init__(self, first: ColumnElement[Any], second: ColumnElement[Any]) -> None:
        super().__init__(first, second)
        self.type = first.type


@compiles(Smaller, "sqlite")
def _smaller_sqlite(element: Smaller, compiler: SQLCompiler, **options: Any) -> str:
    return f"min({compiler.process(element.clauses, **options)})"


@compiles(Larger, "sqlite")
def _larger_sqlite(element: Larger, compiler: SQLCompiler, **options: Any) -> str:
    return f"max({compiler.process(element.clauses, **options)})"


@compiles(Smaller, "postgresql")
def _smaller_postgresql(element: Smaller, compiler: SQLCompiler, **options: Any) -> str:
    return f"least({compiler.process(element.clauses, **options)})"


@compiles(Larger, "postgresql")
def _larger_postgresql(element: Larger, compiler: SQLCompiler, **options: Any) -> str:
    return f"greatest({compiler.process(element.clauses, **options)})"


class TextAt(FunctionElement[str]):
    """`TextAt(column, key)`: the text under a key of the JSON object in a column."""

    inherit_cache = True
    type = Text()


@compiles(TextAt, "sqlite")
def _text_at_sqlite(element: TextAt, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({column} ->> {key})"


@compiles(TextAt, "postgresql")
def _text_at_postgresql(element: TextAt, compiler: SQLCompiler, **options: Any) -> str:
    column, key = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(({column})::json ->> {key})"


class NoBytes(ClauseElement):
    """An empty binary value, for the default of a column."""

    inherit_cache = True


@compiles(NoBytes, "sqlite")
def _no_bytes_sqlite(element: NoBytes, compiler: SQLCompiler, **options: Any) -> str:
    return "x''"


@compiles(NoBytes, "postgresql")
def _no_bytes_postgresql(element: NoBytes, compiler: SQLCompiler, **options: Any) -> str:
    return "''::bytea"
