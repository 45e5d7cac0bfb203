"""Every error that HMLR raises, split by what the caller can do about it.

HMLRError
├── InvalidInput          mend the call: nothing was stored
│   ├── TooLarge          ... it is over a limit
│   └── NotFound          ... no such record of this user
├── ConfigurationError    mend the settings
│   └── MissingPackage    ... install it; it is an ImportError, too
├── TryLater              the same call may succeed later
│   ├── StorageBusy       another process holds the database
│   │   ├── LockTimeout       ... the user's rows
│   │   └── PoolTimeout       ... or this one has no connection free
│   ├── StorageUnreachable    no connection to the database server, or it broke
│   ├── StorageFull       no space left on the disk
│   ├── OutOfResources    no more memory, threads or open files for this process
│   └── EmbedderError     the embedding model failed
│       └── EmbedderUnavailable   there is none: search is lexical
├── ModelError            a call of a language model failed; each one is also what stands behind the colon
│   ├── RateLimited           TryLater: too many requests, or the quota is used up
│   ├── Overloaded            TryLater: the provider can't serve now
│   ├── ModelTimeout          TryLater: no answer within the deadline
│   ├── Unreachable           TryLater: no connection, or it broke
│   ├── BrokenReply           TryLater: the answer is no answer
│   │   ├── InvalidAnswer     ... it breaks the schema, after all repairs
│   │   └── ToolLoopExceeded  ... the model only asks for tools, round after round
│   ├── BudgetExceeded        TryLater: a hard budget would be overspent; nothing was sent
│   │   └── DayBudgetExceeded ... that of the user's day
│   ├── AuthenticationFailed  ConfigurationError: the key is missing, wrong or not allowed
│   ├── UnknownModel          ConfigurationError: there is no such model
│   ├── RequestRejected       InvalidInput: the provider refuses the request as it is
│   │   └── ContextTooLong    TooLarge: it does not fit the model's context
│   └── ContentRefused        InvalidInput: the model or its filter refuses to answer
├── StorageError          repair data: the database can't be used as it is
│   ├── StorageCorrupt    ... damaged
│   ├── StorageReadOnly   ... not writable
│   └── SchemaTooNew      ... written by a newer HMLR
├── Conflict              the record changed meanwhile: read again, then repeat
│   └── LeaseLost         another worker took the job over
└── ClosedError           report a bug: used after close, from another loop or process
"""

from __future__ import annotations

from datetime import datetime


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


class MissingPackage(ConfigurationError, ImportError):
    """A package is not installed that this part of HMLR needs; the message gives the command for it."""


class TryLater(HMLRError):
    """The call failed for a passing reason; the same call may succeed later."""


class StorageBusy(TryLater):
    """Another process held the database for longer than the busy timeout."""


class LockTimeout(StorageBusy):
    """Somebody else held the user's rows on the database server for longer than the lock timeout."""


class PoolTimeout(StorageBusy):
    """No connection to the database server became free within the pool timeout; nothing was sent."""


class StorageUnreachable(TryLater):
    """The database server can't be reached, or the connection broke.

    Of a write that broke nobody knows whether it was stored: repeated with its idempotency key it is stored
    once.
    """


class StorageFull(TryLater):
    """The disk is full; reading still works, and writing does once there is space."""


class OutOfResources(TryLater):
    """The system gives this process no more memory, threads or open files; what was stored is not touched."""


class EmbedderError(TryLater):
    """The embedding model failed; text search goes on without it."""


class EmbedderUnavailable(EmbedderError):
    """No embedding model is configured or installed; search is lexical."""


class StorageError(HMLRError):
    """The database can't be used as it is."""


class StorageCorrupt(StorageError):
    """The database file is damaged; `doctor` says what can be saved."""


class StorageReadOnly(StorageError):
    """The database or its folder can't be written."""


class CopyDiffers(StorageError):
    """A memory that was moved is not what it was before; the copy was taken out again."""


class SchemaTooNew(StorageError):
    """The database was written by a newer version; it was left untouched."""


class Conflict(HMLRError):
    """The record changed since it was read; nothing was written."""


class LeaseLost(Conflict):
    """The job was taken over by another worker; nothing was written."""


class ClosedError(HMLRError):
    """The object is closed, or used from another event loop or process than it was opened in."""


class ModelError(HMLRError):
    """A call of a language model failed, or its answer broke the contract.

    `retryable` says whether the same call may succeed later; `status` is None when there was no HTTP answer;
    `retry_after_s` is what the provider asked for; `calls` and the tokens are what the failed call cost.
    """

    retryable = False

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        model: str = "",
        status: int | None = None,
        request_id: str = "",
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
    ) -> None:
        super().__init__(message, hint=hint)
        self.calls = 1  # requests behind this error
        self.model = model  # "provider:model"
        self.provider = model.partition(":")[0]
        self.status = status
        self.request_id = request_id
        self.retryable = type(self).retryable if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


class RateLimited(ModelError, TryLater):
    """Too many requests or tokens; not `retryable` when the account's quota is used up."""

    retryable = True


class Overloaded(ModelError, TryLater):
    """The provider failed or is overloaded."""

    retryable = True


class ModelTimeout(ModelError, TryLater):
    """There was no whole answer within the deadline."""

    retryable = True


class Unreachable(ModelError, TryLater):
    """The connection could not be made, or broke before the answer was whole."""

    retryable = True


class BrokenReply(ModelError, TryLater):
    """The answer can't be read, is cut, too large, or empty."""

    retryable = True


class InvalidAnswer(BrokenReply):
    """The answer breaks the asked-for schema, also after it was told so."""

    retryable = False


class ToolLoopExceeded(BrokenReply):
    """The model still asks for tools after the rounds that it was allowed; their tools have run."""

    retryable = False


class BudgetExceeded(ModelError, TryLater):
    """The call would overspend a hard budget; nothing was sent."""


class DayBudgetExceeded(BudgetExceeded):
    """The user's model calls have taken what they may of this day; `until` is when the next one begins."""

    def __init__(self, message: str, *, until: datetime, hint: str = "", model: str = "") -> None:
        super().__init__(message, hint=hint, model=model)
        self.until = until


class AuthenticationFailed(ModelError, ConfigurationError):
    """The provider does not accept the key, or the key may not do this."""


class UnknownModel(ModelError, ConfigurationError):
    """The provider has no such model, or has retired it."""


class RequestRejected(ModelError, InvalidInput):
    """The provider refuses the request as it is; repeating it does not help."""


class ContextTooLong(RequestRejected, TooLarge):
    """Prompt and answer do not fit the model's context."""


class ContentRefused(ModelError, InvalidInput):
    """The model, or the provider's filter, refuses to answer this."""
