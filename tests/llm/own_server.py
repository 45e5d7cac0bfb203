"""A scriptable HTTP server for what llmock lacks: raw bytes, redirects, resets, drips, bombs, its own sums.

It speaks the providers' protocols, lives in a thread with a loop of its own, and keeps what it got.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Literal, Self

from tests.llm.shapes import SHAPES, TOKENS

End = Literal["whole", "close", "reset", "hang"]
# base_url is what each SDK puts its own path behind.
PREFIXES = {"openai": "/openai/v1", "anthropic": "/anthropic", "gemini": "/gemini", "grok": "/grok/v1"}
RESET = struct.pack("ii", 1, 0)  # linger for no time: the kernel answers with RST


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one request gets."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    pieces: Iterable[bytes] | None = None  # in place of a body: sent one by one, chunked
    raw: bytes | None = None  # in place of everything
    before_s: float = 0.0  # before the first byte
    between_s: float = 0.0  # between pieces
    end: End = "whole"  # all others break off before the promised end
    tokens: tuple[int, int] = (0, 0)  # that this answer tells of


@dataclass
class Received:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float  # monotonic
    peer: int  # the client's port: one per connection
    tokens: tuple[int, int] = (0, 0)  # told in the answer
    left: threading.Event = field(default_factory=threading.Event)  # the client hung up before the end

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def provider(self) -> str:
        return self.path.split("/")[1]

    @property
    def streams(self) -> bool:
        return b'"stream":true' in self.body.replace(b" ", b"") or "streamGenerateContent" in self.path


Scripted = Answer | Callable[[Received], Answer]


def ok(received: Received) -> Answer:
    """The answer "ok" in the shape that the request's provider and kind ask for."""
    return _ok(received.provider, received.streams)


@cache
def _ok(provider: str, streams: bool, before_s: float = 0.0) -> Answer:
    shape = SHAPES[provider]
    if streams:
        return stream(shape.events(), tokens=TOKENS, before_s=before_s)
    return reply(shape.reply(), tokens=TOKENS, before_s=before_s)


def ok_after(seconds: float) -> Callable[[Received], Answer]:
    """The same after a while."""
    return lambda received: _ok(received.provider, received.streams, seconds)


def reply(body: bytes, **given: Any) -> Answer:
    """A whole JSON answer."""
    return Answer(body=body, headers={"content-type": "application/json"} | given.pop("headers", {}), **given)


def stream(events: Iterable[bytes], **given: Any) -> Answer:
    """A streamed answer."""
    return Answer(pieces=events, headers={"content-type": "text/event-stream"}, **given)


class OwnServer:
    """Answers with what is scripted, in order; then with `always`."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.connections = 0  # accepted so far
        self.open_connections = 0
        self._script: list[Scripted] = []
        self._always: Scripted = ok
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="own-server", daemon=True)
        self._ready = threading.Event()
        self.port = 0

    def script(self, *answers: Scripted) -> Self:
        """What the next requests get, one each."""
        self._script += answers
        return self

    def always(self, answer: Scripted) -> Self:
        """What every request gets when nothing else is scripted."""
        self._always = answer
        return self

    def reset(self) -> None:
        """Forget what was scripted and received."""
        self.requests, self._script, self._always = [], [], ok

    def base_url(self, provider: str) -> str:
        """The base URL of a provider."""
        return f"http://127.0.0.1:{self.port}{PREFIXES[provider]}"

    @property
    def told(self) -> tuple[int, int]:
        """Tokens in all answers since the last reset."""
        return sum(r.tokens[0] for r in self.requests), sum(r.tokens[1] for r in self.requests)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._client, "127.0.0.1", 0, backlog=1024)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in self._tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*self._tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        coming = asyncio.ensure_future(reader.read(65536))
        try:
            while begun := await coming:
                received = await _read(begun, reader, writer.get_extra_info("peername")[1])
                self.requests.append(received)
                answer = self._script.pop(0) if self._script else self._always
                answer = answer(received) if callable(answer) else answer
                coming = asyncio.ensure_future(reader.read(65536))
                await _answer(writer, coming, answer, received)
                if answer.end != "whole" or answer.raw is not None:
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            coming.cancel()
            self.open_connections -= 1
            writer.close()


async def _read(begun: bytes, reader: asyncio.StreamReader, peer: int) -> Received:
    while b"\r\n\r\n" not in begun:
        begun += await reader.readexactly(1)
    head, _, body = begun.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    missing = int(headers.get("content-length", "0")) - len(body)
    body += await reader.readexactly(missing) if missing > 0 else b""
    return Received(method=method, path=path, headers=headers, body=body, at=time.monotonic(), peer=peer)


async def _answer(
    writer: asyncio.StreamWriter, coming: asyncio.Future[bytes], answer: Answer, received: Received
) -> None:
    """Send the answer, or as much of it as the client waits for; ConnectionError when it left."""
    sending = asyncio.ensure_future(_send(writer, answer, received))
    await asyncio.wait({sending, coming}, return_when=asyncio.FIRST_COMPLETED)
    if sending.done() and not sending.exception():
        return
    received.left.set()
    sending.cancel()
    await asyncio.wait({sending})
    raise ConnectionAbortedError


async def _send(writer: asyncio.StreamWriter, answer: Answer, received: Received) -> None:
    if answer.before_s:
        await asyncio.sleep(answer.before_s)
    received.tokens = answer.tokens  # before the client can know them
    if answer.raw is not None:
        writer.write(answer.raw)
    elif answer.pieces is not None:
        await _send_pieces(writer, answer)
    else:
        missing = 100 if answer.end != "whole" else 0
        head = _head(answer, {"content-length": str(len(answer.body) + missing)})
        writer.write(head + answer.body)
    await writer.drain()
    if answer.end == "hang":
        await asyncio.sleep(3600)
    if answer.end == "reset":
        await asyncio.sleep(0.05)  # what was sent before arrives before
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        writer.transport.abort()


async def _send_pieces(writer: asyncio.StreamWriter, answer: Answer) -> None:
    writer.write(_head(answer, {"transfer-encoding": "chunked"}))
    for number, piece in enumerate(answer.pieces or ()):
        if number and answer.between_s:
            await asyncio.sleep(answer.between_s)
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
    if answer.end == "whole":
        writer.write(b"0\r\n\r\n")


def _head(answer: Answer, framing: Mapping[str, str]) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"{name}: {value}" for name, value in {**framing, **answer.headers}.items()]
    return "\r\n".join([f"HTTP/1.1 {answer.status} {phrase}", *lines, "", ""]).encode("latin-1")


def main() -> None:
    """Serve as a process of its own, "ok" after so many seconds, until standard input ends."""
    with OwnServer() as server:
        server.always(ok_after(float(sys.argv[1])))
        print(server.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
