"""Whether a database file from elsewhere may be read: nothing in it is believed, and it is not changed.

It is opened as one that can't change (`immutable`), so that SQLite neither locks it, nor takes up a log
beside it, nor makes files of its own there. A schema that is ours to the letter holds no program; then come
the pages, the references and the values.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from hmlr.errors import InvalidInput, StorageCorrupt, StorageError
from hmlr.store import schema
from hmlr.store.sqlite.errors import translated
from hmlr.store.sqlite.shape import revision_of
from hmlr.store.sqlite.values import wrong_types, wrong_values

_PRAGMAS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA query_only = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA temp_store = MEMORY",
)
_MAGIC = b"SQLite format 3\x00"
_HEAD = 100  # bytes of the header, https://sqlite.org/fileformat2.html#the_database_header
_UTF_8 = 1
_MOST_BYTES = 2**26  # of a value; an export has no longer lines
_MOST_SQL = 200_000  # bytes of a statement, those in the schema included
_MEND = "Take another backup, or import an export into a new file"


@contextmanager
def vetted(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads, to a file in which everything is as HMLR makes it.

    Blocks while it looks. Raises InvalidInput, StorageError, SchemaTooNew or StorageCorrupt saying what is
    wrong; the file and its folder are as before.
    """
    with translated(path):
        check_file(path)
        with closing(_opened(path)) as raw:
            try:
                revision = revision_of(raw, path)
                check_content(raw, path, newest=revision == schema.HEAD)
            except sqlite3.DataError as error:
                raise _refused(path, f"a value has more than {_MOST_BYTES // 2**20} MB") from error
            yield raw


def check_content(raw: sqlite3.Connection, path: Path, *, newest: bool) -> None:
    """Raise StorageCorrupt unless pages, references and values are as HMLR makes them; the schema is."""
    damage = [str(found) for (found,) in raw.execute("PRAGMA integrity_check(3)")]
    if damage != ["ok"]:
        raise _refused(path, "; ".join(damage)[:300])
    for table, row, *_ in raw.execute("PRAGMA foreign_key_check"):
        raise _refused(path, f"row {row} of {table} refers to a row that is not there")
    for wrong in wrong_types(raw):
        raise _refused(path, wrong)
    for wrong in wrong_values(raw) if newest else ():
        raise _refused(path, wrong)


def check_file(path: Path) -> None:
    """Raise unless it is a whole SQLite file by its header, with no log beside it."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError as error:
        raise InvalidInput(f"{path} does not exist", hint="Check the name") from error
    if not stat.S_ISREG(kind):  # to open a pipe would wait, and a link may lead anywhere
        raise StorageError(f"{path} is no regular file", hint="Name the file itself")
    for ending in ("-wal", "-journal"):
        log = path.with_name(path.name + ending)
        if log.exists() and log.stat().st_size:
            raise StorageError(
                f"{path} is not whole: {log.name} lies beside it",
                hint="It is a memory in use or a copy of one: make a copy with `backup` and take that",
            )
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with open(descriptor, "rb") as file:
        head = file.read(_HEAD)
        size = os.fstat(descriptor).st_size
    wrong = _wrong_header(head, size)
    if wrong:
        raise StorageCorrupt(f"{path} is no backup: {wrong}", hint="Name a file that `backup` wrote")


def _wrong_header(head: bytes, size: int) -> str:
    def number(place: int, length: int = 4) -> int:
        return int.from_bytes(head[place : place + length], "big")

    if len(head) < _HEAD or head[:16] != _MAGIC:
        return "it is not a database"
    page = 65536 if number(16, 2) == 1 else number(16, 2)
    checks = {
        "the size of its pages makes no sense": page < 512 or page & (page - 1) != 0,
        "its format is unknown": head[18] not in (1, 2) or head[19] not in (1, 2) or head[20] != 0,
        "its payload fractions are wrong": head[21:24] != b"\x40\x20\x20",
        "it is cut, or longer than it says": number(28) * page != size,
        "its free pages make no sense": (number(32) == 0) != (number(36) == 0)
        or max(number(32), number(36)) > number(28),
        "it was last written by something that keeps no size": number(24) != number(92),
        "its schema format is not ours": number(44) != 4,
        "it is in auto-vacuum mode, which HMLR never sets": number(52) != 0 or number(64) != 0,
        "its text is not UTF-8": number(56) != _UTF_8,
        "it carries the mark of another program": number(60) != 0 or number(68) != 0,
        "its reserved bytes are used": any(head[72:92]),
    }
    return next((told for told, wrong in checks.items() if wrong), "")


def _opened(path: Path) -> sqlite3.Connection:
    name = f"file:{quote(str(path.absolute()), errors='surrogateescape')}?mode=ro&immutable=1"
    raw = sqlite3.connect(name, uri=True, isolation_level=None, check_same_thread=False)
    try:
        raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_BYTES)
        raw.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, _MOST_SQL)
        raw.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for pragma in _PRAGMAS:
            raw.execute(pragma)
    except BaseException:
        raw.close()
        raise
    return raw


def _refused(path: Path, told: str) -> StorageCorrupt:
    return StorageCorrupt(f"{path} is refused: {' '.join(told.split())}", hint=_MEND)
