"""Run the server: open the memory, listen, and stop without losing anything."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from hmlr.client import HMLRClient
from hmlr.errors import ConfigurationError
from hmlr.interpreter import collect_seldom, share_arenas
from hmlr.server.app import create_app
from hmlr.server.guard import LOOPBACK
from hmlr.server.people import People
from hmlr.server.settings import ServerSettings
from hmlr.store.sqlite.files import make_folder

logger = logging.getLogger(__name__)

# Longer than clients keep an idle connection (httpx, and so the SDKs: 5 s): who closes first can't be cut off
# in the middle of its next request.
KEEP_ALIVE_S = 75
BACKLOG = 2048


async def serve(
    host: HMLRClient, settings: ServerSettings, *, told: Callable[[str, Path | None], None]
) -> None:
    """Serve the open memory until SIGINT or SIGTERM.

    `told` hears the address, and the file with the first token when there is one. Then what runs is
    finished within `grace_s`; background work that is left stays queued.
    Raises ConfigurationError when the address may not be used.
    """
    share_arenas()
    file = await first_token(host, settings)
    listening = listen(settings)
    people = People(host, most=settings.max_open_users)
    config = uvicorn_config(create_app(people, settings, page=settings.page), settings)
    collect_seldom()
    told(address(listening), file)
    try:
        await _Server(config).serve(sockets=[listening])
    finally:
        listening.close()
        await people.aclose()


def uvicorn_config(app: ASGIApp | Callable[[], ASGIApp], settings: ServerSettings) -> uvicorn.Config:
    """How uvicorn serves the app; of several workers each makes its own by calling it."""
    return uvicorn.Config(
        app,
        factory=settings.workers > 1,
        workers=settings.workers,
        log_config=None,
        access_log=False,  # the guard writes its own lines
        server_header=False,
        proxy_headers=False,  # whoever sends X-Forwarded-For is not believed
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.grace_s) or 1,
        lifespan="on",
        ws="websockets-sansio",
    )


class _Server(uvicorn.Server):
    """Stops at the first signal, at once at the second, and does not raise it again: we close after it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {each: signal.signal(each, self.handle_exit) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)


def listen(settings: ServerSettings) -> socket.socket:
    """A socket that listens on the address of the settings. ConfigurationError when it can't be had."""
    bound = bind(settings.host, settings.port)
    bound.listen(BACKLOG)
    return bound


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to the address; with `shared` others of this user may be bound to it as well.

    ConfigurationError when it can't be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"can't listen on {host}, port {port}: {error.strerror}",
            hint="Choose another with --host and --port",
        ) from error
    bound.setblocking(False)
    return bound


def address(listening: socket.socket) -> str:
    """The socket's address as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def first_token(host: HMLRClient, settings: ServerSettings) -> Path | None:
    """Make a token for the client's user when there is none at all; its file, when it is still there.

    ConfigurationError for an address other machines reach, unless it is allowed and tokens were made before.
    """
    standing = [token for token in await host.access.tokens() if token.revoked_at is None]
    if settings.host not in LOOPBACK and not (settings.allow_network and standing):
        raise ConfigurationError(
            f"other machines reach {settings.host}",
            hint="Make tokens with `token create` first, then start with --allow-network",
        )
    file = host.settings.database.with_name(host.settings.database.name + ".token")
    if standing:
        return file if await asyncio.to_thread(file.exists) else None
    issued = await host.access.issue(user_id=host.user_id, name="first start")
    await asyncio.to_thread(_write_private, file, issued.secret)
    return file


def _write_private(file: Path, secret: str) -> None:
    """Write the secret so that nobody else can read it at any moment.

    The folder may be missing: nothing else of a database server lies there. Of two servers that start at once
    the file of one stays, whole, and its token opens both.
    """
    make_folder(file.parent)
    descriptor, written = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        os.fchmod(descriptor, 0o600)
        opened.write(secret + "\n")
    Path(written).replace(file)
