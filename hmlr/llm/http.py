"""The HTTP client under every provider: no redirects, a cap on the reply's size, faults with their bodies.

The SDKs follow redirects (and would post the prompt to another host), read replies of any size, and turn
statuses into exceptions of many kinds. This client stands below them, so that one place decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from typing import TYPE_CHECKING, cast

import httpx2

from hmlr.errors import ConfigurationError
from hmlr.llm.connections import IDLE_S, Connections

if TYPE_CHECKING:
    from hmlr.llm.settings import LLMSettings

# An error's body is read up to here; what a provider says fits, what a proxy's error page says does not.
MAX_FAULT_BYTES = 64_000
# Compressed replies could unpack to more than the cap.
_PLAIN = {"accept-encoding": "identity"}


class HTTPFault(httpx2.TransportError):
    """The server answered with something else than success."""

    def __init__(self, status: int, headers: httpx2.Headers, body: bytes) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status
        self.headers = headers
        self.body = body


class ReplyTooLarge(httpx2.TransportError):
    """The reply is over the cap; reading stopped."""


class CappedStream(httpx2.AsyncByteStream):
    """A reply's bytes, up to the cap."""

    def __init__(self, inner: httpx2.AsyncByteStream, max_bytes: int) -> None:
        self._inner = inner
        self._left = max_bytes
        self._stopped = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            self._left -= len(piece)
            if self._left < 0:
                raise ReplyTooLarge("the reply is larger than max_reply_bytes")
            yield piece
            if self._stopped:
                raise httpx2.StreamClosed

    def stop(self) -> None:
        """Read no further: whoever asks for more gets an error, and gives the connection back."""
        self._stopped = True

    async def aclose(self) -> None:
        await self._inner.aclose()


_begun: ContextVar[list[CappedStream] | None] = ContextVar("_begun", default=None)


@contextmanager
def begun_replies() -> Iterator[list[CappedStream]]:
    """The replies that begin meanwhile, for SDKs that keep them to themselves."""
    token = _begun.set([])
    try:
        yield cast("list[CappedStream]", _begun.get())
    finally:
        _begun.reset(token)


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Hands on successful replies, capped; raises HTTPFault for all others, redirects among them."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, max_bytes: int, timeout: httpx2.Timeout) -> None:
        self._inner = inner
        self._max_bytes = max_bytes
        self._timeout = timeout.as_dict()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.extensions["timeout"] = self._timeout  # google-genai asks for none
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async transport's
        if response.status_code != 200:
            try:
                body = await _beginning(response.stream)
            finally:
                await response.aclose()
            raise HTTPFault(response.status_code, response.headers, body)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise ReplyTooLarge("the reply is compressed though none was asked for")
        stream = CappedStream(response.stream, self._max_bytes)
        if (begun := _begun.get()) is not None:
            begun.append(stream)
        return httpx2.Response(
            response.status_code, headers=response.headers, stream=stream, extensions=response.extensions
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _beginning(stream: httpx2.AsyncByteStream) -> bytes:
    body = b""
    async for piece in stream:
        body += piece
        if len(body) >= MAX_FAULT_BYTES:
            break
    return body[:MAX_FAULT_BYTES]


def open_http(settings: LLMSettings, base_url: str) -> httpx2.AsyncClient:
    """A client for one provider; loads certificates, so call it off the event loop."""
    proxy = settings.proxy.get_secret_value() if settings.proxy and not is_local(base_url) else None
    trust = certificates()

    def open_one() -> httpx2.AsyncBaseTransport:
        limits = httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_S)
        return httpx2.AsyncHTTPTransport(verify=trust, limits=limits, proxy=proxy or None)

    transport = Connections(open_one, settings.max_connections)
    timeout = httpx2.Timeout(
        settings.read_timeout_s, connect=settings.connect_timeout_s, pool=settings.attempt_timeout_s
    )
    return httpx2.AsyncClient(
        transport=GuardedTransport(transport, max_bytes=settings.max_reply_bytes, timeout=timeout),
        headers=_PLAIN,
        follow_redirects=False,
        trust_env=False,  # no netrc; the proxy is a setting
        timeout=timeout,
    )


@cache
def certificates() -> SSLContext:
    """Loaded once for all providers: it takes a tenth of a second."""
    return httpx2.create_ssl_context()


def checked_base_url(name: str, url: str, *, insecure: bool = False) -> str:
    """The address of a provider. ConfigurationError unless it is https, or http on this machine."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ConfigurationError(f"{name} is no address: {error}") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"{name} is no address", hint="Write https://host/path")
    if parsed.userinfo:
        raise ConfigurationError(f"{name} holds a password", hint="Give the key by its own variable")
    if parsed.scheme == "http" and not (is_local(url) or insecure):
        raise ConfigurationError(
            f"{name} would send the key and the prompt unencrypted to {parsed.host}",
            hint="Use https, or set HMLR_LLM_ALLOW_HTTP=true",
        )
    return url.rstrip("/")


def is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    host = httpx2.URL(url).host
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
