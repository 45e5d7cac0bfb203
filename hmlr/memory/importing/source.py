"""A file of conversations, whatever its form: opened, detected by its content, read as often as needed."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, get_args

from hmlr.errors import InvalidInput
from hmlr.memory.importing.entries import MAX_LINE_BYTES, BadLine, Entry, Format
from hmlr.memory.importing.exports import (
    HEAD_BYTES,
    PRODUCTS,
    Product,
    ProductName,
    Skip,
    is_zip,
    list_start,
    read_archive,
    read_export,
    sniff,
    why_unknown,
)
from hmlr.memory.importing.reading import detect, read
from hmlr.memory.intake import Intake, session_id

ImportFormat = Format | ProductName
FORMATS: tuple[ImportFormat, ...] = (*get_args(Format), *PRODUCTS)
_START = 4096
_SHOWN, _SHOWN_CHARS = 3, 200  # of the bad ones, in an error
_BLANK = b"\xef\xbb\xbf \t\r\n"  # before the first character
TAKEN = "It takes JSON Lines, lines of the form Name: text, and exports of ChatGPT, Claude and mem0"


class ChatFile:
    """A file that can be read twice: once to find what is bad, and once to store.

    `format` overrides what its content says. Raises InvalidInput for a format that is not known.
    """

    def __init__(
        self,
        source: str | Path | BinaryIO,
        *,
        format: str | None = None,  # noqa: A002 - as it is called at the public door
        session: str | None = None,
        at: datetime | None = None,
    ) -> None:
        if format is not None and format not in FORMATS:
            raise InvalidInput(
                f"there is no import format {format!r}", hint=f"Use one of {', '.join(FORMATS)}"
            )
        self._path = Path(source) if isinstance(source, str | Path) else None
        self._stream = None if isinstance(source, str | Path) else source
        self._held: bytes | None = None  # of what can be read only once
        self.name = str(source) if self._path else "-"
        self._format = format
        self._session = session
        self._at = at

    def entries(self) -> Iterator[Entry | BadLine | Skip]:
        """Its messages, what is bad and what is left out, in order.

        Raises InvalidInput when it can't be read at all.
        """
        with self._open() as stream:
            start = stream.read(_START)
            stream.seek(0)
            if is_zip(start):
                yield from read_archive(stream, self._product_name())
            elif product := self._product(stream, start):
                yield from read_export(stream, product)
            else:
                form = detect(self.name, start)
                if self._format is not None:
                    form = "text" if self._format == "text" else "jsonl"
                session = self._session or (self._path.stem if self._path else "default")
                yield from read(_lines(stream), form=form, session=session, at=self._at)

    def _product(self, stream: BinaryIO, start: bytes) -> Product | None:
        """Whose export the file is; None when it holds messages in a form of our own."""
        if name := self._product_name():
            return PRODUCTS[name]
        if self._format is not None or start.lstrip(_BLANK)[:1] not in (b"{", b"["):
            return None
        product = sniff(stream)
        stream.seek(0)
        if product is None and (begin := list_start(stream.read(HEAD_BYTES))) and begin[1]:
            stream.seek(0)  # a list: neither JSON Lines nor a transcript begins so
            reason = why_unknown(stream)
            what = f"the first element of {self.name} {reason}" if reason else f"{self.name} is an empty list"
            raise InvalidInput(what, hint=TAKEN)
        stream.seek(0)
        return product

    def _product_name(self) -> ProductName | None:
        return next((name for name in PRODUCTS if name == self._format), None)

    def _open(self) -> BinaryIO:
        if self._held is None and self._stream is not None:
            self._held = self._stream.read()
        if self._held is not None or self._path is None:
            return io.BytesIO(self._held or b"")
        try:
            stream = self._path.open("rb")
            if stream.seekable():
                return stream
            with stream:  # a pipe can be read only once
                self._held = stream.read()
            return io.BytesIO(self._held)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no file name"
            raise InvalidInput(f"can't read {self.name!r}: {reason}", hint="Name a file") from error


class Survey:
    """What a file holds, found before anything of it is stored."""

    def __init__(self, max_message_chars: int) -> None:
        self._intake = Intake(owner_name=None, max_message_chars=max_message_chars)
        self.good = 0  # messages
        self.bad: list[BadLine] = []
        self._skipped: Counter[str] = Counter()

    def add(self, found: Entry | BadLine | Skip) -> None:
        """Count one more; a message that could not be stored is a bad one."""
        if isinstance(found, Skip):
            self._skipped[found.reason] += found.count
        elif isinstance(found, BadLine):
            self.bad.append(found)
        else:
            self._check(found)

    def _check(self, entry: Entry) -> None:
        try:
            self._intake.check(entry.message)
            session_id(entry.session_id)
        except InvalidInput as error:
            self.bad.append(BadLine(line=entry.line, reason=str(error), place=entry.place))
        else:
            self.good += 1

    @property
    def left_out(self) -> dict[str, int]:
        """What is left out on purpose: reason -> how many, most frequent first."""
        return dict(self._skipped.most_common())

    def refuse(self, name: str, *, skip_bad: bool) -> None:
        """Raise InvalidInput when the file is not to be stored."""
        if self.bad and not skip_bad:
            first = "; ".join(str(each)[:_SHOWN_CHARS] for each in self.bad[:_SHOWN])
            what = f"{len(self.bad)} messages of {name} can't be read, nothing was stored: {first}"
            raise InvalidInput(what, hint="Mend them, or skip the bad ones")
        if not self.good and not self.bad and not self._skipped:
            raise InvalidInput(f"{name} holds no messages", hint=TAKEN)

    def kept(self, found: Iterable[Entry | BadLine | Skip]) -> Iterator[Entry]:
        """The good messages, when the file is read again."""
        bad = {each.line for each in self.bad}
        return (each for each in found if isinstance(each, Entry) and each.line not in bad)


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines, of overlong ones only as much as shows that they are; the memory stays small."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        yield line
        while len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            line = stream.readline(MAX_LINE_BYTES + 1)
            if not line:
                return
