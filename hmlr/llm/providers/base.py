"""The port of a provider, and what its adapters share: one error context, one way to refuse a bad reply."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx2
from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import from_json

from hmlr.errors import BrokenReply, ConfigurationError, ModelError, ModelTimeout, Unreachable
from hmlr.llm.faults import from_event, from_status, request_id, scrubbed
from hmlr.llm.http import HTTPFault, ReplyTooLarge
from hmlr.llm.records import ChatRequest, Completion, Options, StreamPart
from hmlr.records import Usage

W = TypeVar("W", bound=BaseModel)


class Provider(Protocol):
    """One model of one provider behind one key.

    Sends exactly one request per call: no retries, no redirects. Natively async. Raises ModelError, of the
    kind that fits, and nothing else; ConfigurationError for an option that the provider lacks. Cancelling
    closes the connection. A refused answer raises ContentRefused; a cut one comes as finish_reason "length",
    a stream that ends without its end as BrokenReply. Streams: the last part carries the whole answer.
    """

    model: str  # "provider:model"

    async def complete(self, request: ChatRequest) -> Completion:
        """The whole answer."""

    def stream(self, request: ChatRequest) -> AsyncIterator[StreamPart]:
        """The answer in pieces."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where and as whom a provider is called."""

    model: str  # "provider:model"
    key: SecretStr | None
    base_url: str  # empty: the provider's own
    http: httpx2.AsyncClient
    api_version: str = ""  # Gemini; empty: the SDK's

    @property
    def name(self) -> str:
        """The model's name without the provider."""
        return self.model.partition(":")[2]

    @property
    def secret(self) -> str:
        """The key as it is sent; servers without keys get a word in its place.

        ConfigurationError for a key that no header can carry: the errors of the wire would quote it.
        """
        key = self.key.get_secret_value().strip() if self.key else "none"
        if not (key.isascii() and key.isprintable()):
            raise ConfigurationError(
                f"the key for {self.model} holds characters that no key has", hint="Copy it once more"
            )
        return key

    @property
    def secrets(self) -> tuple[str, ...]:
        """What may stand in no text."""
        return (self.secret,) if self.key else ()


class Bill(BaseModel):
    """What of any reply tells its cost, whatever else is wrong with it."""

    def spent(self) -> Usage:
        """Its tokens; none when it names none."""
        return Usage(calls=1)


# What SDKs let escape when a reply is not what they expect; everything else is a defect of ours.
_SDK_SLIPS: tuple[type[Exception], ...] = (
    httpx2.HTTPError,
    httpx2.StreamError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
)


@dataclass
class Seen:
    """What is known of a reply before it is whole, for the error that may come of it."""

    status: int | None = None
    request_id: str = ""
    spent: Callable[[], Usage] = Usage  # so far

    def head(self, headers: Mapping[str, str]) -> str:
        """The server has begun an answer; the request's id."""
        self.status, self.request_id = 200, request_id(headers)
        return self.request_id

    def completed(self, error: ModelError) -> ModelError:
        """The error with what it does not know itself."""
        if error.status is None:
            error.status, error.request_id = self.status, error.request_id or self.request_id
        return _billed(error, self.spent())


@contextmanager
def translated(
    endpoint: Endpoint, *foreign: type[Exception], spent: Callable[[], Usage] = Usage
) -> Iterator[Seen]:
    """Turn every error of the wire or the SDK into one of ours; `foreign` are the SDK's own base classes.

    Only errors of the wire stay as cause: those of SDKs and parsers quote replies and prompts. `spent` tells
    what a stream has cost until it broke.
    """
    seen = Seen(spent=spent)
    try:
        yield seen
    except ModelError as error:
        raise seen.completed(error) from error.__cause__
    except ConfigurationError:
        raise
    except foreign + _SDK_SLIPS as error:
        wire = next((cause for cause in _causes(error) if isinstance(cause, _WIRE)), None)
        fault = _of_wire(endpoint, wire) if wire else _of_sdk(endpoint, error)
        raise seen.completed(fault) from wire


_WIRE = (httpx2.RequestError, httpx2.StreamError)


def _of_wire(endpoint: Endpoint, fault: Exception) -> ModelError:
    """The wire's fault behind an SDK's exception decides; the SDK's own class is not asked."""
    model = endpoint.model
    if isinstance(fault, HTTPFault):
        return from_status(model, fault.status, fault.headers, fault.body, secrets=endpoint.secrets)
    if isinstance(fault, ReplyTooLarge):
        return BrokenReply(f"{model}: {fault}", model=model, retryable=False)
    if isinstance(fault, httpx2.TimeoutException):
        return ModelTimeout(f"{model}: no answer in time ({type(fault).__name__})", model=model)
    if isinstance(fault, httpx2.SSEError | httpx2.DecodingError):
        return _unreadable(endpoint, fault)
    said = scrubbed(str(fault), endpoint.secrets) or "the connection broke"
    return Unreachable(f"{model}: {said} ({type(fault).__name__})", model=model)


def _of_sdk(endpoint: Endpoint, error: Exception) -> ModelError:
    """SDKs raise what a stream's `error` event says; all else they raise is an answer they can't read."""
    said = getattr(error, "body", None) or getattr(error, "details", None)
    if isinstance(said, Mapping):
        return from_event(endpoint.model, said, secrets=endpoint.secrets)
    return _unreadable(endpoint, error)


def _unreadable(endpoint: Endpoint, error: Exception) -> ModelError:
    model = endpoint.model
    return BrokenReply(f"{model}: the answer can't be read ({type(error).__name__})", model=model)


def _billed(error: ModelError, spent: Usage) -> ModelError:
    if not (error.input_tokens or error.output_tokens):
        error.input_tokens, error.output_tokens = spent.input_tokens, spent.output_tokens
    return error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def parse(endpoint: Endpoint, wire: type[W], body: bytes | str | object, *, bill: type[Bill] = Bill) -> W:
    """A reply's body as its wire model. BrokenReply when it is none, with the cost that its `bill` tells.

    What the reply says is not repeated, nor kept as the error's cause.
    """
    model = endpoint.model
    try:
        given = from_json(body) if isinstance(body, bytes | str) else body
    except ValueError:
        raise BrokenReply(f"{model}: the answer is no JSON", model=model) from None
    try:
        return wire.model_validate(given, strict=True)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "its top"
    fault = BrokenReply(
        f"{model}: the answer has another shape than documented, at {where[:100]}", model=model
    )
    raise _billed(fault, _spent(bill, given))


def _spent(bill: type[Bill], given: object) -> Usage:
    try:
        return bill.model_validate(given, strict=True).spent()
    except ValidationError:
        return Usage()


def refuse_options(endpoint: Endpoint, options: Options, *lacking: str) -> None:
    """ConfigurationError when an option is given that the provider lacks."""
    for name in lacking:
        if getattr(options, name) is not None:
            raise ConfigurationError(
                f"{endpoint.model} has no option {name}", hint="Leave it out for this provider"
            )
