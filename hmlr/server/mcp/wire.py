"""The wire of stdio: lines in, lines out, and nothing else on stdout for as long as the process lives."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError

MAX_LINE = 4_000_000  # bytes; as the body of an HTTP request
MOST_OPEN = 32  # requests without an answer, before the next line is read
PIECE = 65_536
TOO_LONG = b"too long"  # in place of such a line; being no JSON, it is refused


def take_stdio() -> tuple[int, int]:
    """Descriptors of what stdin and stdout are; from now on whatever is printed goes to stderr."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return reading, writing


class Wire:
    """Lines of two descriptors, as the SDK wants its stdin and stdout.

    Reading ends once the other side has ended and all that it asked for is answered, `grace_s` later at most.
    """

    def __init__(self, reading: int, writing: int, *, grace_s: float) -> None:
        self._reading = reading
        self._writing = writing
        self._grace_s = grace_s
        self._open: set[str] = set()  # ids of requests that wait for their answer
        self._changed = asyncio.Condition()

    async def __aiter__(self) -> AsyncIterator[str]:
        lines: asyncio.Queue[bytes | None] = asyncio.Queue(1)
        loop = asyncio.get_running_loop()
        # A thread of its own, which a stop leaves behind: nothing wakes it from waiting for a line.
        threading.Thread(target=_read, args=(self._reading, lines, loop), daemon=True).start()
        while (line := await lines.get()) is not None:
            self._asked(line)
            yield line.decode("utf-8", "replace")
            await self._until(MOST_OPEN)
        await self._until(1)

    async def write(self, text: str) -> None:
        """Send one line. A closed pipe is the end: nobody is there to be told of anything."""
        await asyncio.to_thread(_write, self._writing, text.encode())
        self._answered(text)
        async with self._changed:
            self._changed.notify_all()

    async def flush(self) -> None:
        """Nothing is held back."""

    async def _until(self, fewer: int) -> None:
        """Wait until fewer requests than that are open."""
        try:
            async with asyncio.timeout(self._grace_s), self._changed:
                await self._changed.wait_for(lambda: len(self._open) < fewer)
        except TimeoutError:
            self._open.clear()  # given up by the SDK, or by whoever asked

    def _asked(self, line: bytes) -> None:
        message = _parsed(line)
        if message.get("method") == "notifications/cancelled":
            params = message.get("params")
            self._open.discard(_key(params.get("requestId") if isinstance(params, dict) else None))
        elif "method" in message and "id" in message:
            self._open.add(_key(message["id"]))

    def _answered(self, text: str) -> None:
        message = _parsed(text)
        if "method" not in message:
            self._open.discard(_key(message.get("id")))


def _key(request_id: object) -> str:
    return json.dumps(request_id)


def _parsed(line: bytes | str) -> dict[str, object]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


def _write(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _read(descriptor: int, lines: asyncio.Queue[bytes | None], loop: asyncio.AbstractEventLoop) -> None:
    """Give the lines of a descriptor to the loop, one by one; None at the end."""
    held, dropping = bytearray(), False

    def give(line: bytes | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    try:
        while piece := os.read(descriptor, PIECE):
            *whole, rest = piece.split(b"\n")
            for end in whole:
                give(TOO_LONG if dropping else bytes(held + end))
                held, dropping = bytearray(), False
            held += rest
            if len(held) > MAX_LINE:
                held, dropping = bytearray(), True
        if held or dropping:
            give(TOO_LONG if dropping else bytes(held))
        give(None)
    except (RuntimeError, CancelledError):
        return  # the loop has ended before the lines
    except OSError:
        give(None)
