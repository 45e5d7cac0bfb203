"""The server and its tokens."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.options import Json
from hmlr.cli.output import emit_json, emit_table, moment
from hmlr.cli.streams import emit, note
from hmlr.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from hmlr.client import HMLRClient
    from hmlr.records import AccessToken

NEEDED = ("fastapi", "uvicorn", "websockets", "prometheus_client", "mcp", "nicegui")


def require_server() -> None:
    """ConfigurationError when the packages of the server are not installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigurationError(
            f"the server needs {', '.join(missing)}", hint="pip install -r requirements-server.txt"
        )


def serve(
    call: Call,
    host: Annotated[str | None, typer.Option("--host", help="Address; default 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port; default 8765, 0 takes a free one.")
    ] = None,
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Let other machines reach it; needs tokens made before.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes; default 1. More leave out the page.")
    ] = None,
) -> None:
    """Serve the memory over HTTP: API, OpenAI-compatible proxy, MCP and a page; Ctrl-C stops it."""
    import asyncio  # not needed for help

    require_server()
    from hmlr.server import log, run
    from hmlr.server.settings import ServerSettings

    settings = ServerSettings.load(host=host, port=port, allow_network=allow_network or None, workers=workers)
    level = logging.DEBUG if call.options.debug else logging.INFO
    log.to_stderr(level)

    def told(address: str, file: Path | None) -> None:
        emit(f"HMLR serves {call.settings.database_shown} on {address}")
        emit(f"token: {file}" if file else "tokens: `token list`")

    async def alone() -> None:
        async with call.client(creates=True) as client:
            await run.serve(client, settings, told=told)

    async def prepared() -> Path | None:
        async with call.client(creates=True) as client:
            return await run.first_token(client, settings)

    if settings.workers == 1:
        asyncio.run(alone())
        return
    from hmlr.server.workers import serve_together

    file = asyncio.run(prepared())
    serve_together(call.settings, settings, level, told=lambda address: told(address, file))


def mcp(
    call: Call,
    destructive: Annotated[
        bool, typer.Option("--destructive", help="Offer the tools that erase, retire and correct, too.")
    ] = False,
    owner_words: Annotated[
        bool, typer.Option("--owner-words", help="Let `remember` store words as the user's own.")
    ] = False,
) -> None:
    """Serve the memory as MCP tools over stdin and stdout, to the program that starts it."""
    import asyncio  # not needed for help

    from hmlr.server.mcp.wire import Wire, take_stdio

    reading, writing = take_stdio()  # before anything is imported that might print
    require_server()
    from hmlr.server import log
    from hmlr.server.settings import ServerSettings

    log.to_stderr(logging.DEBUG if call.options.debug else logging.WARNING)
    settings = ServerSettings.load(mcp_destructive=destructive or None, mcp_owner_words=owner_words or None)
    from hmlr.server.mcp.stdio import serve

    wire = Wire(reading, writing, grace_s=settings.grace_s)
    asyncio.run(serve(_opened(call), settings, wire))


@asynccontextmanager
async def _opened(call: Call) -> AsyncIterator[HMLRClient]:
    """The memory; the engine is imported in a thread, so that the first answer need not wait for it."""
    import asyncio  # not needed for help

    await asyncio.to_thread(import_module, "hmlr.client")
    async with call.client(creates=True) as client:
        yield client


token = typer.Typer(help="Tokens of the server: make, list and end them.", no_args_is_help=True)


async def create(
    call: Call,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "",
    admin: Annotated[
        bool, typer.Option("--admin", help="For every user: it names the user with each request.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a token for a user's memory (--user), or an administrator's; it is shown only now."""
    if admin and call.options.user is not None:
        raise UsageError("--admin is for every user", hint="Leave out --user or --admin")
    async with call.client(creates=True) as client:
        issued = await client.access.issue(user_id=None if admin else client.user_id, name=name)
    if json:
        emit_json(issued)
        return
    emit(issued.secret)
    note(f"{_scope(issued.token)}; id {issued.token.token_id}. It is not shown again")


async def list_(call: Call, json: Json = False) -> None:
    """Show the tokens, without their secrets."""
    async with call.client() as client:
        found = await client.access.tokens()
    if json:
        emit_json(found)
        return
    rows = [(each.token_id, _scope(each), each.name, moment(each.created_at), _ended(each)) for each in found]
    emit_table(("id", "for", "name", "made", "ended"), rows, empty="no tokens")


async def revoke(
    call: Call, token_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the token.")]
) -> None:
    """End a token, at once and for good."""
    async with call.client() as client:
        ended = await client.access.revoke(token_id)
    emit(f"ended {ended.token_id} ({_scope(ended)})")


def _scope(token: AccessToken) -> str:
    return "an administrator" if token.user_id is None else f"user {token.user_id}"


def _ended(token: AccessToken) -> str:
    return "" if token.revoked_at is None else moment(token.revoked_at)
