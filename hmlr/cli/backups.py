"""Backups: a copy of the whole memory, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call
from hmlr.cli.options import Json
from hmlr.cli.output import emit_json, moment, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import emit

if TYPE_CHECKING:
    from hmlr.records import Restored

ToFile = Annotated[str, typer.Argument(metavar="TO", help="The file to write.")]
FromFile = Annotated[str, typer.Argument(metavar="FROM", help="A file that `backup` wrote.")]
_SHOWN = 10


async def backup(
    call: Call,
    to: ToFile,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
    json: Json = False,
) -> None:
    """Copy the memories of all users into one file, checked, while others use them.

    What is forgotten later is still in a backup: delete old ones, too.
    """
    async with call.client() as client:
        with counting("backup", None):
            made = await client.backup(to, overwrite=overwrite)
    if json:
        emit_json(made)
        return
    emit(
        f"{_amount(made.users, made.turns, made.messages)} written to {one_line(made.path)} "
        f"({made.bytes / 1_000_000:.1f} MB) and read through"
    )
    emit("What is forgotten from now on stays in this file: delete it, too")


async def restore_backup(
    call: Call,
    from_: FromFile,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the memory that is there; it is kept beside.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a backup the memory; the file is distrusted, and no program may have the memory open.

    What was forgotten after the backup comes back and has to be forgotten again: it says what.
    Tokens of the server are not taken.
    """
    from hmlr.client.restoring import restore_backup  # not needed for help

    with counting("restore", None):
        done = await restore_backup(from_, call.settings.database, overwrite=overwrite)
    emit_json(done) if json else emit("\n".join(_told(done)))


def _told(done: Restored) -> list[str]:
    lines = [f"{_amount(done.users, done.turns, done.messages)} restored to {one_line(done.path)}"]
    if done.kept:
        lines.append(
            f"The memory that was there is kept as {one_line(done.kept)}; delete it when it is not needed"
        )
    lines.append("Tokens of the server were not taken: make new ones with `token create`")
    if done.last_recorded_at:
        lines.append(
            f"What was forgotten after {moment(done.last_recorded_at)} (the latest message) is there again"
        )
    if done.forgotten is None:
        lines.append("What the replaced memory had forgotten could not be read from it")
    graves = done.forgotten or ()
    for grave in graves[:_SHOWN]:
        scope = "--everything" if grave.scope == "everything" else f"--{grave.scope} {one_line(grave.target)}"
        lines.append(f"    forget it again: forget {scope} --user {one_line(grave.user_id)}")
    if len(graves) > _SHOWN:
        lines.append(f"    and {len(graves) - _SHOWN} more; --json lists them")
    return lines


def _amount(users: int, turns: int, messages: int) -> str:
    return f"{turns} turns ({messages} messages) of {users} user{'' if users == 1 else 's'}"
