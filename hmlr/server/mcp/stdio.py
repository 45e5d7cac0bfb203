"""The tools over stdin and stdout, for a host that starts HMLR itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from mcp.server.stdio import stdio_server

from hmlr.client import HMLRClient
from hmlr.server.mcp.server import create_server
from hmlr.server.mcp.tools import offered
from hmlr.server.mcp.wire import Wire
from hmlr.server.settings import ServerSettings


async def serve(client: HMLRClient, settings: ServerSettings, wire: Wire) -> None:
    """Serve the open memory until the other side ends, SIGINT or SIGTERM; a second signal ends at once.

    What was asked for before the end is answered; background work that is left stays queued.
    """
    tools = offered(destructive=settings.mcp_destructive, owner_words=settings.mcp_owner_words)
    server = create_server(tools, lambda _: client)
    file = cast("Any", wire)  # reads and writes lines: what the SDK uses of an async file
    serving = asyncio.current_task()
    assert serving is not None  # noqa: S101 - a coroutine runs in a task
    with _stopped_by_signals(serving) as stopped:
        try:
            async with stdio_server(file, file) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        except* BrokenPipeError:
            pass  # nobody reads the answers any more
        except* asyncio.CancelledError:
            if not stopped:
                raise


@contextmanager
def _stopped_by_signals(serving: asyncio.Task[Any]) -> Iterator[list[int]]:
    """Cancel the task at the first signal; yields the signals that came."""
    loop = asyncio.get_running_loop()
    came: list[int] = []

    def stop(number: int, _: object) -> None:
        came.append(number)
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(serving.cancel)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for each, handler in before.items():
            if each not in came:
                signal.signal(each, handler)
