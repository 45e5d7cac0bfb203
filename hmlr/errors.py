"""Every error that HMLR raises, split by what the caller can do about it.

HMLRError
├── InvalidInput          mend the call: nothing was stored
│   ├── TooLarge          ... it is over a limit
│   └── NotFound          ... no such record of this user
├── ConfigurationError    mend the settings
├── TryLater              the same call may succeed later
│   ├── StorageBusy       another process holds the database
│   ├── StorageFull       no space left on the disk
│   ├── EmbedderError     the embedding model failed
│   │   └── EmbedderUnavailable   there is none: search is lexical
│   └── ModelError        the language model failed or answered badly
├── StorageError          repair data: the database can't be used as it is
│   ├── StorageCorrupt    ... damaged
│   ├── StorageReadOnly   ... not writable
│   └── SchemaTooNew      ... written by a newer HMLR
├── Conflict              the record changed meanwhile: read again, then repeat
│   └── LeaseLost         another worker took the job over
└── ClosedError           report a bug: used after close, from another loop or process
"""

from __future__ import annotations


class HMLRError(Exception):
    """Base of all errors; `str()` is one line that says what happened and what to do.

    `hint` is the instruction alone, empty when the message already tells.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message}. {hint}" if hint else message)
        self.hint = hint


class InvalidInput(HMLRError):
    """The argument can't be accepted; nothing was stored."""


class TooLarge(InvalidInput):
    """The argument is over a limit; the message names the limit."""


class NotFound(InvalidInput):
    """There is no such record; a record of another user gives the same error."""


class ConfigurationError(HMLRError):
    """A setting is missing or wrong; the message names it and its allowed values."""


class TryLater(HMLRError):
    """The call failed for a passing reason; the same call may succeed later."""


class StorageBusy(TryLater):
    """Another process held the database for longer than the busy timeout."""


class StorageFull(TryLater):
    """The disk is full; reading still works, and writing does once there is space."""


class EmbedderError(TryLater):
    """The embedding model failed; text search goes on without it."""


class EmbedderUnavailable(EmbedderError):
    """No embedding model is configured or installed; search is lexical."""


class ModelError(TryLater):
    """The language model failed, or its answer broke the task's contract."""


class StorageError(HMLRError):
    """The database can't be used as it is."""


class StorageCorrupt(StorageError):
    """The database file is damaged; `doctor` says what can be saved."""


class StorageReadOnly(StorageError):
    """The database or its folder can't be written."""


class SchemaTooNew(StorageError):
    """The database was written by a newer version; it was left untouched."""


class Conflict(HMLRError):
    """The record changed since it was read; nothing was written."""


class LeaseLost(Conflict):
    """The job was taken over by another worker; nothing was written."""


class ClosedError(HMLRError):
    """The object is closed, or used from another event loop or process than it was opened in."""
