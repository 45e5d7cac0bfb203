"""The server's app: its doors behind one guard."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from hmlr import __version__
from hmlr.server import completions, errors, memory, watching
from hmlr.server.guard import Guard
from hmlr.server.mcp.http import MCPDoor
from hmlr.server.metrics import Metrics
from hmlr.server.people import People
from hmlr.server.settings import ServerSettings

ROUTERS: Sequence[APIRouter] = (watching.router, completions.router, *memory.ROUTERS)


def create_app(people: People, settings: ServerSettings) -> ASGIApp:
    """The whole server as one ASGI app. Who made `people` closes them, after the app has stopped."""
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
    metrics = Metrics()
    app.state.people, app.state.settings, app.state.metrics = people, settings, metrics
    errors.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(mcp.route)
    return Guard(app, people.host.access, settings, metrics, open_paths=())
