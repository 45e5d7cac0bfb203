"""The files of a database: created private, refused with a reason when they can't be a database."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from hmlr.errors import StorageCorrupt, StorageError, StorageReadOnly

_MAGIC = b"SQLite format 3\x00"
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700
_EFFECTIVE = os.access in os.supports_effective_ids


def lock_path(path: Path) -> Path:
    """The file that the write lock is taken on."""
    return path.with_name(path.name + ".lock")


def sidecars(path: Path) -> tuple[Path, ...]:
    """The write-ahead log and its index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def size_of(path: Path) -> int:
    """Bytes of the database with its write-ahead log."""
    files = (path, sidecars(path)[0])
    return sum(file.stat().st_size for file in files if file.exists())


def prepare(path: Path) -> None:
    """Make sure that there is a file that may be opened as a database; a new one is empty and private.

    Raises StorageError, StorageReadOnly or StorageCorrupt saying what is in the way.
    """
    make_folder(path.parent)
    if path.is_dir():
        raise StorageError(f"{path} is a folder", hint="Name a file in it, for example memory.db")
    if path.exists():
        if not path.is_file():  # to open a pipe would wait for whoever writes into it
            raise StorageError(f"{path} is no file", hint="Name a file, for example memory.db")
        _check(path)
    _create(lock_path(path))
    _create(path)


def _check(path: Path) -> None:
    neighbours = [file for file in (lock_path(path), *sidecars(path)) if file.exists()]
    closed = [file for file in (path, *neighbours) if not _allowed(file, os.R_OK | os.W_OK)]
    if closed or not _allowed(path.parent, os.W_OK):
        beside = "" if not closed or path in closed else f" because of {closed[0].name}"
        raise StorageReadOnly(
            f"the database {path} can't be read and written{beside}",
            hint="Check the owner and the permissions of the file and its folder",
        )
    # A file that this process may have open is not looked into: to close it would let go of all locks that
    # the process has on it, and who closes the database next would remove the log under those who write to
    # it (https://sqlite.org/howtocorrupt.html, 2.2).
    if not lock_path(path).exists():
        _require_database(path)


def _require_database(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head and head != _MAGIC and not _can_be_mended(path):
        raise StorageCorrupt(
            f"{path} is not a database", hint="Name another file; if it was one, restore a backup"
        )


def _can_be_mended(path: Path) -> bool:
    """Whether SQLite has a log or journal from which to restore a first page torn by a loss of power."""
    files = (sidecars(path)[0], path.with_name(path.name + "-journal"))
    return any(file.exists() and file.stat().st_size for file in files)


def _allowed(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=_EFFECTIVE)


def make_folder(folder: Path) -> None:
    """Make the folder and those above it that are missing, private."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        # mkdir's mode is cut by the umask and never widened, so every level is private.
        parent.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        _sync(parent.parent)


def _sync(folder: Path) -> None:
    """Let the names in a folder outlive a loss of power; SQLite does it for the folder of the database."""
    if sys.platform == "win32":  # folders can't be opened there
        return
    # Like SQLite: where a folder can't be synced, its file system has no better way.
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _create(path: Path) -> None:
    """Create the file when missing; SQLite gives -wal and -shm the permissions of the database."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE_FILE)
    except FileExistsError:
        return
    os.close(handle)
