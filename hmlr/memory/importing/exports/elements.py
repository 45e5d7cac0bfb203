"""The elements of a list in a JSON file of any size, one after the other, without reading the file whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

MAX_DEPTH = 200  # of an element; json.loads can't read about 1,000
MAX_ELEMENT_BYTES = 64 * 1024 * 1024
HEAD_BYTES = 1024 * 1024
LISTS = ("conversations", "results", "memories")  # keys under which an object holds the list
_CHUNK = 1024 * 1024
_BOM = b"\xef\xbb\xbf"
# What leads up to the next bracket; brackets and commas in strings do not count. Between the elements of the
# list commas matter as well.
_STRING = rb'"(?:[^"\\]++|\\.)*+"'
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|%s)*+([{}\[\]])' % _STRING, re.DOTALL)
_SEPARATOR = re.compile(rb'(?:[^"{}\[\],]++|%s)*+([{}\[\],])' % _STRING, re.DOTALL)
_HEAD_TOKEN = re.compile(rb"%s|[{}\[\]]" % _STRING, re.DOTALL)
_KEY = re.compile(rb'"(%s)"\s*:\s*\[' % "|".join(LISTS).encode())
_SPACE = b" \t\r\n"


@dataclass(frozen=True, kw_only=True)
class Element:
    """One element as it is written, or why it can't be read."""

    number: int  # from 1
    data: bytes = b""
    fault: str = ""


def list_start(head: bytes) -> tuple[int, int] | None:
    """Where the elements begin in a file that begins with `head`, and how many brackets are open there.

    A list, an object with a list under one of LISTS, or else objects one after the other; None when it is no
    JSON of these forms.
    """
    start = len(head) - len(head.removeprefix(_BOM).lstrip(_SPACE))
    if head[start : start + 1] == b"[":
        after = head[start + 1 :].lstrip(_SPACE)[:1]
        return (start + 1, 1) if after in (b"{", b"]", b"") else None
    if head[start : start + 1] != b"{":
        return None
    depth = 0
    for found in _HEAD_TOKEN.finditer(head, start):
        token = found[0]
        if depth == 1 and (key := _KEY.match(head, found.start())):
            return key.end(), 2
        if token in b"{[":
            depth += 1
        elif token in b"}]":
            depth -= 1
            if depth == 0:
                break
    return start, 0


def elements(stream: BinaryIO) -> Iterator[Element]:
    """Yield the elements from the start of the stream, which must be JSON as `list_start` says.

    What is cut, nested too deeply or too large is the last one; after it nothing is read.
    """
    head = stream.read(HEAD_BYTES)
    begin = list_start(head)
    if begin is None:
        wide = b"\x00" in head[:4]  # as every text in UTF-16 and UTF-32 that begins with a bracket
        fault = "is not UTF-8; save the file as UTF-8" if wide else "is no JSON object or list of objects"
        yield Element(number=1, fault=fault)
        return
    start, base = begin
    yield from _Scanner(stream, head[start:], base).run()


class _Scanner:
    """Follows brackets and strings; what is between two separators is an element."""

    def __init__(self, stream: BinaryIO, head: bytes, base: int) -> None:
        self._stream, self._base = stream, base
        self._held = bytearray(head)  # from the start of the element on
        self._at = 0  # in it: all before is scanned
        self._depth = base
        self._number = 0
        self._fault = ""  # that ends the reading

    def run(self) -> Iterator[Element]:
        """Yield all elements."""
        while not self._fault and (place := self._next()) is not None:
            done = self._token(self._held[place], place)
            if done is not None:
                yield done
            if self._base and self._depth < self._base:  # the list has ended
                yield from self._after()
                return
        if self._base or self._held.strip(_SPACE):
            fault = self._fault or "is cut: the file ends in it"
            yield Element(number=self._number + 1, fault=fault)

    def _next(self) -> int | None:
        """The place of the next bracket or separator; None when the file ends before it."""
        while True:
            pattern = _SEPARATOR if self._base == self._depth else _BRACKET
            found = pattern.match(self._held, self._at)
            if found is not None:
                self._at = found.end()
                return found.start(1)
            if not self._more():
                return None

    def _token(self, token: int, place: int) -> Element | None:
        if token in b"{[":
            self._depth += 1
            if self._depth - self._base > MAX_DEPTH:
                self._fault = f"is nested too deeply, over {MAX_DEPTH} levels; the file was read up to it"
        elif token in b"}]":
            self._depth -= 1
            if self._depth < self._base:
                return self._end(place, last=True)
            if self._depth <= 0:
                self._depth = 0
                return self._end(self._at)
        elif self._base:
            return self._end(place)
        return None

    def _end(self, end: int, *, last: bool = False) -> Element | None:
        """The element that ends here; None where the list ends without another one."""
        data = bytes(self._held[:end]).strip(_SPACE)
        del self._held[: self._at]
        self._at = 0
        if last and not data and self._number == 0:
            return None
        self._number += 1
        return Element(number=self._number, data=data, fault="" if data else "is missing beside a comma")

    def _more(self) -> bool:
        """Read on; a long element in larger and larger steps, so that no string is scanned often."""
        if len(self._held) > MAX_ELEMENT_BYTES:
            self._fault = f"is larger than {MAX_ELEMENT_BYTES // 2**20} MB, and the file was read up to it"
            return False
        more = self._stream.read(max(_CHUNK, len(self._held)))
        self._held += more
        return bool(more)

    def _after(self) -> Iterator[Element]:
        """What stands behind the list is not looked at, but it has to be whole."""
        while self._depth > 0:
            del self._held[: self._at]
            self._at = 0
            place = self._next()
            if place is None:
                yield Element(number=self._number + 1, fault="is missing: the file is cut after the list")
                return
            self._depth += 1 if self._held[place] in b"{[" else -1
        if bytes(self._held[self._at :]).strip(_SPACE) or self._stream.read(_CHUNK).strip(_SPACE):
            yield Element(number=self._number + 1, fault="is no part of the list: it stands after its end")
