"""A process that opens databases in children which are killed on the way.

Reads lines "statement NUMBER PATH" or "call NUMBER PATH": the child that opens the database kills itself when
it runs its SQL statement of that number, or asks the disk for its call of that number, counted from 0. Says
"killed", or how many there were when none has that number. It forks: to start Python anew takes longer.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hmlr.store.migrations.upgrade  # noqa: F401 - imported once, before the forks
from hmlr.memory.intake import new_chunks
from hmlr.store.sqlite.store import open_sqlite
from tests.faults.disk import watched


async def open_and_close(path: Path) -> None:
    store = await open_sqlite(path, slicer=new_chunks)
    await store.aclose()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class Counter:
    """Counts up to a number, at which this process dies."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.counted = 0

    def count(self) -> None:
        if self.counted == self._number:
            os.kill(os.getpid(), signal.SIGKILL)
        self.counted += 1


def count_statements(counter: Counter) -> None:
    """Count the statements of every connection that is opened from now on."""
    really = sqlite3.connect

    def connect(*given: Any, **named: Any) -> sqlite3.Connection:
        raw = really(*given, **named)
        raw.set_trace_callback(lambda _: counter.count())
        return raw

    sqlite3.connect = connect  # type: ignore[assignment]


def child(kind: str, number: int, path: Path) -> int:
    """Open it: how many there were."""
    counter = Counter(number)
    with ExitStack() as stack:
        if kind == "call":
            stack.enter_context(watched(path.parent)).arm(lambda *_: bool(counter.count()))
        else:
            count_statements(counter)
        asyncio.run(open_and_close(path))
    return counter.counted


def main() -> None:
    for line in sys.stdin:
        kind, number, path = line.rstrip("\n").split(" ", 2)
        process = os.fork()
        if process == 0:
            print(child(kind, int(number), Path(path)), flush=True)
            os._exit(0)
        _, status = os.waitpid(process, 0)
        if code := os.waitstatus_to_exitcode(status):
            print("killed" if code == -signal.SIGKILL else "failed", flush=True)


if __name__ == "__main__":
    main()
