"""Every call ends in time, whatever the server does, and holds no more than a capped reply (F41, L10)."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Iterator, Mapping
from itertools import repeat
from pathlib import Path

import pytest

from hmlr.errors import BrokenReply, ModelError, ModelTimeout
from hmlr.llm.records import Options
from tests.llm.asking import ask, gateway, listen, question
from tests.llm.conftest import Settings
from tests.llm.own_server import Answer, OwnServer, reply, stream
from tests.llm.shapes import PROVIDERS, SHAPES, Shape

DEADLINE_S = 0.6
GRACE_S = 1.0
MB = 1_000_000


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


def slow(name: str, shape: Shape) -> Answer:
    """A server that keeps the line and never comes to the end."""
    return {
        "hang": Answer(raw=b"", end="hang"),
        "hang after the head": Answer(body=b"{", end="hang"),
        "drip": Answer(pieces=bytewise(shape.reply()), between_s=0.5),
        "drip of an error": Answer(status=503, pieces=bytewise(shape.error(503)), between_s=0.5),
        "drip of a stream": stream(bytewise(b"".join(shape.events())), between_s=0.5),
        "empty lines for ever": stream(repeat(b"\n\n"), between_s=0.1),
        "one word, then nothing": stream(shape.events(("Hi",))[:3], end="hang"),
    }[name]


async def seconds(call: Awaitable[object]) -> float:
    """How long a call takes to fail with a timeout."""
    begun = time.monotonic()
    with pytest.raises(ModelTimeout):
        await call
    return time.monotonic() - begun


@pytest.mark.faults
@pytest.mark.parametrize("name", ["hang", "hang after the head", "drip", "drip of an error"])
async def test_a_call_ends_at_its_deadline(name: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(lambda received: slow(name, SHAPES[received.provider]))
    settings = own_settings(timeout_s=DEADLINE_S)

    took = await asyncio.gather(*(seconds(ask(provider, settings)) for provider in PROVIDERS))

    assert max(took) < DEADLINE_S + GRACE_S


@pytest.mark.faults
@pytest.mark.parametrize(
    "name", ["hang", "drip of a stream", "empty lines for ever", "one word, then nothing"]
)
async def test_a_stream_ends_at_its_deadline(name: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(lambda received: slow(name, SHAPES[received.provider]))
    settings = own_settings(timeout_s=DEADLINE_S)

    took = await asyncio.gather(*(seconds(listen(provider, settings)) for provider in PROVIDERS))

    assert max(took) < DEADLINE_S + GRACE_S


@pytest.mark.faults
async def test_retries_and_fallbacks_share_one_deadline(own: OwnServer, own_settings: Settings) -> None:
    own.always(Answer(raw=b"", end="hang"))
    begun = time.monotonic()

    with pytest.raises(ModelTimeout) as caught:
        more = own_settings(
            timeout_s=DEADLINE_S, attempt_timeout_s=0.3, fallback_models=("grok:m1", "gemini:m1")
        )
        await ask("openai", more)

    assert time.monotonic() - begun < DEADLINE_S + GRACE_S
    assert caught.value.calls > 1


def rss_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def highest_rss(during: asyncio.Task[None]) -> int:
    """The most memory that was held until a task ended; its error is its own affair."""
    highest = 0
    while not during.done():
        highest = max(highest, rss_bytes())
        await asyncio.sleep(0.005)
    return highest


LARGE: Mapping[str, Answer] = {
    "an answer": Answer(pieces=repeat(b" " * 65_536, 763)),
    "a string": Answer(pieces=[b'{"choices": "', *([b"x" * 65_536] * 763), b'"}']),
    "a stream": stream(repeat(b": " + b"x" * 65_533 + b"\n", 763)),
    "an error": Answer(status=500, pieces=repeat(b" " * 65_536, 763)),
}


@pytest.mark.faults
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("name", LARGE)
async def test_50_mb_are_not_held(provider: str, name: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(LARGE[name])
    settings = own_settings(attempts=1, timeout_s=10)
    before = rss_bytes()

    async def call() -> None:
        with pytest.raises(ModelError):
            await (listen if name == "a stream" else ask)(provider, settings)

    task = asyncio.create_task(call())
    highest = await highest_rss(task)
    await task

    assert highest - before < 100 * MB


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_reply_of_just_the_cap_is_read_and_one_byte_more_is_not(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    body = SHAPES[provider].reply("x" * 2000)
    own.always(reply(body))

    assert (await ask(provider, own_settings(max_reply_bytes=len(body)))).text == "x" * 2000
    with pytest.raises(BrokenReply, match="max_reply_bytes"):
        await ask(provider, own_settings(max_reply_bytes=len(body) - 1))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_silence_within_a_reply_ends_at_the_read_timeout(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    own.always(Answer(body=b"{", end="hang"))
    begun = time.monotonic()

    with pytest.raises(ModelTimeout, match="ReadTimeout"):
        await ask(provider, own_settings(attempts=1, read_timeout_s=0.2))

    assert time.monotonic() - begun < 0.2 + GRACE_S


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: the kernel answers no further one."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_server_that_does_not_connect_ends_at_the_connect_timeout(
    provider: str, deaf_port: int, own_settings: Settings
) -> None:
    deaf = {f"{provider}_base_url": f"http://127.0.0.1:{deaf_port}"}

    with pytest.raises(ModelTimeout, match="ConnectTimeout"):
        await ask(provider, own_settings(attempts=1, connect_timeout_s=0.2, **deaf))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_call_may_have_its_own_timeout(provider: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(Answer(raw=b"", end="hang"))
    begun = time.monotonic()

    with pytest.raises(ModelTimeout):
        await ask(provider, own_settings(), question(options=Options(timeout_s=0.2)))

    assert time.monotonic() - begun < 0.2 + GRACE_S


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_pool_is_bounded_and_shared(provider: str, own: OwnServer, own_settings: Settings) -> None:
    own.always(reply(SHAPES[provider].reply(), before_s=0.05))
    before = own.connections

    async with gateway(provider, own_settings(max_connections=3)) as opened:
        answers = await asyncio.gather(*(opened.complete(question()) for _ in range(12)))

    assert len(answers) == 12
    assert own.connections - before <= 3
    assert len({request.peer for request in own.requests}) <= 3


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_connections_are_closed_with_the_client(
    provider: str, own: OwnServer, own_settings: Settings
) -> None:
    async with gateway(provider, own_settings()) as opened:
        await opened.complete(question())
        assert own.open_connections == 1

    await until(lambda: own.open_connections == 0)


async def until(true: object) -> None:
    """Wait for what the server is about to see."""
    async with asyncio.timeout(2):
        while not true():  # type: ignore[operator]
            await asyncio.sleep(0.01)
