"""The tools over stdin and stdout, for a host that starts HMLR itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from mcp.server.stdio import stdio_server

from hmlr.server.mcp.server import create_server
from hmlr.server.mcp.tools import offered

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.server.mcp.wire import Wire
    from hmlr.server.settings import ServerSettings


async def serve(
    memory: AbstractAsyncContextManager[HMLRClient], settings: ServerSettings, wire: Wire
) -> None:
    """Open the memory and serve it until the other side ends, SIGINT or SIGTERM; a second one ends at once.

    Hosts wait only seconds for the first answer, so that is given while the memory opens; calls wait for it.
    What was asked for before the end is answered; background work that is left stays queued.
    Raises what opening the memory raises.
    """
    opened: asyncio.Future[HMLRClient] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def held() -> None:
        async with memory as client:
            opened.set_result(client)
            await over.wait()

    async def served() -> None:
        tools = offered(destructive=settings.mcp_destructive, owner_words=settings.mcp_owner_words)
        server = create_server(tools, lambda _: asyncio.shield(opened))
        file = cast("Any", wire)  # reads and writes lines: what the SDK uses of an async file
        try:
            async with stdio_server(file, file) as (reading, writing):
                await server.run(reading, writing, server.create_initialization_options())
        except* BrokenPipeError:
            pass  # nobody reads the answers any more

    holding, serving = asyncio.create_task(held()), asyncio.create_task(served())
    with _stopped_by_signals(serving):
        await asyncio.wait({holding, serving}, return_when=asyncio.FIRST_COMPLETED)
        serving.cancel()
        over.set()
        try:
            await holding
        finally:
            with suppress(asyncio.CancelledError):
                await serving


@contextmanager
def _stopped_by_signals(serving: asyncio.Task[None]) -> Iterator[None]:
    """Cancel the task at the first signal."""
    loop = asyncio.get_running_loop()

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(serving.cancel)

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
