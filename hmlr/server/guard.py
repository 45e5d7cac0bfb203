"""Who may come in at all: checked before any route, for every request and every door of the server.

Host and Origin, token, rate, how many at a time, kind and size of the body; and a request id and one line in
the log, which holds no content. Sources: docs/faults.md X09, X10, X12, X18.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import uuid_utils
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hmlr.core.access import AccessDesk
from hmlr.records import AccessToken
from hmlr.server.errors import error_reply
from hmlr.server.metrics import Metrics
from hmlr.server.rates import Rates
from hmlr.server.settings import ServerSettings

logger = logging.getLogger("hmlr.access")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SESSION_COOKIE = "hmlr_token"
LOGIN_PATH = "/login"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
IMPORT_PATH = "/v1/import"
# What a body may be, but for JSON.
OTHER_TYPES = {IMPORT_PATH: "application/x-ndjson", LOGIN_PATH: "application/x-www-form-urlencoded"}
BUSY_S = 1.0  # what a client is told to wait when there are too many


@dataclass
class Request:
    """What the guard knows of one request."""

    scope: Scope
    headers: Headers
    request_id: str
    begun: float = field(default_factory=time.perf_counter)
    token: AccessToken | None = None
    status: int = 0
    sent_bytes: int = 0

    @property
    def path(self) -> str:
        """The path that was asked for."""
        return str(self.scope.get("path", ""))


class Refused(Exception):
    """The request is answered here."""

    def __init__(self, status: int, message: str, *, code: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.retry_after_s = status, message, code, retry_after_s


class Guard:
    """ASGI middleware around the whole app. `open_paths` need no token; the page's login is one."""

    def __init__(
        self,
        app: ASGIApp,
        access: AccessDesk,
        settings: ServerSettings,
        metrics: Metrics,
        *,
        failures: Rates,
        open_paths: Iterable[str],
    ) -> None:
        self._app = app
        self._access = access
        self._settings = settings
        self._metrics = metrics
        self._open = frozenset({*open_paths, *(("/healthz",) if settings.open_health else ())})
        self._hosts = LOOPBACK | {settings.host.lower()} | {name.lower() for name in settings.hosts}
        self._rates = Rates(settings.requests_per_minute, settings.burst, time.monotonic)
        self._failures = failures
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = _request(scope)
        scope.setdefault("state", {})["request_id"] = request.request_id
        self._running += 1
        try:
            try:
                await self._admit(request)
            except Refused as refused:
                await self._refuse(request, refused, receive, send)
                return
            scope["state"]["token"] = request.token
            await self._app(scope, self._counted(request, receive), _answering(request, send))
        finally:
            self._running -= 1
            self._note(request)

    async def _admit(self, request: Request) -> None:
        if self._running > self._settings.max_concurrent:
            raise Refused(503, "too many requests are under way", code="Busy", retry_after_s=BUSY_S)
        self._check_host(request)
        self._check_origin(request)
        request.token = await self._holder(request)
        if request.token is not None:
            wait = self._rates.take(request.token.token_id)
            if wait:
                raise Refused(429, "too many requests of this token", code="RateLimited", retry_after_s=wait)
        _check_type(request)
        self._check_size(request, int(request.headers.get("content-length") or 0))

    def _check_host(self, request: Request) -> None:
        """A page elsewhere whose name was made to lead here still sends its own name."""
        name = _host(request.headers.get("host", ""))
        if name not in self._hosts:
            raise Refused(421, "this server is not known by that name: set HMLR_SERVER_HOSTS", code="Host")

    def _check_origin(self, request: Request) -> None:
        origin = request.headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        if urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
            raise Refused(403, "calls from other web pages are refused", code="Origin")

    async def _holder(self, request: Request) -> AccessToken | None:
        if request.path in self._open:
            return None
        secret = secret_of(request.headers)
        token = await self._access.holder(secret) if secret else None
        if token is None:
            wait = self._failures.take(address_of(request.scope))
            if wait:
                raise Refused(
                    429, "too many requests without a valid token", code="RateLimited", retry_after_s=wait
                )
            raise Refused(401, "a valid token is needed: Authorization: Bearer …", code="Unauthorized")
        return token

    def _check_size(self, request: Request, size: int) -> None:
        settings = self._settings
        most = settings.max_import_bytes if request.path == IMPORT_PATH else settings.max_body_bytes
        if size > most:
            raise Refused(413, f"the body is over {most} bytes", code="TooLarge")

    def _counted(self, request: Request, receive: Receive) -> Receive:
        """The body as it comes, refused once it is too long, whatever its length was said to be."""
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            if message["type"] == "http.request":
                came += len(message.get("body", b""))
                try:
                    self._check_size(request, came)
                except Refused as refused:
                    raise HTTPException(refused.status, refused.message) from refused
            return message

        return counted

    async def _refuse(self, request: Request, refused: Refused, receive: Receive, send: Send) -> None:
        if request.scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            request.status = refused.status
            return
        answer = refusal(refused, request.request_id)
        if refused.status == 401 and LOGIN_PATH in self._open and _is_browser(request):
            answer = RedirectResponse(LOGIN_PATH, 303)
        await answer(request.scope, receive, _answering(request, send))

    def _note(self, request: Request) -> None:
        took_s = time.perf_counter() - request.begun
        route = getattr(request.scope.get("route"), "path", "")  # of ours, never what the client wrote
        self._metrics.served(route or "-", request.scope.get("method", "WS"), request.status, took_s)
        logger.info(
            "served",
            extra={
                "request_id": request.request_id,
                "method": request.scope.get("method", "WS"),
                "route": route,
                "status": request.status,
                "duration_ms": round(took_s * 1000, 1),
                "sent_bytes": request.sent_bytes,
                "token_id": request.token.token_id if request.token else None,
            },
        )


def refusal(refused: Refused, request_id: str) -> Response:
    """The answer to a request that is not let in."""
    answer = error_reply(
        refused.status,
        refused.message,
        code=refused.code,
        request_id=request_id,
        retry_after_s=refused.retry_after_s,
    )
    if refused.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _request(scope: Scope) -> Request:
    headers = Headers(scope=scope)
    given = headers.get("x-request-id", "")
    known = given if _REQUEST_ID.fullmatch(given) else str(uuid_utils.uuid7())
    return Request(scope=scope, headers=headers, request_id=known)


def _host(header: str) -> str:
    """The name in a Host header, without its port."""
    name = header.rpartition(":")[0] if re.search(r":\d+$", header) else header
    return name.strip("[]").lower()


def address_of(scope: Scope) -> str:
    """The address that a connection comes from."""
    return str((scope.get("client") or ("",))[0])


def secret_of(headers: Headers) -> str:
    """The token that a request brings: as a bearer, or as the cookie that the page's login left."""
    kind, _, secret = headers.get("authorization", "").partition(" ")
    return (secret if kind.lower() == "bearer" else _cookie(headers.get("cookie", ""))).strip()


def _is_browser(request: Request) -> bool:
    """Whether somebody opens a page, who can be shown the way in."""
    return request.scope.get("method") == "GET" and "text/html" in request.headers.get("accept", "")


def _cookie(header: str) -> str:
    """The token that the page's login left."""
    for each in header.split(";"):
        name, _, value = each.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return ""


def _check_type(request: Request) -> None:
    """JSON only: a form of another web page can send anything else without being asked first."""
    headers = request.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        return
    if headers.get("content-length") == "0":
        return
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != OTHER_TYPES.get(request.path, "application/json"):
        raise Refused(415, "the body has to be application/json", code="ContentType")


def _answering(request: Request, send: Send) -> Send:
    """Note what is answered, and give it the request's id and the headers that keep a browser careful."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            request.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = request.request_id
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("Referrer-Policy", "no-referrer")
            headers.setdefault("X-Frame-Options", "DENY")
        elif message["type"] == "http.response.body":
            request.sent_bytes += len(message.get("body", b""))
        elif message["type"] == "websocket.accept":
            request.status = 101
        await send(message)

    return answer
