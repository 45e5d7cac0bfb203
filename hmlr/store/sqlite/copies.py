"""Files in the making: private, beside the place where they will be, and there only when they are whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from sqlalchemy import func, select

from hmlr.errors import InvalidInput
from hmlr.store import schema
from hmlr.store.sqlite import files as sqlite_files

# Digests of tokens say nothing about memories, and one that was revoked since may not come back to life.
NOT_RESTORED = frozenset({"access_tokens"})
# What is made here is thrown away when anything fails, so that it needs no journal of its own.
_PRAGMAS = (
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
    "PRAGMA mmap_size = 0",
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
)


@contextmanager
def part_file(target: Path) -> Iterator[Path]:
    """A new empty file (mode 0600) beside the target; it and its side files are gone at the end."""
    part = target.with_name(f".{target.name[:100]}.{token_hex(8)}.part")
    os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        yield part
    finally:
        for file in (part, *sqlite_files.sidecars(part)):
            file.unlink(missing_ok=True)


@contextmanager
def opened(part: Path) -> Iterator[sqlite3.Connection]:
    """A connection to such a file, outside any transaction."""
    raw = sqlite3.connect(part, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            raw.execute(pragma).fetchone()
        yield raw
    finally:
        raw.close()


def count_rows(raw: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table of the newest schema has."""
    return {
        name: int(raw.execute(str(select(func.count()).select_from(table))).fetchone()[0])
        for name, table in schema.metadata.tables.items()
        if name not in NOT_RESTORED
    }


def take_wal(raw: sqlite3.Connection) -> None:
    """Let readers and writers not wait for each other, for whoever opens the file as a memory."""
    raw.execute("PRAGMA journal_mode = WAL").fetchone()


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give the file its name, all at once. InvalidInput when the name is taken, unless `overwrite`."""
    sync(part)
    if overwrite:
        part.replace(target)
    else:
        try:
            os.link(part, target)
        except FileExistsError as error:
            raise taken(target) from error
        except OSError as error:  # a file system without links
            if target.exists():
                raise taken(target) from error
            part.replace(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    with suppress(PermissionError):  # Windows opens no folders
        sync(folder)


def taken(target: Path) -> InvalidInput:
    """What to say when there is a file already."""
    return InvalidInput(f"{target} exists already", hint="Name another file, or say --overwrite")
