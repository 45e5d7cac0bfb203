"""`remember`: take in conversations from files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from hmlr.cli.call import Call, CommandError
from hmlr.cli.options import At, Json
from hmlr.cli.output import emit_json, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import emit, note

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.records import ImportReport

_SHOWN_BAD = 10  # further bad lines are only counted


async def remember(
    call: Call,
    file: Annotated[str, typer.Argument(help="JSON Lines, a transcript, or an export; - reads stdin.")],
    *,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="For messages that name none; default: file name."),
    ] = None,
    at: At = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="NAME", help="jsonl, text, chatgpt, claude or mem0; default: see in it."
        ),
    ] = None,
    speaker: Annotated[
        str | None, typer.Option("--speaker", metavar="NAME", help="Your own name in the file.")
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Report bad lines and take in the rest.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until everything is learned from it.")] = False,
    json: Json = False,
) -> None:
    """Store the messages of a file, each once however often the file is read.

    It may be an export of ChatGPT, Claude (the zip as downloaded, or a JSON file out of it) or mem0. Without
    --skip-bad one bad line means that nothing is stored. An interrupted import goes on where it was when it
    is run again, and a file that has grown adds what is new. Times without zone are UTC.
    """
    from hmlr.client.importing import store, survey  # not needed for help
    from hmlr.memory.importing import TAKEN, ChatFile

    source = ChatFile(sys.stdin.buffer if file == "-" else file, format=form, session=session, at=at)
    found = await survey(source, call.settings.max_message_chars)
    for bad in found.bad[:_SHOWN_BAD]:
        note(f"{one_line(file)}: {one_line(str(bad), 500)}")
    if found.bad and not skip_bad:
        raise CommandError(
            f"{len(found.bad)} bad lines in {file}, nothing was stored", hint="Mend them or add --skip-bad"
        )
    if not found.good and not found.bad and not found.left_out:
        raise CommandError(f"{file} holds no messages", hint=TAKEN)
    async with call.client(speaker=speaker, creates=True) as client:
        most = client.settings.max_batch_messages
        with counting("remember", found.good) as step:
            report = await store(client.remember, source, found, most=most, progress=step)
        await _learn(call, client, wait)
    _tell(report, json=json)


def _tell(report: ImportReport, *, json: bool) -> None:
    bad = len(report.bad)
    if json:
        emit_json(
            {
                "stored": report.stored,
                "repeated": report.repeated,
                "skipped": bad,
                "left_out": report.left_out,
            }
        )
        return
    emit(f"{report.stored} messages stored, {report.repeated} known before, {bad} bad lines skipped")
    if report.left_out:
        emit("left out: " + ", ".join(f"{count} {reason}" for reason, count in report.left_out.items()))


async def _learn(call: Call, client: HMLRClient, wait: bool) -> None:
    """Let background work run: for the usual time, or until it is done."""
    if not wait:
        await call.finish(client)
        return
    left = (await client.stats()).jobs_waiting
    with counting("learn", left) as step:
        while not await client.flush(0.5):
            before, left = left, (await client.stats()).jobs_waiting
            step(max(0, before - left))
            if not left:  # what else there is has failed
                await call.finish(client)
                break
