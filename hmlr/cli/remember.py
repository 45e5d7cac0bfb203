"""`remember`: take in conversations from files."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from hmlr.cli.call import Call, CommandError, UsageError
from hmlr.cli.options import At, Json
from hmlr.cli.output import emit_json, one_line
from hmlr.cli.progress import counting
from hmlr.cli.streams import emit, note

if TYPE_CHECKING:
    from hmlr.client import HMLRClient
    from hmlr.memory.importing import BadLine, Entry, Format

_BATCH = 256
_SHOWN_BAD = 10  # further bad lines are only counted


async def remember(
    call: Call,
    file: Annotated[str, typer.Argument(help="JSON Lines of messages or a transcript; - reads stdin.")],
    *,
    session: Annotated[
        str | None,
        typer.Option("--session", metavar="ID", help="For messages that name none; default: file name."),
    ] = None,
    at: At = None,
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

    Without --skip-bad one bad line means that nothing is stored. An interrupted import goes on where it was
    when it is run again, and a file that has grown adds what is new. Times without zone are UTC.
    """
    source = _Source(file, session, at)
    good, bad = _survey(source, call.settings.max_message_chars)
    for line in bad[:_SHOWN_BAD]:
        note(f"{one_line(file)}: {one_line(str(line), 500)}")
    if bad and not skip_bad:
        raise CommandError(
            f"{len(bad)} bad lines in {file}, nothing was stored", hint="Mend them or add --skip-bad"
        )
    if not good and not bad:
        raise CommandError(
            f"{file} holds no messages", hint="It takes JSON Lines or lines of the form Name: text"
        )
    async with call.client(speaker=speaker, creates=True) as client:
        stored, repeated = await _store(client, source, good, {line.line for line in bad})
        await _learn(call, client, wait)
    if json:
        emit_json({"stored": stored, "repeated": repeated, "skipped": len(bad)})
    else:
        emit(f"{stored} messages stored, {repeated} known before, {len(bad)} bad lines skipped")


async def _store(client: HMLRClient, source: _Source, total: int, bad: set[int]) -> tuple[int, int]:
    """Store the messages in batches; how many were new and how many known."""
    from hmlr.memory.importing import Entry, batches  # not needed for help

    stored = repeated = 0
    good = (each for each in source.entries() if isinstance(each, Entry) and each.line not in bad)
    with counting("remember", total) as step:
        for batch in batches(good, min(_BATCH, client.settings.max_batch_messages)):
            receipt = await client.remember(
                [entry.message for entry in batch.entries],
                session_id=batch.session_id,
                idempotency_keys=[entry.key for entry in batch.entries],
            )
            stored, repeated = stored + receipt.stored, repeated + receipt.repeated
            step(len(batch.entries))
    return stored, repeated


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


def _survey(source: _Source, max_chars: int) -> tuple[int, list[BadLine]]:
    """Read the whole file once: the number of good messages, and all bad lines."""
    from hmlr.memory.importing import BadLine, checked  # not needed for help
    from hmlr.memory.intake import Intake, session_id

    intake = Intake(owner_name=None, max_message_chars=max_chars)

    def check(entry: Entry) -> None:
        intake.check(entry.message)
        session_id(entry.session_id)

    good, bad = 0, []
    for entry in checked(source.entries(), check):
        if isinstance(entry, BadLine):
            bad.append(entry)
        else:
            good += 1
    return good, bad


@dataclass
class _Source:
    """A file that can be read twice."""

    name: str
    session: str | None
    at: datetime | None
    _held: bytes | None = None  # what can be read only once

    def entries(self) -> Iterator[Entry | BadLine]:
        """Its messages and bad lines from the start."""
        from hmlr.memory.importing import detect, read  # not needed for help

        with self._open() as stream:
            form: Format = detect(self.name, stream.read(4096))
            stream.seek(0)
            stem = "default" if self.name == "-" else Path(self.name).stem
            yield from read(_lines(stream), form=form, session=self.session or stem, at=self.at)

    def _open(self) -> BinaryIO:
        if self._held is None and self.name == "-":
            self._held = sys.stdin.buffer.read()
        if self._held is not None:
            return io.BytesIO(self._held)
        try:
            stream = Path(self.name).open("rb")  # noqa: SIM115 - the caller closes it
            if stream.seekable():
                return stream
            with stream:  # a pipe can be read only once
                self._held = stream.read()
            return io.BytesIO(self._held)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file name"
            raise UsageError(
                f"can't read {self.name!r}: {reason}", hint="Name a file, or - for stdin"
            ) from error


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines, of overlong ones only as much as shows that they are; the memory stays small."""
    from hmlr.memory.importing.entries import MAX_LINE_BYTES  # not needed for help

    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)
            if not line:
                return
