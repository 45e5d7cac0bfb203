"""Several processes that serve one address: uvicorn starts them, and another one when one dies."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.supervisors import Multiprocess

from hmlr.client import HMLRClient
from hmlr.errors import ConfigurationError
from hmlr.interpreter import collect_seldom, share_arenas
from hmlr.server import log
from hmlr.server.app import create_app
from hmlr.server.metrics import SHARED_FIGURES
from hmlr.server.people import People
from hmlr.server.run import address, bind, uvicorn_config
from hmlr.server.settings import ServerSettings
from hmlr.settings import Settings, handing_down

FOLLOW_S = 1.0
START_S = 60.0  # a worker opens the database and imports the server's packages
_SPREADS = sys.platform == "linux"


def serve_together(
    settings: Settings, server: ServerSettings, level: int, *, told: Callable[[str], None]
) -> None:
    """Serve the address with `server.workers` processes until SIGINT or SIGTERM; blocks the main thread.

    Each opens the memory of `settings` by itself, and finishes what runs within `grace_s` at the stop. `told`
    hears the address when all are ready. The page is left out: it lives on state of one process.
    Raises ConfigurationError when the address can't be had, or a worker can't start.
    """
    log.to_stderr(level)
    logging.getLogger("uvicorn.error").setLevel(max(level, logging.WARNING))  # on its care for processes
    with (
        tempfile.TemporaryDirectory(prefix="hmlr-figures-") as figures,
        handing_down(SHARED_FIGURES, figures),  # prometheus_client looks for it when it is imported
        bound(server) as place,
    ):
        config = uvicorn_config(Worker(settings, server, level, parent=os.getpid()), server)
        _Workers(config, place, lambda: told(address(place))).run()


def bound(server: ServerSettings) -> socket.socket:
    """A socket that holds the address for all workers, and does not listen."""
    alone = bind(server.host, server.port)
    if not _SPREADS:
        return alone
    # Whoever shares an address may find another server of this user on it: that it was free is seen before.
    host, port = alone.getsockname()[:2]
    alone.close()
    return bind(host, port, shared=True)


class _Workers(Multiprocess):
    """Where the kernel spreads connections over the sockets of an address, each worker has one of its own.

    From a common one a worker takes all connections that wait, and another none.
    """

    def __init__(self, config: uvicorn.Config, place: socket.socket, ready: Callable[[], None]) -> None:
        self._place = place
        self._ready = ready
        super().__init__(config, [])

    @property
    def sockets(self) -> list[socket.socket]:
        """What the next worker listens on; our own copy is closed when it has been started."""
        if not _SPREADS:
            return [self._place]
        host, port = self._place.getsockname()[:2]
        return [bind(host, port, shared=True)]

    @sockets.setter
    def sockets(self, _: list[socket.socket]) -> None:
        """The supervisor keeps none."""

    def init_processes(self) -> None:
        """Start all, and say so when they serve."""
        super().init_processes()
        if not all(each.wait_until_ready(START_S, self.should_exit) for each in self.processes):
            self.terminate_all()
            self.join_all()
            raise ConfigurationError("a worker could not start", hint="The log says why")
        self._ready()


@dataclass(frozen=True)
class Worker:
    """Makes the app of one worker process; it is sent there."""

    settings: Settings
    server: ServerSettings
    level: int
    parent: int  # process id

    def __call__(self) -> ASGIApp:
        """The app, which opens the memory when the process starts to serve."""
        log.to_stderr(self.level)
        share_arenas()
        return _App(self)


class _App:
    """The server's app, there as long as its memory is open: from the start of the lifespan to its end."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        assert self._app is not None  # noqa: S101 - uvicorn waits for the start
        await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        worker = self._worker
        following = asyncio.create_task(_end_with(worker.parent))
        async with HMLRClient(settings=worker.settings) as host:
            people = People(host, most=worker.server.max_open_users)
            try:
                self._app = create_app(people, worker.server)
                collect_seldom()
                await self._app(scope, receive, send)
            finally:
                following.cancel()
                await people.aclose()


async def _end_with(parent: int) -> None:
    """Stop when the process is gone that would start us anew: nobody could stop us together."""
    while True:
        await asyncio.sleep(FOLLOW_S)
        if os.getppid() != parent:
            signal.raise_signal(signal.SIGTERM)
            return
