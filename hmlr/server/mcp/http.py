"""The tools over streamable HTTP, at /mcp of the server.

Without sessions: every request stands for itself, and its memory is that of its own token's user. So there is
no session that another token could take over. Host and Origin are checked by the guard, and by the SDK as
well, which by itself would check them only for an app that it knows to be local (docs/faults.md X09).
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from hmlr.client import HMLRClient
from hmlr.server.auth import USER_HEADER, known_caller
from hmlr.server.guard import LOOPBACK
from hmlr.server.mcp.server import create_server
from hmlr.server.mcp.tools import offered
from hmlr.server.people import People
from hmlr.server.settings import ServerSettings

PATH = "/mcp"


class MCPDoor:
    """An ASGI app for POST requests; `manager.run()` has to be entered around its life."""

    def __init__(self, people: People, settings: ServerSettings) -> None:
        self._people = people
        self.route = Route(PATH, self, methods=["POST"], include_in_schema=False)
        tools = offered(destructive=settings.mcp_destructive, owner_words=settings.mcp_owner_words)
        self.manager = StreamableHTTPSessionManager(
            create_server(tools, _memory),
            json_response=True,
            stateless=True,
            security_settings=_security(settings),
            max_request_body_size=settings.max_body_bytes,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        user = known_caller(request).user(request.headers.get(USER_HEADER))
        scope["route"] = self.route  # for the log and the figures
        async with self._people.client(user) as client:
            scope["state"]["memory"] = client
            await self.manager.handle_request(scope, receive, send)


async def _memory(context: ServerRequestContext[Any, Any]) -> HMLRClient:
    """The memory that the door has opened for this request."""
    request: Request = context.request  # type: ignore[assignment]  # over HTTP there is one
    client: HMLRClient = request.scope["state"]["memory"]
    return client


def _security(settings: ServerSettings) -> TransportSecuritySettings:
    """What the guard lets in, in the SDK's words."""
    names = sorted(LOOPBACK | {settings.host.lower()} | {name.lower() for name in settings.hosts})
    hosts = [f"[{name}]" if ":" in name else name for name in names]
    hosts += [f"{host}:*" for host in hosts]
    own = [f"{scheme}://{host}" for scheme in ("http", "https") for host in hosts]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=[*own, *settings.origins])
