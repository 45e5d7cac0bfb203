"""Answers that come bit by bit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Generic, TypeVar

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import TypeAdapter
from starlette.responses import StreamingResponse
from starlette.types import Send

from hmlr.errors import HMLRError
from hmlr.server.errors import reply_for

P = TypeVar("P")
R = TypeVar("R")

KEEPALIVE_S = 15.0  # so that nobody between takes a quiet connection for a dead one


class Stream(StreamingResponse):
    """A streamed answer whose source is closed at once when the client goes away."""

    def __init__(self, content: AsyncGenerator[bytes, None], media_type: str) -> None:
        super().__init__(content, media_type=media_type)
        self._source = content

    async def stream_response(self, send: Send) -> None:
        """Send it all, then close the source, also when sending failed."""
        async with aclosing(self._source):
            await super().stream_response(send)


class Told(Generic[P, R]):
    """Work that tells how far it is, as server-sent events: `progress` often, then `report` or `error`.

    The work is cancelled when the client goes away.
    """

    def __init__(self, progress: type[P], report: type[R]) -> None:
        self._progress = TypeAdapter(progress)
        self._report = TypeAdapter(report)

    async def events(
        self, work: Callable[[Callable[[P], None]], Awaitable[R]], request_id: str
    ) -> AsyncGenerator[bytes, None]:
        """Do the work; it is given whom to tell."""
        told: asyncio.Queue[P | None] = asyncio.Queue()
        task = asyncio.ensure_future(work(told.put_nowait))
        task.add_done_callback(lambda _: told.put_nowait(None))
        try:
            while True:
                try:
                    step = await asyncio.wait_for(told.get(), KEEPALIVE_S)
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
                    continue
                if step is None:
                    break
                yield _event("progress", self._progress.dump_json(step))
            try:
                yield _event("report", self._report.dump_json(await task))
            except HMLRError as error:
                yield _event("error", bytes(reply_for(error, request_id).body))
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _event(name: str, data: bytes) -> bytes:
    return format_sse_event(event=name, data_str=data.decode("utf-8"))
