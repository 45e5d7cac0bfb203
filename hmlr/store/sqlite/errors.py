"""Turns what the driver, SQLAlchemy and the operating system raise into our errors."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from hmlr.errors import (
    HMLRError,
    InvalidInput,
    OutOfResources,
    StorageBusy,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    TooLarge,
)
from hmlr.exhaustion import NO_MORE_FILES

_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_READ_ONLY = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH}
_FULL_ERRNO = {errno.ENOSPC, errno.EDQUOT}
_OPENED_AT_ONCE = 4  # files, by SQLite: the database, its log, the index of that, their folder
_DENIED_ERRNO = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Whatever the database below raises comes out as one of `hmlr.errors`, with its cause chained."""
    try:
        yield
    except (
        SQLAlchemyError,
        sqlite3.Error,
        json.JSONDecodeError,
        UnicodeError,
        OverflowError,
        OSError,
        MemoryError,
    ) as error:
        raise _exhausted(error) or _ours(error, path) from error


def _ours(error: BaseException, path: Path) -> HMLRError:
    match error:
        case StatementError(orig=HMLRError() as ours):  # a column type refused the value
            return ours
        case DBAPIError(orig=BaseException() as cause):
            return _from_driver(cause, path)
        case StatementError(orig=json.JSONDecodeError()) | json.JSONDecodeError():
            return _corrupt(path, "a stored value is no JSON")
        case sqlite3.Error():
            return _from_driver(error, path)
        case OSError():
            return _from_system(error, path)
        case _:
            return _from_value(error, path)


def _from_value(error: BaseException, path: Path) -> HMLRError:
    if isinstance(error, UnicodeDecodeError):  # of what SQLite says of a damaged schema
        return _corrupt(path, "its schema holds bytes that are no text")
    if isinstance(error, UnicodeEncodeError):
        return InvalidInput("the text holds a lone surrogate, which is no character")
    if isinstance(error, OverflowError):
        return InvalidInput("a number is too large to be stored")
    return StorageError(f"the database layer failed ({error})")


def _from_driver(error: BaseException, path: Path) -> HMLRError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    if primary in _BUSY:
        return StorageBusy("the database is locked by another process", hint="Repeat the call")
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("the disk is full; nothing was stored", hint=f"Free space for {path} and repeat")
    if primary in _CORRUPT or "decode to UTF-8" in str(error):
        return _corrupt(path, str(error))
    if primary in _READ_ONLY:
        return StorageReadOnly(
            f"the database {path} can't be opened for writing ({name})",
            hint="Check the owner and the permissions of the file and its folder",
        )
    if primary == sqlite3.SQLITE_TOOBIG or isinstance(error, sqlite3.DataError):
        return TooLarge("a value is too large for the database (about 1 GB)")
    return StorageError(
        f"the database failed ({name}: {error})", hint="Run `doctor` to see whether it is sound"
    )


def _exhausted(error: BaseException) -> OutOfResources | None:
    """The error to raise when the system gave no more of something."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = cause.errno if isinstance(cause, OSError) else None
    code = getattr(cause, "sqlite_errorcode", None) or 0
    if isinstance(cause, MemoryError) or number == errno.ENOMEM:
        what = "memory"
    elif number in NO_MORE_FILES or (code & 0xFF == sqlite3.SQLITE_CANTOPEN and not _can_open()):
        what = "open files"
    else:
        return None
    return OutOfResources(
        f"this process gets no more {what}; nothing was stored",
        hint="Close what is not needed or raise the limit, then repeat the call",
    )


def _can_open() -> bool:
    """Whether files can be opened at all: SQLite does not say why it could not."""
    with ExitStack() as opened:
        try:
            for _ in range(_OPENED_AT_ONCE):
                # Never the database: closing it would let go of its locks.
                opened.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        except OSError as error:
            return error.errno not in NO_MORE_FILES
    return True


def _corrupt(path: Path, detail: str) -> StorageCorrupt:
    return StorageCorrupt(
        f"the database {path} is damaged ({detail})",
        hint="Run `doctor`; restore a backup if it can't be read",
    )


def _from_system(error: OSError, path: Path) -> HMLRError:
    if error.errno in _FULL_ERRNO:
        return StorageFull("the disk is full; nothing was stored", hint=f"Free space for {path} and repeat")
    if error.errno in _DENIED_ERRNO:
        return StorageReadOnly(
            f"{error.filename or path} can't be used ({error.strerror})",
            hint="Check the owner and the permissions of the file and its folder",
        )
    return StorageError(f"{error.filename or path} can't be used ({error.strerror or error})")
