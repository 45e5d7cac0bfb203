"""The reference client of MCP at our doors, each in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from tests.faults.doors import door
from tests.server.serving import ROOT, Served

QUIET = {"HMLR_MODEL": "offline", "HMLR_EMBEDDER": "none"}


@asynccontextmanager
async def over_http(
    served: Served, token: str | None = None, *, mode: str = "auto", **headers: str
) -> AsyncIterator[Client]:
    """A client of the server's /mcp with a token."""
    head = {"Authorization": f"Bearer {token or served.token}", **headers}
    async with (
        httpx2.AsyncClient(headers=head, trust_env=False, timeout=60) as http,
        Client(streamable_http_client(f"{served.url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(
    db: Path, *arguments: str, mode: str = "auto", user: str = "ada"
) -> AsyncIterator[Client]:
    """A client of `main.py mcp`, which it starts."""
    command = ("main.py", "mcp", "--db", str(db), "--user", user, *arguments)
    how = StdioServerParameters(command=sys.executable, args=list(command), env=environment(), cwd=ROOT)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        async with Client(stdio_client(how, errlog=nowhere), mode=mode) as client:
            yield client


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a process with our door."""
    return {**os.environ, **QUIET, **(more or {})}


async def issue(db: Path, *users: str | None) -> list[str]:
    """Tokens for users, or for an administrator (None), as another process makes them."""
    async with door(db) as hmlr:
        return [(await hmlr.access.issue(user_id=user)).secret for user in users]


def text_of(result: CallToolResult) -> str:
    """The text that a host shows to its model."""
    return "\n".join(each.text for each in result.content if isinstance(each, TextContent))


async def told(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    """The data of a call that has to work."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error, text_of(result)
    assert isinstance(result.structured_content, dict)
    return result.structured_content


async def refused(client: Client, name: str, **arguments: Any) -> str:
    """The words of a call that has to fail."""
    result = await client.call_tool(name, arguments)
    assert result.is_error, result.structured_content
    return text_of(result)


async def names(client: Client) -> Sequence[str]:
    """What is offered."""
    return [tool.name for tool in (await client.list_tools()).tools]
