"""Plain text transcripts: `Name: text`, with or without times before the name.

    --- session 2023-05-08 ---
    [2023-05-08 13:56] Ada: I'm back from Bergen.
    It rained all week.
    2023-05-08 13:57 - Ben: Poor you!

A line that opens no message belongs to the message before it. Sessions are parted by `--- session … ---`
lines; in a file that has none, by blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from hmlr.memory.importing.entries import MAX_LINE_BYTES, BadLine, Entry, Keys, LineError, parse_time
from hmlr.records import Message, SessionId

_DAY = r"\d{4}-\d{2}-\d{2}"
_TIME = rf"{_DAY}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:\.\d{{1,6}})?)?(?: ?(?:Z|[+-]\d{{2}}:?\d{{2}}))?)?"
_MARK = re.compile(rf"-{{3,}}\s*session\b\s*(?P<day>{_TIME})?[^\n]*?-{{3,}}", re.IGNORECASE)
_STAMP = re.compile(rf"(?:\[(?P<boxed>{_TIME})\]\s*(?:-\s+)?|(?P<bare>{_TIME})\s+[-–]\s+)")
# A name is short and starts with a letter; its colon ends a word, unlike those in "10:30" and "http://".
_NAME = re.compile(r"(?P<name>[^\W\d_][\w .'’()-]{0,39}?):(?=\s|$)[ \t]?")


@dataclass(kw_only=True)
class _Open:
    """A message that may still get continuation lines."""

    line: int
    speaker: str
    time: datetime | None  # event time, its own or its session's
    dated: bool  # the time is its own
    session: str
    texts: list[str]  # without time and name
    raws: list[str]  # as written
    size: int = 0


def read_transcript(
    lines: Iterable[tuple[int, str | BadLine]], *, session: str, at: datetime | None
) -> Iterator[Entry | BadLine]:
    """Yield the messages in order; `at` holds where neither the message nor its session has a date."""
    reader = _Reader(session, at)
    for number, line in lines:
        if isinstance(line, BadLine):
            yield line
            continue
        try:
            done = reader.feed(number, line.rstrip("\r\n"))
        except LineError as error:
            yield BadLine(line=number, reason=str(error))
            continue
        if done is not None:
            yield done
    last = reader.close()
    if last is not None:
        yield last


class _Reader:
    """Puts lines together to messages; `feed` returns the message before when the line ends it."""

    def __init__(self, session: str, at: datetime | None) -> None:
        self._base, self._at = session, at
        self._number = 1  # of the session
        self._marked = False  # has seen a session line: blank lines no longer part sessions
        self._stamped = False  # messages carry times: a bare name opens one only when it is a known speaker
        self._day: datetime | None = None  # of the session, then of the last dated message in it
        self._names: set[str] = set()
        self._blanks = 0  # blank lines since the last text
        self._open: _Open | None = None
        self._keys = Keys()

    def feed(self, number: int, text: str) -> Entry | None:
        """Take one line in. Raises LineError when it can't stand here."""
        if not text.strip():
            self._blanks += 1
            return None
        mark = _MARK.fullmatch(text.strip())
        if mark:
            done = self.close()
            self._start_session(mark)
            return done
        stamp = _STAMP.match(text)
        name = _NAME.match(text, stamp.end() if stamp else 0)
        if name and (stamp or not self._stamped or name["name"] in self._names):
            return self._start_message(number, text, stamp, name)
        self._continue(text)
        return None

    def close(self) -> Entry | None:
        """End the open message."""
        done, self._open = self._open, None
        if done is None:
            return None
        return Entry(
            line=done.line,
            message=Message(content="\n".join(done.texts), speaker=done.speaker, occurred_at=done.time),
            session_id=SessionId(done.session),
            key=self._keys.next("\n".join(done.raws), dated=done.dated),
        )

    def _start_session(self, mark: re.Match[str]) -> None:
        # The first mark of a file opens its first session, unless messages stood before it.
        if self._marked or self._names:
            self._number += 1
        self._marked = True
        self._blanks = 0
        self._day = parse_time(mark["day"]) if mark["day"] else None

    def _start_message(
        self, number: int, text: str, stamp: re.Match[str] | None, name: re.Match[str]
    ) -> Entry | None:
        own = parse_time(stamp["boxed"] or stamp["bare"]) if stamp else None
        done = self.close()
        if self._blanks and self._names and not self._marked:
            self._number += 1
            self._day = None
        self._blanks = 0
        self._stamped = self._stamped or own is not None
        self._day = own or self._day
        self._names.add(name["name"])
        self._open = _Open(
            line=number,
            speaker=name["name"],
            time=self._day or self._at,
            dated=own is not None,
            session=self._base if self._number == 1 else f"{self._base}-{self._number}",
            texts=[text[name.end() :]],
            raws=[text],
        )
        return done

    def _continue(self, text: str) -> None:
        if self._open is None:
            raise LineError('opens no message; a transcript line is "Name: text"')
        self._open.size += len(text)
        if self._open.size > MAX_LINE_BYTES:
            raise LineError("continues a message that is too long; is this a transcript?")
        blank = [""] * self._blanks
        self._blanks = 0
        self._open.texts += [*blank, text]
        self._open.raws += [*blank, text]
