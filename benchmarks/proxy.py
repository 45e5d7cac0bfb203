"""Chats through the OpenAI-compatible proxy, many at once, beside the same model calls by the bare SDK.

    python -m benchmarks.proxy [--chats 200] [--rounds 3] [--workers 2] [--minutes 0]

A server in a process of its own answers every call after 200 ms; `serve` runs in another; each chat is a user
of their own. The bare SDK sends the bodies of a turn in the same order, straight to the model. With
`--minutes` the load goes on that long, and the memory of `serve` is read every ten seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.engine_calls import QUESTION, _bodies, bare
from hmlr import HMLRClient

ENVIRONMENT = {"HMLR_MODEL": "openai:m", "HMLR_SERVER_BURST": "100000", "HMLR_SERVER_MAX_CONCURRENT": "4096"}


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A process that says on stdout that it is ready; it is stopped at the end."""
    started = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env={**os.environ, **environment}
    )
    try:
        yield started
    finally:
        started.terminate()
        started.communicate()


async def tokens(db: Path, users: int) -> list[str]:
    """A token for each of so many users."""
    async with HMLRClient(db, model="offline") as hmlr:
        return [(await hmlr.access.issue(user_id=f"user{number}")).secret for number in range(users)]


async def took(work: Any) -> float:
    """Milliseconds until it is done; it raises when that fails."""
    begun = time.perf_counter()
    await work
    return (time.perf_counter() - begun) * 1000


async def chat(client: Any, text: str) -> None:
    """One streamed chat, read to its end."""
    messages = [{"role": "user", "content": text}]
    async for _ in await client.chat.completions.create(model="hmlr", messages=messages, stream=True):
        pass


def row(name: str, measured: list[float]) -> float:
    """Print p50 and p95; the p95."""
    cuts = quantiles(measured, n=20)
    print(f"{name:24}{len(measured):8}{cuts[9]:10.0f}{cuts[18]:10.0f}", flush=True)
    return cuts[18]


@contextmanager
def serving(db: Path, *options: str, **environment: str) -> Iterator[tuple[str, int]]:
    """`serve` in a process of its own: its address and process id."""
    with process("main.py", "serve", "--db", str(db), "--port", "0", *options, **environment) as served:
        assert served.stdout is not None  # noqa: S101 - it was asked for
        yield served.stdout.readline().split(" on ")[-1].strip(), served.pid


async def recorded(db: Path, secret: str, given: dict[str, str], record: Path) -> list[dict[str, Any]]:
    """The bodies of the model calls of one chat, from a server that records them."""
    from openai import AsyncOpenAI

    with serving(db, **given, HMLR_LLM_RECORD_PATH=str(record)) as (url, _):
        client = AsyncOpenAI(api_key=secret, base_url=f"{url}/v1", max_retries=0)
        await chat(client, "The harbour walk takes two hours.")
        await chat(client, QUESTION)
    return _bodies(record)


async def measure(
    arguments: argparse.Namespace, model: str, url: str, secrets: list[str], bodies: list[dict[str, Any]]
) -> None:
    """Print the table."""
    from openai import AsyncOpenAI

    clients = [AsyncOpenAI(api_key=secret, base_url=f"{url}/v1", max_retries=0) for secret in secrets]
    sdk = AsyncOpenAI(api_key="none", base_url=model, max_retries=0)
    print(f"{'':24}{'calls':>8}{'p50 ms':>10}{'p95 ms':>10}")
    ours: list[float] = []
    plain: list[float] = []
    for number in range(-1, arguments.rounds):  # the first round opens memories and connections
        taken = await asyncio.gather(*(took(chat(each, f"{QUESTION} Round {number}?")) for each in clients))
        await asyncio.sleep(arguments.rest_s)
        direct = await asyncio.gather(*(took(bare(sdk, bodies)) for _ in clients))
        if number >= 0:
            ours += taken
            plain += direct
    ratio = row("through the proxy", ours) / row("bare SDK, same calls", plain)
    print(f"p95: {ratio:.2f} x the bare SDK (aim: 1.50)")


def held_mb(pid: int) -> float:
    """The memory that a process holds, and those that it started."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    started = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6 + sum(held_mb(int(each)) for each in started)


async def endure(minutes: float, url: str, secrets: list[str], pid: int) -> None:
    """Chat on, twenty at a time, and print the server's memory."""
    from openai import AsyncOpenAI

    clients = [AsyncOpenAI(api_key=secret, base_url=f"{url}/v1", max_retries=0) for secret in secrets]
    until, done, failed = time.monotonic() + minutes * 60, 0, 0

    async def go(number: int) -> None:
        nonlocal done, failed
        while time.monotonic() < until:
            try:
                await chat(clients[number % len(clients)], f"{QUESTION} Again {done}?")
            except Exception as error:  # noqa: BLE001 - what is counted here is every failure
                failed += 1
                print(f"failed: {type(error).__name__}: {error}", flush=True)
            done += 1
            number += 20

    async def watch() -> None:
        begun = time.monotonic()
        while time.monotonic() < until:
            print(f"{time.monotonic() - begun:6.0f} s {done:8} chats {held_mb(pid):8.0f} MB", flush=True)
            await asyncio.sleep(10)

    await asyncio.gather(watch(), *(go(number) for number in range(20)))
    print(f"{done} chats, {failed} failed")


def main() -> None:
    """Start model and server, measure, stop them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rest-s", type=float, default=5.0, help="for background work, between rounds")
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--workers", type=int, default=2, help="processes of `serve`")
    parser.add_argument("--embedder", default="minilm")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "memory.db"
        secrets = asyncio.run(tokens(db, arguments.chats))
        with process("-m", "benchmarks.engine_calls", "--serve") as model:
            assert model.stdout is not None  # noqa: S101 - it was asked for
            model_url = f"http://127.0.0.1:{int(model.stdout.readline())}/v1"
            given = {**ENVIRONMENT, "OPENAI_BASE_URL": model_url, "HMLR_EMBEDDER": arguments.embedder}
            bodies = asyncio.run(recorded(db, secrets[0], given, Path(folder) / "calls.jsonl"))
            with serving(db, "--workers", str(arguments.workers), **given) as (url, pid):
                asyncio.run(measure(arguments, model_url, url, secrets, bodies))
                if arguments.minutes:
                    asyncio.run(endure(arguments.minutes, url, secrets, pid))


if __name__ == "__main__":
    main()
