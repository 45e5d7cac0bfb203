"""Export and import: one JSON document a line, with a head that names the format and a foot that counts."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import IO

from hmlr.errors import InvalidInput, StorageFull
from hmlr.records import UserId
from hmlr.store.port import ExportRecord, Store

FORMAT = "hmlr-export"
VERSION = 1
MAX_LINE_CHARS = 60_000_000
LINES_AT_ONCE = 500
PIECE_CHARS = 500_000


async def export_lines(store: Store, user: UserId) -> AsyncGenerator[str, None]:
    """Everything of a user, some whole lines at a time, the head first and the foot last.

    One snapshot of the memory is held until it is read to its end or closed.
    """
    lines: list[ExportRecord] = [{"type": "head", "format": FORMAT, "version": VERSION}]
    count = 0
    async with aclosing(store.export(user)) as records:
        async for record in records:
            lines.append(record)
            count += 1
            if len(lines) == LINES_AT_ONCE:
                for piece in await asyncio.to_thread(_written, lines):
                    yield piece
                lines = []
    lines.append({"type": "foot", "records": count})
    for piece in await asyncio.to_thread(_written, lines):
        yield piece


async def export_file(store: Store, user: UserId, path: Path) -> int:
    """Write everything of a user to a file (mode 0600) and give the number of records.

    The file appears only when it is complete; an older export is replaced. InvalidInput when it can't be
    written there, or something else is there.
    """
    if await asyncio.to_thread(path.is_dir):
        raise InvalidInput(f"{path} is a folder", hint="Name a file")
    if await asyncio.to_thread(_is_of_others, path):
        raise InvalidInput(f"{path} is there and no export", hint="Name another file, or remove it")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    async with _writing(part):
        file = await asyncio.to_thread(_create, part)
        count = -2  # head and foot are no records
        with file:
            async with aclosing(export_lines(store, user)) as pieces:
                async for lines in pieces:
                    count += lines.count("\n")
                    await asyncio.to_thread(_append, file, lines)
            await asyncio.to_thread(os.fsync, file.fileno())
        await asyncio.to_thread(part.replace, path)
    return count


@asynccontextmanager
async def _writing(part: Path) -> AsyncIterator[None]:
    """Translate what the file system says; nothing half-written stays."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StorageFull(f"no space left for {part.parent}") from error
        reason = f"can't write into {part.parent}: {error.strerror}"
        raise InvalidInput(reason, hint="Name a folder you may write") from error
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)


def _is_of_others(path: Path) -> bool:
    """Whether a file is there that no export has written."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
    except FileNotFoundError:
        return False
    except OSError:  # one that can't be read is nobody's to replace
        return True
    return bool(head) and FORMAT.encode() not in head


def _create(part: Path) -> IO[str]:
    return open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def _written(records: list[ExportRecord]) -> list[str]:
    """Records as lines, in pieces: what handles a long text holds the interpreter meanwhile."""
    pieces: list[str] = []
    held: list[str] = []
    chars = 0
    for record in records:
        held.append(json.dumps(record, ensure_ascii=False, sort_keys=record["type"] != "head") + "\n")
        chars += len(held[-1])
        if chars >= PIECE_CHARS:
            pieces.append("".join(held))
            held, chars = [], 0
    return [*pieces, "".join(held)] if held else pieces


def _append(file: IO[str], lines: str) -> None:
    file.write(lines)
    file.flush()


async def import_file(store: Store, user: UserId, path: Path) -> int:
    """Take the records of an exported file; all or nothing. The number of records that were new.

    InvalidInput naming the line that is wrong, or saying that the file was cut.
    """
    records = await asyncio.to_thread(_read, path)
    return await store.import_records(user, records)


async def import_lines(store: Store, user: UserId, lines: bytes) -> int:
    """Take the lines of an export, as `import_file` does."""
    file = io.TextIOWrapper(io.BytesIO(lines), encoding="utf-8")
    records = await asyncio.to_thread(_parsed, file, "this")
    return await store.import_records(user, records)


def _read(path: Path) -> list[ExportRecord]:
    try:
        with path.open(encoding="utf-8") as file:
            return _parsed(file, str(path))
    except OSError as error:
        raise InvalidInput(f"can't read {path}: {error.strerror}") from error


def _parsed(file: IO[str], name: str) -> list[ExportRecord]:
    try:
        if FORMAT not in file.readline(200):
            raise InvalidInput(f"{name} is no HMLR export", hint="For conversations use `remember`")
        file.seek(0)
        found = [_record(line, number) for number, line in enumerate(file, 1)]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{name} is not UTF-8 text", hint="Give what `export` wrote") from error
    if not found or found[0].get("format") != FORMAT:
        raise InvalidInput(f"{name} is no HMLR export", hint="For conversations use `remember`")
    if found[0].get("version") != VERSION:
        raise InvalidInput(f"{name} has another version than {VERSION}", hint="Update this program")
    foot = found[-1]
    if foot.get("type") != "foot" or foot.get("records") != len(found) - 2:
        raise InvalidInput(f"{name} was cut: its last line is missing or counts other records")
    return found[1:-1]


def _record(line: str, number: int) -> ExportRecord:
    if len(line) > MAX_LINE_CHARS:
        raise InvalidInput(f"line {number} is too long")
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"line {number} is not JSON") from error
    if not isinstance(record, dict) or not isinstance(record.get("type"), str):
        raise InvalidInput(f"line {number} is no record")
    return record
