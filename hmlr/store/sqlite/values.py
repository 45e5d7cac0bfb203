"""What the values in a database have to be: SQLite itself takes anything in any column.

Two sets of rules. Those by declared type hold for every revision of the schema; the others, what the values
say and how rows hang together, for the newest. Both name the first row that breaks them.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, get_args

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    LargeBinary,
    Table,
    Text,
    and_,
    cast,
    func,
    not_,
    or_,
    select,
    text,
    type_coerce,
)
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.dialects import sqlite

from hmlr.records import JobKind
from hmlr.store import schema
from hmlr.store.columns import JsonText, UtcMicros
from hmlr.store.encoded import TOKEN_DIMS, is_damaged
from hmlr.store.record_rules import MAX_NUMBER, WORDS, what_is_wrong
from hmlr.store.sql.rows import digest

_FIRST_MOMENT, _LAST_MOMENT = -62_135_596_800_000_000, 253_402_300_799_999_999  # the years 1 to 9999
_MOMENTS = {
    column.name
    for table in schema.metadata.tables.values()
    for column in table.c
    if isinstance(column.type, UtcMicros)
}
_LONGEST_BLOB = 2**24
_WIDEST = 2**16  # dimensions of a vector
_FREE_TEXT = {"error"}  # what a failing library said
_MESSAGES = select(schema.messages.c.message_id, schema.messages.c.content, schema.messages.c.sha256)
_VECTORS = select(*(schema.vectors.c[name] for name in ("vector_no", "data", "tokens", "pieces")))
_PAGE = 500  # rows
_BREATH_S = 0.0005

# Tables whose values have words of their own, with the name of their records in an export.
_RECORDS: dict[str, Table] = {
    "message": schema.messages,
    "block": schema.blocks,
    "fact": schema.facts,
    "fact_event": schema.fact_events,
    "dossier_event": schema.dossier_events,
    "tag": schema.tags,
    "edit": schema.edits,
    "tombstone": schema.tombstones,
    "garden_run": schema.garden_runs,
    "garden_image": schema.garden_images,
}

# What is wrong, and a query that finds it: each gives the row's own name.
_GIVEN = {
    "bits": schema.ORDINAL_BITS,
    "signs": TOKEN_DIMS,
    "widest": _WIDEST,
    "kinds": json.dumps(get_args(JobKind)),
    "most": MAX_NUMBER >> schema.ORDINAL_BITS,
}
_HANGS_TOGETHER: tuple[tuple[str, str], ...] = (
    (
        "turns belongs to no user, or has a number beyond the last",
        "SELECT t.turn_id FROM turns t LEFT JOIN users u USING (user_id) "
        "WHERE u.user_no IS NULL OR t.seq < 1 OR t.seq > u.last_seq",
    ),
    (
        "blocks belongs to no user",
        "SELECT block_id FROM blocks WHERE user_id NOT IN (SELECT user_id FROM users)",
    ),
    (
        "dossiers belongs to no user, or has half a vector",
        "SELECT dossier_id FROM dossiers WHERE user_id NOT IN (SELECT user_id FROM users) "
        "OR (model_id IS NULL) <> (vector IS NULL) "
        "OR length(vector) % 2 OR length(vector) NOT BETWEEN 2 AND 2 * :widest",
    ),
    (
        "messages has the id of another place, or too large a number",
        "SELECT message_id FROM messages WHERE message_id <> turn_id || '/' || position "
        "OR message_no NOT BETWEEN 1 AND :most",
    ),
    (
        "chunks belongs to no message, to one of another user, or lies beyond its end",
        "SELECT c.chunk_id FROM chunks c "
        "LEFT JOIN messages m ON m.message_no = c.chunk_id >> :bits "
        "LEFT JOIN users u ON u.user_id = m.user_id "
        'WHERE u.user_no IS NOT c.user_no OR c.start > c."end" OR c."end" > length(m.content)',
    ),
    (
        "vectors belongs to no chunk, to one of another user, or has another length than it says",
        "SELECT v.vector_no FROM vectors v "
        "LEFT JOIN chunks c USING (chunk_id) LEFT JOIN models USING (model_no) "
        "WHERE c.user_no IS NOT v.user_no OR model_id IS NULL OR v.dim NOT BETWEEN 1 AND :widest "
        "OR length(v.data) <> (v.dim + 1) / 2 OR length(v.tokens) % ((min(v.dim, :signs) + 7) / 8)",
    ),
    ("models has a number twice", "SELECT model_no FROM models GROUP BY model_no HAVING count(*) > 1"),
    (
        "facts does not stand in its message, or in one of another turn",
        "SELECT fact_id FROM facts f LEFT JOIN messages m USING (user_id, message_id) "
        'WHERE m.turn_id IS NOT f.turn_id OR substr(m.content, f.start + 1, f."end" - f.start) <> f.quote',
    ),
    (
        "jobs is of no known kind or state",
        "SELECT job_id FROM jobs WHERE kind NOT IN (SELECT value FROM json_each(:kinds)) "
        "OR state NOT IN ('pending', 'leased', 'failed')",
    ),
    (
        "sqlite_sequence makes no sense",
        "SELECT name FROM sqlite_sequence WHERE typeof(name) <> 'text' OR typeof(seq) <> 'integer' "
        "OR seq NOT BETWEEN 0 AND :most",
    ),
)


def tables_of(raw: sqlite3.Connection) -> list[str]:
    """The tables with rows of HMLR's own, none that SQLite or the full-text index keeps for itself."""
    found = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [name for (name,) in found if not name.startswith(("sqlite_", "chunk_terms", "chunk_postings"))]


def wrong_types(raw: sqlite3.Connection) -> Iterator[str]:
    """Which tables hold values that their columns do not say; the schema is one of HMLR's."""
    for name in tables_of(raw):
        found = raw.execute('SELECT name, type, "notnull" FROM pragma_table_xinfo(?)', (name,)).fetchall()
        here = sql_table(name, *(sql_column(each) for each, _, _ in found))
        for column, declared, required in found:
            bad = _wrong(here.c[column], declared)
            if not required:
                bad = and_(here.c[column].is_not(None), bad)
            if raw.execute(as_sql(select(here.c[column]).where(bad).limit(1))).fetchone():
                yield f"a row of {name} holds no {_told(declared)} as {column}"
        texts = [here.c[column] for column, declared, _ in found if _is_text(declared)]
        if texts:
            yield from _undecodable(raw, name, select(*texts))


def wrong_values(raw: sqlite3.Connection) -> Iterator[str]:
    """Which rows say what HMLR never writes, or hang on rows of others.

    The schema is the newest and the types are right.
    """
    for told, query in _HANGS_TOGETHER:
        found = raw.execute(query, _GIVEN).fetchone()
        if found is not None:
            yield f"a row of {told}: {str(found[0])[:80]!r}"
    for kind, table in _RECORDS.items():
        yield from _wrong_records(raw, kind, table)
    for message_id, content, sha256 in _paged(raw, _MESSAGES):
        if digest(content) != sha256:
            yield f"the message {message_id[:80]!r} is not what was stored: its digest differs"
    for number, *part in _paged(raw, _VECTORS):
        if is_damaged((part[0], part[1], part[2])):
            yield f"the vector {number} is not what was stored: its checksum differs"


def _wrong_records(raw: sqlite3.Connection, kind: str, table: Table) -> Iterator[str]:
    """Values that have to be JSON of some shape, or one of some words."""
    words = {name for of_kind, name in WORDS if of_kind == kind}
    columns = [each for each in table.c if each.name in words or isinstance(each.type, JsonText)]
    for row in _paged(raw, select(*(type_coerce(column, Text) for column in columns))):
        for column, value in zip(columns, row, strict=True):
            is_json = isinstance(column.type, JsonText)
            wrong = (
                _wrong_json(kind, column.name, value) if is_json else what_is_wrong(kind, column.name, value)
            )
            if wrong:
                yield f"a row of {table.name}: {column.name} must be {wrong}"
                return


@lru_cache(maxsize=100)  # most are "{}" and "[]"
def _wrong_json(kind: str, name: str, value: str) -> str:
    try:
        return what_is_wrong(kind, name, json.loads(value))
    except (ValueError, RecursionError):
        return "JSON"


def _undecodable(raw: sqlite3.Connection, name: str, texts: ClauseElement) -> Iterator[str]:
    """SQLite compares and returns bytes that are no UTF-8 as if they were text; the driver does not."""
    try:
        for _ in _paged(raw, texts):
            pass
    except sqlite3.OperationalError as error:
        if "decode to UTF-8" not in str(error):
            raise
        yield f"a row of {name} holds text that is no UTF-8"


def _paged(raw: sqlite3.Connection, query: ClauseElement) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, with a breath between pages.

    In a long row of short calls into SQLite a thread has Python's lock back before the event loop is awake to
    take it.
    """
    rows = raw.execute(as_sql(query))
    while page := rows.fetchmany(_PAGE):
        yield from page
        time.sleep(_BREATH_S)


def as_sql(statement: ClauseElement) -> str:
    """The statement for the driver, with the values of ours in it."""
    return str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))


def _wrong(column: ColumnElement[Any], declared: str) -> ColumnElement[bool]:
    """What is true of a value that such a column does not hold, NULL among them."""
    kind = func.typeof(column)
    match declared:
        case "BOOLEAN":
            return or_(kind != "integer", column.not_in((0, 1)))
        case "INTEGER" | "BIGINT":
            least, most = (_FIRST_MOMENT, _LAST_MOMENT) if column.key in _MOMENTS else (0, MAX_NUMBER)
            return or_(kind != "integer", not_(column.between(least, most)))
        case "FLOAT":
            return or_(kind != "real", not_(column.between(0, 1e12)))
        case "BLOB":
            return or_(kind != "blob", func.length(column) > _LONGEST_BLOB)
        case _ if _is_text(declared) and column.key not in _FREE_TEXT:
            return or_(kind != "text", func.instr(cast(column, LargeBinary), text("x'00'")) > 0)
        case _ if _is_text(declared):
            return kind != "text"
    raise AssertionError(f"the schema has a column of type {declared}")


def _is_text(declared: str) -> bool:
    return declared == "TEXT" or declared.startswith("VARCHAR")


def _told(declared: str) -> str:
    names = {"BOOLEAN": "yes or no", "FLOAT": "amount", "BLOB": "bytes of a sensible length"}
    return "text" if _is_text(declared) else names.get(declared, "number in its range")
