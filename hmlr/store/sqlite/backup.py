"""A copy of the whole memory at one moment, made while others write.

SQLite's backup copies all pages in one step, under a snapshot: in WAL mode no writer waits for it, and the
snapshot, which keeps the log from being moved, is held no longer than the disk takes. The copied pages hold
what their free space held; VACUUM INTO writes the rows alone into a second file, which becomes the backup.
(VACUUM INTO at once would do with one file, but can't run in the snapshot in which the rows are counted.)
"""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from hmlr.errors import InvalidInput, StorageCorrupt, StorageError
from hmlr.records import Backup
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.copies import count_rows, opened, part_file, publish, take_wal, taken
from hmlr.store.sqlite.engine import Database
from hmlr.store.sqlite.errors import translated
from hmlr.store.sqlite.vetting import vetted


def backup(database: Database, target: Path, *, overwrite: bool) -> Backup:
    """See CareStore.backup; blocks."""
    with translated(target):
        _check_target(database.path, target, overwrite=overwrite)
        with part_file(target) as pages, part_file(target) as part:
            counts = _copy_pages(database, pages)
            _copy_rows(pages, part)
            _verify(part, counts, database.path)
            size = part.stat().st_size
            publish(part, target, overwrite=overwrite)
    return Backup(
        path=str(target),
        bytes=size,
        users=counts["users"],
        turns=counts["turns"],
        messages=counts["messages"],
    )


def _check_target(source: Path, target: Path, *, overwrite: bool) -> None:
    if not target.parent.is_dir():
        raise InvalidInput(f"there is no folder {target.parent}", hint="Make it first")
    try:
        there = target.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(there.st_mode):
        raise InvalidInput(f"{target} is no regular file", hint="Name a file")
    own = (source, *sqlite_files.sidecars(source), sqlite_files.lock_path(source))
    if any(file.exists() and file.samefile(target) for file in own):
        raise InvalidInput(f"{target} is the memory itself", hint="Name another file")
    if not overwrite:
        raise taken(target)


def _copy_pages(database: Database, pages: Path) -> dict[str, int]:
    """Every page as it is at one moment; how many rows each table has at that moment."""
    with translated(database.path), closing(database.reader()) as link:
        link.raw.execute("BEGIN")
        counts = count_rows(link.raw)
        with closing(sqlite3.connect(pages, isolation_level=None, check_same_thread=False)) as copy:
            copy.execute("PRAGMA synchronous = OFF")
            link.raw.backup(copy)
        link.raw.execute("ROLLBACK")
    return counts


def _copy_rows(pages: Path, part: Path) -> None:
    """The rows of the copied pages, without what was deleted from them."""
    with opened(pages) as raw:
        if raw.execute("SELECT 1 FROM tombstones WHERE NOT purged LIMIT 1").fetchone():
            # Words of what was erased stay in the full-text index until its parts are merged.
            raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('optimize')")
            raw.execute("UPDATE tombstones SET purged = 1")
        raw.execute("VACUUM INTO ?", (str(part),))
    with opened(part) as raw:
        take_wal(raw)


def _verify(part: Path, counts: dict[str, int], source: Path) -> None:
    """Raise StorageCorrupt unless `restore-backup` would take it and all rows are in it."""
    try:
        with vetted(part) as raw:
            whole = count_rows(raw) == counts
    except StorageError as error:
        wrong = str(error).removesuffix(f". {error.hint}").replace(str(part), "its copy")
        raise StorageCorrupt(
            f"no backup of {source} was made, for it would not be sound: {wrong}",
            hint="Run `doctor`; `export` takes what can be read of a user",
        ) from error
    if not whole:
        raise StorageCorrupt("the copy has other rows than the memory had", hint="Repeat the backup")
