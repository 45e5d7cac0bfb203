"""Export and import: one JSON document a line, with a head that names the format and a foot that counts."""

from __future__ import annotations

import asyncio
import errno
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from hmlr.errors import InvalidInput, StorageError, StorageFull
from hmlr.records import UserId
from hmlr.store.port import ExportRecord, Store

FORMAT = "hmlr-export"
VERSION = 1
MAX_LINE_CHARS = 60_000_000
LINES_AT_ONCE = 500


async def export_file(store: Store, user: UserId, path: Path) -> int:
    """Write everything of a user to a file (mode 0600) and give the number of records.

    The file appears only when it is complete. InvalidInput when it can't be written there.
    """
    if await asyncio.to_thread(path.is_dir):
        raise InvalidInput(f"{path} is a folder", hint="Name a file")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    async with _writing(part):
        file = await asyncio.to_thread(_create, part)
        with file:
            count = 0
            lines: list[ExportRecord] = [{"type": "head", "format": FORMAT, "version": VERSION}]
            async for record in store.export(user):
                lines.append(record)
                count += 1
                if len(lines) == LINES_AT_ONCE:
                    await asyncio.to_thread(_append, file, lines)
                    lines = []
            lines.append({"type": "foot", "records": count})
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


def _create(part: Path) -> IO[str]:
    return open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def _append(file: IO[str], records: list[ExportRecord]) -> None:
    for record in records:
        file.write(json.dumps(record, ensure_ascii=False, sort_keys=record["type"] != "head") + "\n")
    file.flush()


async def import_file(store: Store, user: UserId, path: Path) -> int:
    """Take the records of an exported file; all or nothing. The number of records that were new.

    InvalidInput naming the line that is wrong, or saying that the file was cut.
    """
    records = await asyncio.to_thread(_read, path)
    return await store.import_records(user, records)


def _read(path: Path) -> list[ExportRecord]:
    try:
        with path.open(encoding="utf-8") as file:
            if FORMAT not in file.readline(200):
                raise InvalidInput(f"{path} is no HMLR export", hint="For conversations use `remember`")
            file.seek(0)
            found = [_record(line, number) for number, line in enumerate(file, 1)]
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text", hint="Give a file that `export` wrote") from error
    except OSError as error:
        raise InvalidInput(f"can't read {path}: {error.strerror}") from error
    if not found or found[0].get("format") != FORMAT:
        raise InvalidInput(f"{path} is no HMLR export", hint="For conversations use `remember`")
    if found[0].get("version") != VERSION:
        raise StorageError(f"{path} has version {found[0].get('version')}, this program reads {VERSION}")
    foot = found[-1]
    if foot.get("type") != "foot" or foot.get("records") != len(found) - 2:
        raise InvalidInput(f"{path} was cut: its last line is missing or counts other records")
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
