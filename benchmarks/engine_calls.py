"""What the engine adds to a model's own time: one user's turn, and fifty at once, beside the bare SDK.

    python -m benchmarks.engine_calls

A server in a process of its own answers every call after 200 ms. The critical path of a turn is two calls
long: routing beside filtering, then the answer. The bare SDK sends the same bodies in the same order.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hmlr import HMLRClient
from hmlr.llm.settings import LLMSettings
from hmlr.settings import Settings
from hmlr.testing import hash_embedder

DELAY_S = 0.2
USERS = 50
ROUNDS = 3
QUESTION = "What did I say about the harbour walk?"
LEARNED = (
    "The harbour walk takes two hours.",
    "On the harbour walk we met Ada.",
    "Bring shoes for the walk.",
)
ANSWERS = {
    "Routing": '{"action": "new", "block_id": null, "label": "harbour walk", "keywords": []}',
    "Kept": '{"keep": [1, 2, 3]}',
    "FactDrafts": '{"facts": []}',
    "": "Two hours, and bring shoes.",
}


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection of OpenAI's protocol."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            )
            body = json.loads(await reader.readexactly(length))
            await asyncio.sleep(DELAY_S)
            writer.write(_reply(body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _reply(body: dict[str, Any]) -> bytes:
    schema = body.get("response_format", {}).get("json_schema", {}).get("name", "")
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    base = {"id": "c", "created": 1, "model": "m"}
    if body.get("stream"):
        chunks: list[dict[str, Any]] = [
            {"choices": [{"index": 0, "delta": {"content": ANSWERS[schema]}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {"choices": [], "usage": usage},
        ]
        data = "".join(f"data: {json.dumps({**base, **chunk})}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        kind = "text/event-stream"
    else:
        message = {"role": "assistant", "content": ANSWERS[schema]}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        data, kind = json.dumps({**base, "choices": [choice], "usage": usage}), "application/json"
    raw = data.encode()
    return f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}\r\n\r\n".encode() + raw


async def serve() -> None:
    """The server's process."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def client(url: str, path: Path, **llm: Any) -> HMLRClient:
    """A database whose model is the server."""
    models = LLMSettings.load(openai_base_url=url, **llm)
    settings = Settings.load(db_path=str(path), user="ada")
    return HMLRClient(model="openai:m", llm=models, settings=settings, embedder=hash_embedder())


async def learned(stack: AsyncExitStack, made: HMLRClient) -> HMLRClient:
    """A user with a little memory and no work left."""
    opened = await stack.enter_async_context(made)
    for text in LEARNED:
        await opened.chat(text)
    await opened.flush()
    return opened


async def bare(sdk: Any, bodies: list[dict[str, Any]]) -> None:
    """One turn's calls by the SDK alone: routing and filter together, then the streamed answer."""
    routing, kept, plain = bodies
    await asyncio.gather(sdk.chat.completions.create(**routing), sdk.chat.completions.create(**kept))
    stream = await sdk.chat.completions.create(**plain, stream=True, stream_options={"include_usage": True})
    async for _ in stream:
        pass


async def timed(*work: Any) -> tuple[float, float]:
    """Wall and CPU seconds of doing all of it at once."""
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*work)
    return time.perf_counter() - wall, time.process_time() - cpu


async def measure(url: str, folder: Path) -> None:
    """Print the table."""
    from openai import AsyncOpenAI

    sdk = AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
    async with AsyncExitStack() as stack:
        record = folder / "calls.jsonl"
        one = await learned(stack, client(url, folder / "one.db", record_path=str(record)))
        await one.chat(QUESTION)
        bodies = _bodies(record)
        alone = await learned(stack, client(url, folder / "alone.db"))
        print(f"{'':28}{'wall ms':>10}{'of critical path':>18}{'CPU ms a turn':>16}")
        singles = [await timed(alone.chat(f"{QUESTION} {round_}")) for round_ in range(ROUNDS)]
        _row("one user, engine", min(singles), 1, 2 * DELAY_S)
        await bare(sdk, bodies)
        _row(
            "one user, bare SDK", min([await timed(bare(sdk, bodies)) for _ in range(ROUNDS)]), 1, 2 * DELAY_S
        )
        host = await stack.enter_async_context(client(url, folder / "many.db"))
        made = (learned(stack, host.as_user(f"user{number}")) for number in range(USERS))
        users = await asyncio.gather(*made)
        many, plain = [], []
        for round_ in range(ROUNDS):
            many.append(await timed(*(user.chat(f"{QUESTION} {round_}") for user in users)))
            await asyncio.gather(*(user.flush() for user in users))
            plain.append(await timed(*(bare(sdk, bodies) for _ in range(USERS))))
        _row(f"{USERS} users, engine", min(many), USERS, min(plain)[0])
        _row(f"{USERS} users, bare SDK", min(plain), USERS, min(plain)[0])
        print(f"\none user: {min(singles)[0] / (2 * DELAY_S):.2f} x the critical path (aim: 1.10)")
        print(f"{USERS} users: {min(many)[0] / min(plain)[0]:.2f} x the bare SDK (aim: 1.50)")


def _row(name: str, measured: tuple[float, float], turns: int, path_s: float) -> None:
    wall, cpu = measured
    print(f"{name:28}{wall * 1000:10.0f}{wall / path_s:18.2f}{cpu / turns * 1000:16.1f}")


def _bodies(record: Path) -> list[dict[str, Any]]:
    """The last turn's routing, filter and answer as the SDK takes them."""
    from pydantic import TypeAdapter

    from hmlr.llm.providers.openai_wire import body_of
    from hmlr.llm.records import ChatRequest

    last: dict[str, dict[str, Any]] = {}
    for line in record.read_text(encoding="utf-8").splitlines():
        request = TypeAdapter(ChatRequest).validate_python(json.loads(line)["request"])
        last[request.task] = body_of(request, model="m", max_tokens_name="max_tokens")
    return [last["routing"], last["memory_filter"], last["answer"]]


def main() -> None:
    """Start the server, measure, stop it."""
    command = [sys.executable, "-m", "benchmarks.engine_calls", "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline()) if server.stdout else 0
        url = f"http://127.0.0.1:{port}/v1"
        try:
            with tempfile.TemporaryDirectory() as folder:
                asyncio.run(measure(url, Path(folder)))
        finally:
            server.terminate()


if __name__ == "__main__":
    asyncio.run(serve()) if "--serve" in sys.argv else main()
