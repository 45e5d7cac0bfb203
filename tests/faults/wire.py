"""A wire to a test's PostgreSQL server that breaks or falls silent at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from tests.postgres import Server

COMMIT = b"COMMIT;\0"


class Wire:
    """Passes bytes on, between a port of this computer and the server's socket."""

    def __init__(self, server: Server) -> None:
        self._socket = server.folder / ".s.PGSQL.5432"
        self._port = 0
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.silent = False  # swallow what either side says
        self.down = False  # nobody answers there
        self.cut_at_commit: Literal["", "before", "after"] = ""  # it reaches the server, or does not; once
        self.cuts = 0
        self._deaf = False  # to what the server answers

    def url(self, address: str) -> str:
        """The address by way of this wire."""
        name = address.partition("@/")[2].partition("?")[0]
        return f"postgresql://postgres@127.0.0.1:{self._port}/{name}"

    def cut(self) -> None:
        """Break every connection, without a farewell."""
        self.cuts += 1
        for end in list(self._ends):
            end.transport.abort()

    @asynccontextmanager
    async def strung(self) -> AsyncIterator[Wire]:
        """The wire, for as long as the block."""
        door = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self._port = door.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            door.close()
            self.cut()
            for pump in list(self._pumps):
                pump.cancel()
            await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _meet(self, asked: asyncio.StreamReader, asker: asyncio.StreamWriter) -> None:
        try:
            if self.down:
                raise ConnectionRefusedError
            answered, answerer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            asker.transport.abort()
            return
        self._ends |= {asker, answerer}
        for source, target, to_server in ((asked, answerer, True), (answered, asker, False)):
            pump = asyncio.create_task(self._pump(source, target, to_server=to_server))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, to_server: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                if self.silent or (self._deaf and not to_server):
                    continue
                moment = self.cut_at_commit if to_server and COMMIT in data else ""
                if moment:
                    self.cut_at_commit = ""
                    self._deaf = True
                if moment != "before":
                    target.write(data)
                    await target.drain()
                if moment:
                    await asyncio.sleep(0.05 if moment == "after" else 0)  # the server has done it by then
                    self.cut()
                    self._deaf = False
        target.transport.abort()
        self._ends.discard(target)
