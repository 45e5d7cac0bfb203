"""`chat`: one message, or a conversation at the terminal."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, UsageError
from hmlr.cli.options import At, Json, check_text
from hmlr.cli.output import emit_json, printable
from hmlr.cli.progress import PREPARING, degraded, unprepared
from hmlr.cli.prompting import edit_lines, next_line
from hmlr.cli.streams import OutputClosedError, dim, emit, interactive, note
from hmlr.errors import InvalidInput

if TYPE_CHECKING:
    from hmlr.records import Reply
    from hmlr.sync import HMLRClient
_LEAVING = frozenset(("exit", "quit", "/exit", "/quit", ":q"))


def chat(
    call: Call,
    message: Annotated[str | None, typer.Argument(help="One message; without it a conversation.")] = None,
    session: Annotated[str, typer.Option("--session", metavar="ID", help="The sitting it is part of.")] = (
        "default"
    ),
    at: At = None,
    json: Json = False,
) -> None:
    """Say something and get an answer from memory. Ctrl-D or `exit` ends a conversation."""
    import asyncio  # not needed for help

    if message is not None:
        asyncio.run(_once(call, check_text(message, "the message"), session, at, json))
    elif json:
        raise UsageError("--json needs a message", hint='Write chat "…" --json')
    else:
        _converse(call, session, at)


async def _once(call: Call, message: str, session: str, at: datetime | None, json: bool) -> None:
    """Answer one message. When the reader of stdout leaves, the turn is still finished and stored."""
    gone: OutputClosedError | None = None
    async with call.client(creates=True) as client:
        reply: Reply | None = None
        async for part in client.chat_stream(message, session_id=session, occurred_at=at):
            reply = part.reply or reply
            if not json and gone is None:
                try:
                    emit(printable(part.text), end="")
                except OutputClosedError as error:
                    gone = error
        if gone is None:
            emit_json(reply) if json else emit("")
        degraded(reply.degraded if reply else (), call.settings)
        await call.finish(client)
    if gone is not None:
        raise gone


def _converse(call: Call, session: str, at: datetime | None) -> None:
    """Read messages from stdin until it ends; the memory works on while the user types."""
    from hmlr.sync import HMLRClient  # not needed for help

    if unprepared(call.settings):
        note(dim(PREPARING))
    with HMLRClient(settings=call.settings) as client:
        if interactive():
            edit_lines()
            note(dim(f"user {client.user_id}, session {session}; Ctrl-D or exit ends"))
        while (line := next_line()) is not None and line.strip().lower() not in _LEAVING:
            if line.strip():
                _answer(client, line, session, at)
        if not client.flush(call.settings.background_wait_s):
            note(dim("background work is left; the next command takes it up"))


def _answer(client: HMLRClient, line: str, session: str, at: datetime | None) -> None:
    try:
        reply = None
        for part in client.chat_stream(check_text(line, "the message"), session_id=session, occurred_at=at):
            reply = part.reply or reply
            emit(printable(part.text), end="")
        emit("")
    except InvalidInput as error:  # the conversation goes on
        note(f"error: {error}")
        return
    degraded(reply.degraded if reply else (), client.settings)
