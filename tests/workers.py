"""Worker processes for tests and benchmarks, at the price of a fork; see `tests/worker_parent.py`."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any


class Workers:
    """Starts and ends workers on one memory."""

    def __init__(self, parent: subprocess.Popen[str], place: Path | str, settings: dict[str, Any]) -> None:
        self._parent = parent
        self._settings = {"db_path": str(place), "durability": "fast", **settings}
        self.running: list[int] = []

    def start(
        self,
        *,
        delay_s: float = 0.0,
        concurrency: int = 2,
        every_s: float = 3600.0,
        queues: Sequence[str] = ("garden",),
        calls: str = "",
    ) -> int:
        """Start one; its process id. `delay_s` is what a call of the model takes."""
        job = {
            "settings": self._settings,
            "delay_s": delay_s,
            "shift": {"concurrency": concurrency, "every_s": every_s, "queues": list(queues)},
            "calls": calls,
        }
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(job) + "\n")
        self._parent.stdin.flush()
        self.running.append(int(self._parent.stdout.readline()))
        return self.running[-1]

    def end(self, pid: int, how: signal.Signals = signal.SIGKILL, *, wait_s: float = 30.0) -> float:
        """Send a signal and wait for the end; the seconds that it took."""
        self.running.remove(pid)
        begun = time.monotonic()
        os.kill(pid, how)
        while is_there(pid):
            assert time.monotonic() - begun < wait_s, "the worker does not end"
            time.sleep(0.01)
        return time.monotonic() - begun


def is_there(pid: int) -> bool:
    """Whether the process lives; the parent reaps those that ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def workers(place: Path | str, **settings: Any) -> Iterator[Workers]:
    """Workers on the memory there, killed at the end of the block."""
    started = Workers(_parent(), place, settings)
    try:
        yield started
    finally:
        for pid in list(started.running):
            if is_there(pid):
                started.end(pid)


@cache
def _parent() -> subprocess.Popen[str]:
    """The process that forks, for as long as this one lives."""
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.worker_parent"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    atexit.register(parent.communicate)
    return parent
