"""From what went wrong on the wire to one of our errors: by status and the provider's own code, pure.

Sources: the error pages of the four providers' API references; shapes checked against their SDKs' types.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from hmlr.errors import (
    AuthenticationFailed,
    BrokenReply,
    ContentRefused,
    ContextTooLong,
    ModelError,
    ModelTimeout,
    Overloaded,
    RateLimited,
    RequestRejected,
    UnknownModel,
)

MAX_SAID_CHARS = 200

_BY_STATUS: Mapping[int, type[ModelError]] = {
    401: AuthenticationFailed,
    402: AuthenticationFailed,
    403: AuthenticationFailed,
    404: UnknownModel,
    408: ModelTimeout,
    409: Overloaded,
    413: ContextTooLong,
    425: Overloaded,
    429: RateLimited,
    504: ModelTimeout,
}
# A provider's own code says more than the status it comes with.
_BY_CODE: Mapping[str, type[ModelError]] = {
    "API_KEY_INVALID": AuthenticationFailed,
    "invalid_api_key": AuthenticationFailed,
    "model_not_found": UnknownModel,
    "context_length_exceeded": ContextTooLong,
    "string_above_max_length": ContextTooLong,
    "content_filter": ContentRefused,
    "content_policy_violation": ContentRefused,
}
# Some things are said by a sentence only, under a status that means something else; these are its fixed
# beginnings. Nothing is searched for within a sentence: "author not found" is about no key.
_BY_SENTENCE: tuple[tuple[re.Pattern[str], type[ModelError]], ...] = (
    (
        re.compile(
            r"prompt is too long|input length and `max_tokens` exceed context limit"
            r"|The input token count .{0,40}exceeds the maximum number of tokens"
            r"|This model's maximum (?:prompt|context) length is"
        ),
        ContextTooLong,
    ),
    (re.compile(r"Incorrect API key provided\b"), AuthenticationFailed),  # xAI, with status 400
    (re.compile(r"Content violates usage guidelines\b"), ContentRefused),  # xAI, with status 403
    (re.compile(r"Output blocked by content filtering policy\b"), ContentRefused),  # Anthropic, status 400
)
_WITH_SENTENCES = frozenset({400, 403, 422})
# Errors that come within a stream have no status of their own; this is the one of the same error without one.
_STATUS_OF: Mapping[str, int] = {
    "overloaded_error": 529,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "timeout_error": 504,
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
    "INVALID_ARGUMENT": 400,
}
_USED_UP = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_HINTS: Mapping[type[ModelError], str] = {
    AuthenticationFailed: "Check the provider's key",
    UnknownModel: "Check the model's name; it may have been retired",
    ContextTooLong: "Send less, or choose a model with a larger context",
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an error's body says."""

    codes: frozenset[str]
    message: str
    retry_after_s: float | None


def from_status(
    model: str, status: int, headers: Mapping[str, str], body: bytes, *, secrets: tuple[str, ...] = ()
) -> ModelError:
    """The error for a reply that is no success. `secrets` never appear in its text."""
    return _error(model, status, headers, read_body(body), secrets)


def from_event(model: str, event: object, *, secrets: tuple[str, ...] = ()) -> ModelError:
    """The error for one that came within a stream, after a status that promised success."""
    said = _said(event)
    numbers = (code for code in (_inner(event).get("code"),) if isinstance(code, int) and 400 <= code < 600)
    named = (_STATUS_OF[code] for code in sorted(said.codes & _STATUS_OF.keys()))
    return _error(model, next(numbers, None) or next(named, 500), {}, said, secrets)


def _error(
    model: str, status: int, headers: Mapping[str, str], said: Said, secrets: tuple[str, ...]
) -> ModelError:
    kind = _kind(status, said)
    used_up = kind is RateLimited and bool(said.codes & _USED_UP)
    wait = retry_after_s(headers)
    return kind(
        f"{model}: {_describe(status, said.message, secrets)}",
        hint="Check the account's plan and billing" if used_up else _HINTS.get(kind, ""),
        model=model,
        status=status,
        request_id=scrubbed(request_id(headers), secrets),
        retryable=False if used_up else None,
        retry_after_s=said.retry_after_s if wait is None else wait,
    )


def _kind(status: int, said: Said) -> type[ModelError]:
    for code in sorted(said.codes & _BY_CODE.keys()):
        return _BY_CODE[code]
    if status in _WITH_SENTENCES:
        for sentence, kind in _BY_SENTENCE:
            if sentence.match(said.message):
                return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status < 300:
        return BrokenReply  # a success without an answer: 204
    return Overloaded if status >= 500 else RequestRejected


def _describe(status: int, message: str, secrets: tuple[str, ...]) -> str:
    if 300 <= status < 400:
        return f"answered with a redirect (status {status}), which is not followed; check the base URL"
    return f"status {status}" + (f", {scrubbed(message, secrets)}" if message else "")


def scrubbed(text: str, secrets: tuple[str, ...]) -> str:
    """One short line of a provider's words, without keys."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    return " ".join(re.sub(r"\b(?:sk|xai|AIza)[-_A-Za-z0-9*]{8,}", "***", text).split())[:MAX_SAID_CHARS]


def read_body(body: bytes) -> Said:
    """Codes, message and wish to wait of an error's body, whichever provider wrote it."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        parsed = None
    return _said(parsed)


def _outer(parsed: object) -> Mapping[str, Any]:
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    return parsed if isinstance(parsed, dict) else {}


def _inner(parsed: object) -> Mapping[str, Any]:
    outer = _outer(parsed)
    error = outer.get("error")
    return error if isinstance(error, dict) else outer


def _said(parsed: object) -> Said:
    outer, inner = _outer(parsed), _inner(parsed)
    error = outer.get("error")
    message = error if isinstance(error, str) else inner.get("message")
    details = inner.get("details")
    entries = [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []
    codes = [inner.get("code"), inner.get("type"), inner.get("status"), outer.get("code")]
    codes += [item.get("reason") for item in entries]
    return Said(
        codes=frozenset(code for code in codes if isinstance(code, str)),
        message=message if isinstance(message, str) else "",
        retry_after_s=next((wait for item in entries if (wait := _retry_info(item)) is not None), None),
    )


def _retry_info(detail: Mapping[str, Any]) -> float | None:
    """Gemini's wish to wait: {"@type": ".../google.rpc.RetryInfo", "retryDelay": "34s"}."""
    delay = detail.get("retryDelay")
    return _seconds(delay.removesuffix("s")) if isinstance(delay, str) else None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the headers ask: milliseconds, seconds or a date (RFC 9110); None when absurd."""
    if (wait := _seconds(headers.get("retry-after-ms", ""))) is not None:
        return wait / 1000
    given = headers.get("retry-after", "")
    if (wait := _seconds(given)) is not None:
        return wait
    try:
        when = parsedate_to_datetime(given)
    except (ValueError, IndexError):
        return None
    if when.tzinfo is None:
        return None
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def request_id(headers: Mapping[str, str]) -> str:
    """The provider's id of a request, to quote to its support."""
    return (
        headers.get("x-request-id") or headers.get("request-id") or headers.get("x-goog-request-id") or ""
    )[:200]
