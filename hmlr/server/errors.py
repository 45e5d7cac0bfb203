"""What went wrong, as an HTTP answer: one shape for all doors, that of OpenAI's errors.

Never holds what the client sent: a wrong value may be a secret or another person's text.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from hmlr.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    ClosedError,
    ConfigurationError,
    Conflict,
    HMLRError,
    InvalidInput,
    ModelError,
    NotFound,
    RateLimited,
    RequestRejected,
    StorageFull,
    TooLarge,
    TryLater,
    UnknownModel,
)

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 2
# The first that fits decides.
STATUS: tuple[tuple[type[HMLRError], int], ...] = (
    (NotFound, 404),
    (UnknownModel, 404),
    (TooLarge, 413),
    (RequestRejected, 400),
    (InvalidInput, 422),
    (Conflict, 409),
    (RateLimited, 429),
    (BudgetExceeded, 429),
    (AuthenticationFailed, 502),
    (StorageFull, 507),
    (ClosedError, 503),
    (ModelError, 502),
    (TryLater, 503),
    (ConfigurationError, 501),
)
TYPES: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
}


class ErrorBody(BaseModel):
    """What went wrong and what to do."""

    message: str
    type: str
    code: str
    param: str | None = None
    request_id: str


class ErrorReply(BaseModel):
    """The body of every answer that is an error."""

    error: ErrorBody


def error_reply(
    status: int, message: str, *, code: str, request_id: str, retry_after_s: float | None = None
) -> JSONResponse:
    """An error as an answer."""
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, round(retry_after_s)))}
    body = _body(status, message, code=code, request_id=request_id)
    return JSONResponse(body.model_dump(), status_code=status, headers=headers)


def reply_for(error: HMLRError, request_id: str) -> JSONResponse:
    """One of our errors as an answer."""
    status = _status(error)
    wait = getattr(error, "retry_after_s", None) or (RETRY_AFTER_S if status in (429, 503) else None)
    headers = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
    return JSONResponse(error_of(error, request_id).model_dump(), status_code=status, headers=headers)


def error_of(error: HMLRError, request_id: str) -> ErrorReply:
    """One of our errors as the body of an answer, or as an event of one that has begun."""
    status = _status(error)
    if status >= 500:
        logger.error("request %s failed: %s", request_id, type(error).__name__)
    return _body(status, _told(error, status), code=type(error).__name__, request_id=request_id)


def _status(error: HMLRError) -> int:
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def _body(status: int, message: str, *, code: str, request_id: str) -> ErrorReply:
    kind = TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return ErrorReply(error=ErrorBody(message=message, type=kind, code=code, request_id=request_id))


def _told(error: HMLRError, status: int) -> str:
    """The error's words where they are for the caller; else what its kind means: files are the operator's."""
    if isinstance(error, ModelError) or (status < 500 and not isinstance(error, NotFound)):
        return str(error)
    return (type(error).__doc__ or "").partition("\n")[0]


def install(app: FastAPI) -> None:
    """Answer errors of this app in our shape. The last one is the server's edge: nothing gets past it."""

    @app.exception_handler(HMLRError)
    async def _ours(request: Request, error: HMLRError) -> JSONResponse:
        return reply_for(error, request_id_of(request))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        reasons = "; ".join(f"{_place(each['loc'])}: {each['msg']}" for each in error.errors()[:5])
        return error_reply(422, reasons, code="InvalidInput", request_id=request_id_of(request))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        answer = error_reply(error.status_code, error.detail, code="HTTP", request_id=request_id_of(request))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def _bug(request: Request, error: Exception) -> JSONResponse:
        request_id = request_id_of(request)
        logger.error("request %s failed: %s", request_id, type(error).__name__, exc_info=wordless(error))
        return error_reply(
            500, "an unexpected error: report it with the request id", code="Bug", request_id=request_id
        )


def request_id_of(request: Request) -> str:
    """The id that the guard gave to this request."""
    return str(request.scope.get("state", {}).get("request_id", ""))


def _place(location: tuple[Any, ...]) -> str:
    return ".".join(str(each) for each in location if each != "body")[:200] or "body"


def wordless(error: Exception) -> tuple[type[BaseException], BaseException, Any]:
    """Where it happened, for the log: without the error's own words, which may hold content."""
    return type(error), type(error).__new__(type(error)), error.__traceback__


Described = dict[int | str, dict[str, Any]]


def described(*more: Literal[400, 404, 409, 501, 502, 507]) -> Described:
    """The errors that a route may answer with, for the OpenAPI document: everybody's, and `more`."""
    usual = (400, 401, 403, 413, 415, 421, 422, 429, 500, 503)
    return {status: {"model": ErrorReply} for status in sorted({*usual, *more})}
