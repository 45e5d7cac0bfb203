"""Many model calls at once: our toolkit beside the bare SDKs and beside the thread-pool way.

python -m benchmarks.llm [--calls 200] [--delay 0.2] [--rounds 5]

A server of its own process answers every request after the delay. All ways use the same prompt and the same
number of connections; the rounds of the ways take turns, and each way's best round counts: what else runs on
the machine only adds.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, cast

import httpx2
from anthropic import Anthropic, AsyncAnthropic
from google import genai
from google.genai import types
from openai import AsyncOpenAI, OpenAI

from hmlr.llm.opening import open_gateway
from hmlr.llm.records import ChatMessage, ChatRequest
from hmlr.llm.settings import LLMSettings

PROVIDERS = ("openai", "anthropic", "gemini", "grok")
PATHS = {"openai": "/openai/v1", "anthropic": "/anthropic", "gemini": "/gemini", "grok": "/grok/v1"}
PROMPT = "What was it about the harbour? " * 20
MESSAGES: Any = [{"role": "user", "content": PROMPT}]
REQUEST = ChatRequest(messages=(ChatMessage(role="user", content=PROMPT),), task="bench")
KEY = "bench-key"
LIMITS = httpx2.Limits(max_connections=1000, max_keepalive_connections=1000)
WORKERS = 32  # asyncio.to_thread's own pool on a machine of many cores

Call = Callable[[], Awaitable[Any]]


@dataclass
class Measured:
    """The rounds of one way."""

    walls_s: list[float] = field(default_factory=list)
    cpus_s: list[float] = field(default_factory=list)
    threads: int = 0  # started during all rounds

    @property
    def wall_s(self) -> float:
        """Of the best round."""
        return min(self.walls_s)

    @property
    def cpu_s(self) -> float:
        """Of the best round, all threads together."""
        return min(self.cpus_s)


@contextmanager
def started_threads() -> Iterator[list[str]]:
    """The names of the threads that are started meanwhile."""
    names: list[str] = []
    start = threading.Thread.start

    def counting(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    threading.Thread.start = counting  # type: ignore[method-assign,assignment]
    try:
        yield names
    finally:
        threading.Thread.start = start  # type: ignore[method-assign]


@contextmanager
def server(delay_s: float) -> Iterator[int]:
    """The port of a server in a process of its own."""
    command = [sys.executable, "-m", "tests.llm.own_server", str(delay_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield int(cast("IO[str]", process.stdout).readline())
        cast("IO[str]", process.stdin).close()


@asynccontextmanager
async def bare(provider: str, url: str) -> AsyncIterator[Call]:
    """The SDK's own asynchronous client; Grok, which has none, by REST."""
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx2.AsyncClient(limits=LIMITS, timeout=60))
        if provider == "openai":
            openai = AsyncOpenAI(api_key=KEY, base_url=url, http_client=http)
            yield lambda: openai.chat.completions.create(model="m1", messages=MESSAGES)
        elif provider == "anthropic":
            anthropic = AsyncAnthropic(api_key=KEY, base_url=url, http_client=http)
            yield lambda: anthropic.messages.create(model="m1", messages=MESSAGES, max_tokens=8192)
        elif provider == "gemini":
            options = types.HttpOptions(base_url=url, api_version="v1beta", httpx_async_client=http)
            gemini = genai.Client(api_key=KEY, http_options=options)
            yield lambda: gemini.aio.models.generate_content(model="m1", contents=PROMPT)
        else:
            yield lambda: _by_rest(http, url)


async def _by_rest(http: httpx2.AsyncClient, url: str) -> Any:
    body = {"model": "m1", "messages": MESSAGES}
    headers = {"authorization": f"Bearer {KEY}"}
    return (await http.post(f"{url}/chat/completions", json=body, headers=headers)).json()


@asynccontextmanager
async def ours(provider: str, url: str) -> AsyncIterator[Call]:
    """Through the gateway: retries, deadlines, ledger, metrics and spans included."""
    address: dict[str, Any] = {f"{provider}_base_url": url, f"{provider}_api_key": KEY}
    gateway = open_gateway(f"{provider}:m1", LLMSettings.load(gemini_api_version="v1beta", **address))
    yield lambda: gateway.complete(REQUEST)
    await gateway.aclose()


@asynccontextmanager
async def threads(provider: str, url: str) -> AsyncIterator[Call]:
    """The SDK's blocking client in a pool of threads."""
    with ThreadPoolExecutor(WORKERS) as pool, httpx2.Client(limits=LIMITS, timeout=60) as http:
        call = _blocking(provider, url, http)
        yield lambda: asyncio.get_running_loop().run_in_executor(pool, call)


def _blocking(provider: str, url: str, http: httpx2.Client) -> Callable[[], Any]:
    if provider == "openai":
        openai = OpenAI(api_key=KEY, base_url=url, http_client=http)
        return lambda: openai.chat.completions.create(model="m1", messages=MESSAGES)
    if provider == "anthropic":
        anthropic = Anthropic(api_key=KEY, base_url=url, http_client=http)
        return lambda: anthropic.messages.create(model="m1", messages=MESSAGES, max_tokens=8192)
    if provider == "gemini":
        options = types.HttpOptions(base_url=url, api_version="v1beta", httpx_client=http)
        gemini = genai.Client(api_key=KEY, http_options=options)
        return lambda: gemini.models.generate_content(model="m1", contents=PROMPT)
    body, headers = {"model": "m1", "messages": MESSAGES}, {"authorization": f"Bearer {KEY}"}
    return lambda: http.post(f"{url}/chat/completions", json=body, headers=headers).json()


WAYS = {"bare": bare, "ours": ours, "threads": threads}


async def measure(
    provider: str, url: str, *, calls: int, rounds: int, ways: tuple[str, ...] = ("bare", "ours")
) -> dict[str, Measured]:
    """So many calls at once, by each way in turn; the first round of each warms it up."""
    measured = {way: Measured() for way in ways}
    async with AsyncExitStack() as stack:
        asking = {way: await stack.enter_async_context(WAYS[way](provider, url)) for way in ways}
        for ask in asking.values():
            await asyncio.gather(*(ask() for _ in range(calls)))
        for _ in range(rounds):
            for way, ask in asking.items():
                with started_threads() as started:
                    wall, cpu = time.perf_counter(), time.process_time()
                    await asyncio.gather(*(ask() for _ in range(calls)))
                    measured[way].walls_s.append(time.perf_counter() - wall)
                    measured[way].cpus_s.append(time.process_time() - cpu)
                measured[way].threads += len(started)
    return measured


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--delay", type=float, default=0.2, help="seconds until the server answers")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print("| provider | bare SDK ms | ours ms | ratio | 32 threads ms | threads started | CPU ms a call |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    with server(given.delay) as port:
        for provider in PROVIDERS:
            url = f"http://127.0.0.1:{port}{PATHS[provider]}"
            asked = measure(provider, url, calls=given.calls, rounds=given.rounds, ways=tuple(WAYS))
            print(_row(provider, asyncio.run(asked), given.calls))


def _row(provider: str, measured: dict[str, Measured], calls: int) -> str:
    sdk, toolkit, pool = (measured[way] for way in WAYS)
    cpus = " / ".join(f"{each.cpu_s * 1000 / calls:.2f}" for each in (sdk, toolkit, pool))
    walls = " | ".join(f"{each.wall_s * 1000:.0f}" for each in (sdk, toolkit))
    ratio = toolkit.wall_s / sdk.wall_s
    return f"| {provider} | {walls} | {ratio:.2f} | {pool.wall_s * 1000:.0f} | {toolkit.threads} | {cpus} |"


if __name__ == "__main__":
    main()
