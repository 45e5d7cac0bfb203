"""The server's app: its doors behind one guard."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from hmlr import __version__
from hmlr.server import completions, errors, memory, watching
from hmlr.server.guard import LOGIN_PATH, Guard
from hmlr.server.mcp.http import MCPDoor
from hmlr.server.metrics import Metrics
from hmlr.server.people import People
from hmlr.server.rates import Rates
from hmlr.server.settings import ServerSettings

ROUTERS: Sequence[APIRouter] = (watching.router, completions.router, *memory.ROUTERS)


def create_app(people: People, settings: ServerSettings, *, page: bool = False) -> ASGIApp:
    """The whole server as one ASGI app. Who made `people` closes them, after the app has stopped.

    With `page` the web page as well: it lives on state of the process, so that only one app of a process can
    have it.
    """
    mcp = MCPDoor(people, settings)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with mcp.manager.run():
            yield

    app = FastAPI(
        lifespan=life,
        title="HMLR",
        version=__version__,
        description="The memory of one user, that of the token.",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    metrics = Metrics(shared=settings.workers > 1)
    failures = Rates(settings.failures_per_minute, settings.failures_per_minute, time.monotonic)
    app.state.people, app.state.settings, app.state.metrics = people, settings, metrics
    app.state.failures = failures
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(mcp.route)
    open_paths: tuple[str, ...] = ()
    if page:
        from hmlr.server.page.mounting import mount

        mount(app)
        open_paths = (LOGIN_PATH,)
    return Guard(app, people.host.access, settings, metrics, failures=failures, open_paths=open_paths)
