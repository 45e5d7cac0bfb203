"""From the bytes of a file to its messages, whatever its form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from hmlr.memory.importing.entries import MAX_LINE_BYTES, BadLine, Entry, Format
from hmlr.memory.importing.jsonl import read_jsonl
from hmlr.memory.importing.transcript import read_transcript

_BOM = b"\xef\xbb\xbf"
_JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")


def detect(name: str, start: bytes) -> Format:
    """The form of a file by its name, else by its first bytes."""
    if name.lower().endswith(_JSON_SUFFIXES):
        return "jsonl"
    return "jsonl" if start.removeprefix(_BOM).lstrip().startswith(b"{") else "text"


def read(
    lines: Iterable[bytes], *, form: Format, session: str, at: datetime | None = None
) -> Iterator[Entry | BadLine]:
    """Yield messages and bad lines in the order of the file.

    `session` is the session of messages that name none; `at` the event time of those without a date (None
    leaves it open). A bad line does not end the reading: the caller decides what it means.
    """
    decoded = _decode(lines)
    if form == "jsonl":
        return read_jsonl(decoded, session=session, at=at)
    return read_transcript(decoded, session=session, at=at)


def _decode(lines: Iterable[bytes]) -> Iterator[tuple[int, str | BadLine]]:
    for number, line in enumerate(lines, start=1):
        data = line.removeprefix(_BOM) if number == 1 else line
        if len(data) > MAX_LINE_BYTES:
            yield number, BadLine(line=number, reason=f"is longer than {MAX_LINE_BYTES // 2**20} MB")
            continue
        try:
            yield number, data.decode("utf-8")
        except UnicodeDecodeError as error:
            where = f"byte {data[error.start]:#04x} at {error.start + 1}"
            yield number, BadLine(line=number, reason=f"is not UTF-8 ({where}); save the file as UTF-8")
