"""Connections: used again, the latest first; bounded; closed when they have been idle for long."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from hmlr.llm import connections
from hmlr.llm.connections import Connections


class _One(httpx2.AsyncBaseTransport):
    """A connection that counts."""

    def __init__(self) -> None:
        self.requests = 0
        self.closed = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        if request.url.path == "/broken":
            raise httpx2.ReadError("gone", request=request)
        return httpx2.Response(200, stream=_Stream())

    async def aclose(self) -> None:
        self.closed = True


class _Stream(httpx2.AsyncByteStream):
    async def __aiter__(self):  # type: ignore[no-untyped-def]
        yield b"whole"


class _Opened:
    def __init__(self, most: int) -> None:
        self.all: list[_One] = []
        self.pool = Connections(self._open, most)

    def _open(self) -> _One:
        self.all.append(_One())
        return self.all[-1]

    async def ask(self, path: str = "/", pool_s: float | None = None) -> httpx2.Response:
        request = httpx2.Request("GET", f"http://localhost{path}", extensions={"timeout": {"pool": pool_s}})
        return await self.pool.handle_async_request(request)


async def test_one_caller_after_another_shares_a_connection() -> None:
    opened = _Opened(9)
    for _ in range(5):
        response = await opened.ask()
        assert await response.aread() == b"whole"
        await response.aclose()
    assert [one.requests for one in opened.all] == [5]


async def test_a_connection_is_free_again_after_a_failure() -> None:
    opened = _Opened(1)
    for _ in range(3):
        with pytest.raises(httpx2.ReadError):
            await opened.ask("/broken")
    await (await opened.ask(pool_s=0.05)).aclose()
    assert len(opened.all) == 1


async def test_closing_a_reply_twice_gives_its_connection_back_once() -> None:
    opened = _Opened(1)
    response = await opened.ask()
    await response.stream.aclose()  # type: ignore[union-attr]
    await response.stream.aclose()  # type: ignore[union-attr]
    await opened.ask()
    with pytest.raises(httpx2.PoolTimeout):
        await opened.ask(pool_s=0.01)


async def test_who_waits_gets_the_connection_that_becomes_free() -> None:
    opened = _Opened(2)
    first, _ = await opened.ask(), await opened.ask()
    waiting = asyncio.create_task(opened.ask(pool_s=5))
    await asyncio.sleep(0)
    assert not waiting.done()
    await first.aclose()
    await waiting
    assert len(opened.all) == 2


async def test_a_caller_that_gives_up_while_it_waits_takes_no_place() -> None:
    opened = _Opened(1)
    first = await opened.ask()
    waiting = asyncio.create_task(opened.ask())
    await asyncio.sleep(0)
    waiting.cancel()
    await first.aclose()
    await (await opened.ask(pool_s=0.05)).aclose()


async def test_what_a_burst_has_opened_is_closed_when_it_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = _Opened(3)
    for response in [await opened.ask() for _ in range(3)]:
        await response.aclose()
    monkeypatch.setattr(connections, "IDLE_S", -1.0)
    for _ in range(3):
        await (await opened.ask()).aclose()
    assert sum(one.closed for one in opened.all) == 3


async def test_closing_closes_all() -> None:
    opened = _Opened(3)
    _, response = await opened.ask(), await opened.ask()
    await response.aclose()
    await opened.pool.aclose()
    assert all(one.closed for one in opened.all)
