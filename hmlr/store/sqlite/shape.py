"""What a database file is made of, compared with what HMLR makes: a file may come from anybody.

A trigger, a view or an expression in the schema is a program that runs at every read or write, so that a file
is looked at before it is used. Compared is the whole text of every statement in the schema, but for white
space and the order of constraints, which SQLAlchemy and Alembic write differently.
"""

from __future__ import annotations

import re
import sqlite3
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from hmlr.errors import SchemaTooNew, StorageCorrupt, StorageError
from hmlr.store import schema
from hmlr.store.sqlite import full_text

# Of a newest schema made at once and of one made by all migrations: the order of some columns differs. That
# spares building the expected one at every start; a test compares. Any other mixture is compared at length.
FINGERPRINTS = frozenset(
    {
        "5d51bfa46f09711967d6f0d093c44e8cf5dc4a62016477365d71339097258a75",
        "73cebe0e01d1adbfa952ce2244237fd4d23c4cbe4e53ceb6c3b522a998006220",
    }
)
MEND = "Somebody changed it: restore a backup, or import an export into a new file"

# What could be long to read: the longest statement of ours has a tenth of that.
_ODD = """
SELECT name FROM sqlite_master
WHERE typeof(type) <> 'text' OR typeof(name) <> 'text' OR typeof(tbl_name) <> 'text'
OR typeof(sql) NOT IN ('text', 'null')
OR length(CAST(name AS BLOB)) > 200 OR length(CAST(sql AS BLOB)) > 20000 OR rowid > 1000
LIMIT 1
"""
# Words, quotes in them whole; brackets and commas alone. SQLite's white space and nothing else parts them.
_WORD = re.compile(r"""(?:'(?:[^']|'')*'|"(?:[^"]|"")*"|[^ \t\n\f\r(),])+|[(),]""")
_CONSTRAINTS = {("CONSTRAINT",), ("PRIMARY",), ("UNIQUE",), ("FOREIGN",), ("CHECK",)}
# Whoever lost the full-text index opens the memory to rebuild it (F14); `doctor` says that it is missing.
_FULL_TEXT = ("chunk_terms", "chunk_postings", "sqlite_autoindex_chunk_terms")
Clause = tuple[str, ...]


class Part(NamedTuple):
    """One object of a schema."""

    kind: str  # table, index, trigger, view
    name: str
    table: str
    sql: str | None  # None: an index that SQLite makes for a constraint


def parts_of(raw: sqlite3.Connection, path: Path) -> list[Part]:
    """All objects of the schema. Raises StorageCorrupt where they are no schema of HMLR at first sight."""
    odd = raw.execute(_ODD).fetchone()
    if odd is not None:
        raise StorageCorrupt(f"{path} holds {str(odd[0])[:60]!r}, which HMLR never makes", hint=MEND)
    return [Part(*row) for row in raw.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")]


def is_newest(raw: sqlite3.Connection, path: Path) -> bool:
    """Whether the file has the newest schema; False for an empty one or an older schema of HMLR's.

    Raises StorageCorrupt when it has been changed, StorageError when it is another program's, SchemaTooNew.
    """
    parts = parts_of(raw, path)
    if not parts:
        return False
    revision = _revision(raw, parts, path)
    if revision == schema.HEAD and fingerprint(tuple(parts)) in FINGERPRINTS:
        return True
    _compare(parts, revision, path, lacking=_FULL_TEXT)
    return revision == schema.HEAD


def revision_of(raw: sqlite3.Connection, path: Path) -> str:
    """The revision of a file whose schema is, to the letter, HMLR's of that revision.

    Raises as is_newest() does; StorageError for an empty file.
    """
    parts = parts_of(raw, path)
    revision = _revision(raw, parts, path)
    _compare(parts, revision, path)
    return revision


def _compare(parts: list[Part], revision: str, path: Path, *, lacking: tuple[str, ...] = ()) -> None:
    """Raise StorageCorrupt naming what differs from HMLR's schema of that revision.

    What belongs to the tables whose names begin with `lacking` may be missing.
    """
    found = {(part.kind, part.name): part for part in parts}
    expected = _expected(revision)
    for key, part in found.items():
        if key not in expected:
            raise StorageCorrupt(f"{path} holds {_named(part)}, which HMLR never makes", hint=MEND)
        if _form(part, ordered=revision == schema.HEAD) not in expected[key]:
            raise StorageCorrupt(f"{path} holds {_named(part)} which is not as HMLR makes it", hint=MEND)
    for kind, name in expected:
        if (kind, name) not in found and not name.startswith(lacking):
            raise StorageCorrupt(f"{path} lacks the {kind} {name}", hint=MEND)
    if len(found) < len(parts):
        raise StorageCorrupt(f"{path} holds something twice in its schema", hint=MEND)


@lru_cache(maxsize=8)
def fingerprint(parts: tuple[Part, ...]) -> str:
    """Hex digest of a schema."""
    forms = sorted(repr(_form(part, ordered=True)) for part in parts)
    return sha256("\n".join(forms).encode("utf-8", "surrogatepass")).hexdigest()


def _revision(raw: sqlite3.Connection, parts: list[Part], path: Path) -> str:
    for part in parts:
        if part.kind not in ("table", "index"):
            raise StorageCorrupt(
                f"{path} holds triggers or views, which HMLR never makes: {_named(part)}", hint=MEND
            )
    tables = {part.name: part for part in parts if part.kind == "table"}
    if "alembic_version" not in tables:
        raise StorageError(f"{path} is a database of another program", hint="Name another file")
    if _form(tables["alembic_version"], ordered=True) != _version_table():
        raise StorageCorrupt(f"{path} does not say which schema it has", hint=MEND)
    found = raw.execute("SELECT substr(version_num, 1, 40) FROM alembic_version LIMIT 2").fetchall()
    if len(found) != 1 or not isinstance(found[0][0], str):
        raise StorageCorrupt(f"{path} does not say which schema it has", hint=MEND)
    return str(found[0][0])


def _version_table() -> object:
    made = str(CreateTable(schema.alembic_version).compile(dialect=sqlite.dialect()))
    return _form(Part("table", "alembic_version", "alembic_version", made), ordered=True)


@cache
def _expected(revision: str) -> dict[tuple[str, str], set[object]]:
    """Every object of HMLR's schema of that revision, with the forms that it may have."""
    # Alembic is slow to import and needed only when the schema is not the newest, or odd.
    from hmlr.store.migrations.upgrade import create, is_known

    if not is_known(revision):
        raise SchemaTooNew(
            f"the database was written by a newer HMLR (schema {revision[:20]!r})",
            hint="Install that version or a newer one",
        )
    newest = revision == schema.HEAD
    made = [lambda connection: create(connection, target=revision), *([full_text.create] if newest else [])]
    expected: dict[tuple[str, str], set[object]] = {}
    for make in made:
        engine = create_engine("sqlite://", poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            make(connection)
            for part in _parts_in_memory(connection):
                expected.setdefault((part.kind, part.name), set()).add(_form(part, ordered=newest))
    return expected


def _parts_in_memory(connection: Connection) -> list[Part]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - the dialect's own type
    return parts_of(driver, Path(":memory:"))


def _form(part: Part, *, ordered: bool) -> object:
    """What two makings of one object have in common; the order of columns too, if `ordered`."""
    if part.sql is None:
        return part
    words = _WORD.findall(part.sql)
    if part.kind != "table" or "(" not in words or words[1:2] == ["VIRTUAL"]:
        return (part.table, tuple(words))
    head, clauses, tail = _split(words)
    constraints = sorted(clause for clause in clauses if clause[:1] in _CONSTRAINTS)
    columns = [clause for clause in clauses if clause[:1] not in _CONSTRAINTS]
    return (part.table, head, tuple(columns if ordered else sorted(columns)), tuple(constraints), tail)


def _split(words: list[str]) -> tuple[Clause, list[Clause], Clause]:
    """A CREATE TABLE in what stands before its outer brackets, the clauses in them, and what follows."""
    start = words.index("(")
    clauses: list[list[str]] = [[]]
    depth = 0
    for place, word in enumerate(words[start:], start):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth == 0:
            return tuple(words[:start]), [tuple(each) for each in clauses], tuple(words[place + 1 :])
        if word == "," and depth == 1:
            clauses.append([])
        elif place > start:
            clauses[-1].append(word)
    return tuple(words), [], ()


def _named(part: Part) -> str:
    return f"the {part.kind} {part.name[:60]!r}"
