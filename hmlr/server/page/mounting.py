"""Puts the page on the server's app. NiceGUI keeps its state by process: one app of a process can have it."""

from __future__ import annotations

import logging
import time
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import Client, core, ui
from nicegui import app as framework
from starlette.exceptions import HTTPException

from hmlr.server.auth import AnyCaller, Caller
from hmlr.server.guard import secret_of
from hmlr.server.page import login
from hmlr.server.page.browser import PICTURE_POLICY, OwnScripts
from hmlr.server.page.choosing import choose_user
from hmlr.server.page.frame import Frame
from hmlr.server.page.login import PAGE_PATH
from hmlr.server.page.views import VIEWS
from hmlr.server.page.visit import Visit
from hmlr.server.rates import Rates

ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Crect width='16' height='16' rx='4' fill='%233b6e63'/%3E"
    "%3Cpath d='M4 4v8M12 4v8M4 8h8' stroke='white' stroke-width='2'/%3E%3C/svg%3E"
)

# Their records may hold what was typed; what goes wrong in a view is logged by the frame.
SILENT = ("nicegui", "engineio.server", "socketio.server")
# Who signs out in one tab is out in all of them.
LEAVING = "new BroadcastChannel('hmlr').onmessage = () => location.reload()"

router = APIRouter(include_in_schema=False)


@router.get("/")
def front() -> Response:
    """Lead to the page."""
    return RedirectResponse(PAGE_PATH + "/", 303)


@router.get("/lattice.svg")
async def lattice(
    request: Request, caller: AnyCaller, user: Annotated[str | None, Query()] = None
) -> Response:
    """The memory as a picture, in which nothing runs."""
    async with request.app.state.people.client(caller.user(user)) as client:
        drawn = await client.draw_blocks()
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": PICTURE_POLICY})


def mount(app: FastAPI) -> None:
    """Serve the page and its login from this app, and nothing from elsewhere."""
    app.include_router(login.router)
    app.include_router(router)
    _page(app)
    for name in SILENT:
        logging.getLogger(name).handlers = [logging.NullHandler()]
        logging.getLogger(name).propagate = False
    framework.config.socket_io_js_transports = ["websocket"]
    core.sio.eio.max_http_buffer_size = app.state.settings.max_body_bytes  # of one message of the websocket
    framework.add_middleware(OwnScripts)
    ui.run_with(
        app,
        mount_path=PAGE_PATH,
        title="HMLR",
        favicon=ICON,
        dark=None,  # as the system has it
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        binding_refresh_interval=None,  # no view binds values
        gzip_middleware_factory=None,  # browsers keep the assets; packing them anew costs more than it saves
        reconnect_timeout=10.0,
    )


def _page(app: FastAPI) -> None:
    state = app.state
    rates = Rates(state.settings.requests_per_minute, state.settings.burst, time.monotonic)
    style = login.asset("style.css")

    @ui.page("/")
    async def page(request: Request, user: str | None = None, view: str = "chat") -> None:
        caller = Caller(token=request.scope["state"]["token"])
        ui.add_css(style)
        ui.add_head_html(f"<script>{LEAVING}</script>")
        if caller.is_admin and not user:
            choose_user()
            return
        try:
            visit = Visit(
                people=state.people,
                rates=rates,
                secret=secret_of(request.headers),
                user=caller.user(user),
                is_admin=caller.is_admin,
            )
        except HTTPException as refused:
            choose_user(refused.detail)
            return
        frame = Frame(visit, VIEWS)
        client = ui.context.client
        client.on_connect(lambda: _check_socket(client, caller))
        await client.connected()
        await frame.show(view if view in {each.name for each in VIEWS} else VIEWS[0].name)


def _check_socket(client: Client, caller: Caller) -> None:
    """End the page when its websocket comes with another token than the page was opened with."""
    scope = (client.environ or {}).get("asgi.scope", {})
    token = scope.get("state", {}).get("token")
    if token is None or token.token_id != caller.token.token_id:
        client.delete()
