"""A process that works under a limit of the system, and says how each call ended.

Usage: limited.py DATABASE (threads|memory|files) LIMIT (before|after): so many more threads or MB, or so many
open files, set before the memory is opened or after. Lines: "NAME ok", "NAME ours ERROR", "NAME other ERROR";
the last one, "limit reached" or "limit unused", says whether a thread was refused: what works without its
threads need not fail.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
import threading
from collections.abc import Awaitable
from pathlib import Path

from hmlr import HMLRClient, Message
from hmlr.errors import HMLRError
from hmlr.testing import hash_embedder
from tests.faults.doors import door

refused: list[str] = []
STACK = 1 << 30  # of a thread: so few fit that the address space counts them, also for root
SAID = "My sister Ruth plays the bassoon."


def limit(kind: str, count: int) -> None:
    """Take this process's threads, memory or files."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    if kind == "files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
        return
    if kind == "threads":
        threading.stack_size(STACK)
    room = count * STACK + STACK // 2 if kind == "threads" else count << 20
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))


def watch_threads() -> None:
    """Count the threads that the system refuses, whoever wanted them."""
    start = threading.Thread.start

    def watched(thread: threading.Thread) -> None:
        try:
            start(thread)
        except RuntimeError:
            refused.append(thread.name)
            raise

    threading.Thread.start = watched  # type: ignore[method-assign]


async def ended(name: str, call: Awaitable[object]) -> bool:
    """Say how the call ended; whether well."""
    try:
        await call
    except HMLRError as error:
        print(name, "ours", type(error).__name__, str(error), flush=True)
    except Exception as error:  # noqa: BLE001 - that is what the test looks for
        print(name, "other", repr(error), flush=True)
    else:
        print(name, "ok", flush=True)
        return True
    return False


async def work(path: Path, kind: str, count: int, *, before: bool) -> None:
    if before:
        limit(kind, count)
    hmlr: HMLRClient | None = None

    async def opened() -> None:
        nonlocal hmlr
        hmlr = await door(path, embedder=hash_embedder()).__aenter__()

    if not await ended("open", opened()) or hmlr is None:
        return
    padding = " and so on" * (50_000 if kind == "memory" else 0)
    notes = [
        Message(content=f"Note {number}.{padding}") for number in range(3)
    ]  # they are not what it is about
    if not before:
        limit(kind, count)
    for number in range(3):
        await ended(f"remember{number}", hmlr.remember([notes[number]]))
        await ended("recall", hmlr.recall("Who plays the bassoon?"))
        await ended(f"chat{number}", hmlr.chat(SAID))
    await ended("garden", hmlr.garden(include_active=True))
    await ended("health", hmlr.health())
    await ended("close", hmlr.aclose())


if __name__ == "__main__":
    watch_threads()
    loop = asyncio.new_event_loop()  # asyncio.run() itself starts a thread at its end
    loop.run_until_complete(
        work(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), before=sys.argv[4] == "before")
    )
    print("limit", "reached" if refused else "unused", flush=True)
    sys.stdout.flush()
    os._exit(0)
