"""Turns what the driver, SQLAlchemy and the network raise into our errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as NoConnection

from hmlr.errors import (
    ConfigurationError,
    HMLRError,
    InvalidInput,
    LockTimeout,
    PoolTimeout,
    StorageBusy,
    StorageCorrupt,
    StorageError,
    StorageFull,
    StorageReadOnly,
    StorageUnreachable,
    TooLarge,
)

_REPEAT = "Repeat the call; a write with an idempotency key is stored once"
# SQLSTATE, or its class: https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_STATE: dict[str, tuple[type[HMLRError], str, str]] = {
    "55P03": (LockTimeout, "another session held the user's rows for too long", "Repeat the call"),
    "57014": (StorageBusy, "the database took too long for a statement", "Repeat the call"),
    "40": (StorageBusy, "another session's work came in between", "Repeat the call"),
    "53300": (StorageBusy, "the database server has no connection free", "Raise max_connections, or repeat"),
    "53": (StorageFull, "the database server has no room left", "Free space or memory on it and repeat"),
    "25006": (StorageReadOnly, "the database server takes no writes", "Name the primary server"),
    "57P": (StorageUnreachable, "the database server ended the connection", _REPEAT),
    "08": (StorageUnreachable, "the connection to the database server broke", _REPEAT),
    "28": (ConfigurationError, "the database server does not accept this user", "Check the address"),
    "3D": (ConfigurationError, "there is no such database", "Create it: createdb NAME"),
    "42501": (ConfigurationError, "the database user may not do this", "See docs/postgres.md for its rights"),
    "22": (InvalidInput, "a text or a number can't be stored: NUL, a lone surrogate, or too large", ""),
    "54": (TooLarge, "a value is too large for the database", ""),
    "XX": (StorageCorrupt, "the database is damaged", "Restore a backup"),
}


@contextmanager
def translated() -> Iterator[None]:
    """Whatever the database below raises comes out as one of `hmlr.errors`, with its cause chained.

    Never with its text in the message: a server's words may quote a row or a password.
    """
    try:
        yield
    except (
        SQLAlchemyError,
        json.JSONDecodeError,
        UnicodeEncodeError,
        OverflowError,
        OSError,
        TimeoutError,
    ) as error:
        raise _ours(error) from error


def lost_connection(error: BaseException) -> bool:
    """Whether the connection is gone, so that nothing more was done on it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(_of(error), StorageUnreachable)
    return isinstance(error, (OSError, InterfaceError)) and not isinstance(error, TimeoutError)


def _ours(error: BaseException) -> HMLRError:
    match error:
        case StatementError(orig=HMLRError() as ours):  # a column type refused the value
            return ours
        case NoConnection():
            return PoolTimeout("no connection to the database was free in time", hint="Repeat the call")
        case TimeoutError():
            return StorageUnreachable("the database server did not answer in time", hint=_REPEAT)
        case DBAPIError():
            return _of(error)
        case OSError():
            return _unreachable(error.strerror or type(error).__name__)
        case _:
            return _from_value(error.orig or error if isinstance(error, StatementError) else error)


def _from_value(error: BaseException) -> HMLRError:
    match error:
        case json.JSONDecodeError():
            return StorageCorrupt("a stored value is no JSON", hint="Restore a backup")
        case UnicodeEncodeError():
            return InvalidInput("the text holds a lone surrogate, which is no character")
        case OverflowError() | ValueError():
            return InvalidInput("a value can't be stored")
        case _:
            return StorageError(f"the database layer failed ({type(error).__name__})")


def _of(error: DBAPIError) -> HMLRError:
    cause = error.orig
    state = getattr(cause, "sqlstate", None)
    if isinstance(state, str):
        for length in (5, 3, 2):
            if known := _BY_STATE.get(state[:length]):
                kind, said, hint = known
                return kind(said, hint=hint)
        return StorageError(f"the database failed (SQLSTATE {state})", hint="Run `doctor`")
    return _without_state(error, cause.__cause__ or cause if cause is not None else error)


def _without_state(error: DBAPIError, cause: BaseException) -> HMLRError:
    """What the driver itself says."""
    if error.connection_invalidated or isinstance(cause, (OSError, ConnectionError)):
        return _unreachable(type(cause).__name__)
    if isinstance(error, InterfaceError) and not isinstance(cause, (ValueError, OverflowError)):
        return _unreachable(type(cause).__name__)
    return _from_value(cause)


def _unreachable(detail: str) -> StorageUnreachable:
    return StorageUnreachable(f"the database server can't be reached ({detail})", hint=_REPEAT)
