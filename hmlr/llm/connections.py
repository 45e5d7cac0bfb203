"""Connections to one provider, the one used last first.

A pool of the HTTP library looks at each of its idle connections, with two system calls, whenever a request
begins or ends. With a hundred connections that costs more than the request itself, and every system call lets
other threads have the interpreter. Here each connection is a pool of its own: a request looks at one only.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2

# The library's own default: servers that close soon (after 5 s, some) must not do so under a request.
IDLE_S = 5.0


class Connections(httpx2.AsyncBaseTransport):
    """At most `most` connections at once; who finds none free waits, up to the request's pool timeout.

    `open_one` makes a transport for one connection. For one event loop. Raises PoolTimeout.
    """

    def __init__(self, open_one: Callable[[], httpx2.AsyncBaseTransport], most: int) -> None:
        self._open_one = open_one
        self._room = asyncio.Semaphore(most)
        self._idle: deque[tuple[float, httpx2.AsyncBaseTransport]] = deque()  # since when; the latest last
        self._used: set[httpx2.AsyncBaseTransport] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await self._enter(request)
        one = self._idle.pop()[1] if self._idle else self._open_one()
        self._used.add(one)
        try:
            response = await one.handle_async_request(request)
        except BaseException:
            await self._give_back(one)
            raise
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - an async transport's
        response.stream = _Held(response.stream, lambda: self._give_back(one))
        return response

    async def aclose(self) -> None:
        while self._idle:
            await self._idle.pop()[1].aclose()
        for one in list(self._used):
            await one.aclose()

    async def _enter(self, request: httpx2.Request) -> None:
        timeout_s: float | None = request.extensions.get("timeout", {}).get("pool")
        try:
            async with asyncio.timeout(timeout_s if self._room.locked() else None):
                await self._room.acquire()
        except TimeoutError as error:
            raise httpx2.PoolTimeout("no connection is free", request=request) from error

    async def _give_back(self, one: httpx2.AsyncBaseTransport) -> None:
        """Make room, and close the connection that has been idle for longest when that is long."""
        now = time.monotonic()
        self._used.discard(one)
        self._idle.append((now, one))
        self._room.release()
        if now - self._idle[0][0] > IDLE_S:
            await self._idle.popleft()[1].aclose()


class _Held(httpx2.AsyncByteStream):
    """A reply's bytes; its connection is given back once when they are closed."""

    def __init__(self, inner: httpx2.AsyncByteStream, give_back: Callable[[], Awaitable[None]]) -> None:
        self._inner = inner
        self._give_back = give_back
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            yield piece

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._inner.aclose()
        finally:
            await self._give_back()
