"""Servers and workers on one database, each a process as a user starts it, to be killed and started again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from tests.processes import ROOT
from tests.server.serving import NO_PAGE

ANSWER_S = 300.0  # then a call has failed: a busy machine may take its time


@dataclass(kw_only=True)
class Life:
    """One process, from its start to its end."""

    process: subprocess.Popen[str]
    log: Path
    url: str = ""  # of a server
    killed: bool = False  # from a moment before the signal
    client: httpx.AsyncClient | None = None

    async def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.killed = True
        self.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self.process.communicate)

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(self.process.communicate)
        return self.process.returncode

    def troubles(self) -> Iterator[tuple[float, str]]:
        """Lines of its log that tell of errors, with Unix times: JSON of a server, text of a worker."""
        at = 0.0
        for line in self.log.read_text(encoding="utf-8").splitlines():
            at = _time_of(line) or at
            if _is_trouble(line):
                yield at, f"{self.log.name}: {line}"


class Pulse:
    """Knows when this machine stood still: what timed out then says nothing about the programs."""

    STILL_S = 3.0  # without a beat
    AFTER_S = 15.0  # for so long afterwards things are sorted out

    def __init__(self) -> None:
        self.gaps: list[tuple[float, float]] = []  # Unix times
        self._last = time.time()

    def beat(self) -> None:
        """To be called all the time."""
        now = time.time()
        if now - self._last > self.STILL_S:
            self.gaps.append((self._last, now))
        self._last = now

    async def go_on(self) -> None:
        """Beat until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(0.2)

    def stood_still(self, begun: float, ended: float) -> bool:
        """Whether what lasted from then to then may have suffered."""
        self.beat()
        return any(start <= ended and begun <= end + self.AFTER_S for start, end in self.gaps)


@dataclass(kw_only=True)
class Fleet:
    """Two places for servers and two for workers; the latest life of each, and all that were."""

    database: str
    folder: Path
    environment: dict[str, str]
    servers: list[Life] = field(default_factory=list)
    workers: list[Life] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    pulse: Pulse = field(default_factory=Pulse)

    async def start(self, count: int) -> None:
        """Start so many of each, side by side."""
        starting = [self._server("0") for _ in range(count)], [self._worker() for _ in range(count)]
        self.servers, self.workers = [list(await asyncio.gather(*kind)) for kind in starting]

    async def again(self, server: int, worker: int) -> None:
        """Start those that were killed in these places; the server on its port."""
        port = self.servers[server].url.rpartition(":")[2]
        lives = await asyncio.gather(self._server(port), self._worker())
        self.servers[server], self.workers[worker] = lives

    async def _server(self, port: str) -> Life:
        life = self._begin("serve", "--port", port)
        life.url = (await _said(life, "HMLR serves")).rpartition(" on ")[2].strip()
        limits = httpx.Limits(max_connections=None)
        life.client = httpx.AsyncClient(base_url=life.url, timeout=ANSWER_S, trust_env=False, limits=limits)
        return life

    async def _worker(self) -> Life:
        life = self._begin("worker", "--every", "1")
        await _said(life, "working on")
        return life

    def _begin(self, *command: str) -> Life:
        log = self.folder / f"{command[0]}-{len(self.lives)}.log"
        with log.open("w", encoding="utf-8") as stderr:
            process = subprocess.Popen(
                (sys.executable, "main.py", *command, "--db", self.database),
                cwd=ROOT, env={**os.environ, **NO_PAGE, **self.environment},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True,
            )  # fmt: skip
        self.lives.append(Life(process=process, log=log))
        return self.lives[-1]

    def troubles(self) -> list[str]:
        """What the logs of all tell of errors, but of those while the machine stood still."""
        told = [each for life in self.lives for each in life.troubles()]
        return [line for at, line in told if not self.pulse.stood_still(at, at)]

    async def aclose(self) -> None:
        """Kill what runs."""
        for life in self.lives:
            if life.process.poll() is None:
                await life.kill()
            if life.client is not None:
                await life.client.aclose()


@asynccontextmanager
async def fleet(database: str, folder: Path, *, count: int, **environment: str) -> AsyncIterator[Fleet]:
    """So many servers and workers, all of them ended with the block."""
    made = Fleet(database=database, folder=folder, environment=environment)
    beating = asyncio.create_task(made.pulse.go_on())
    try:
        await made.start(count)
        yield made
    finally:
        beating.cancel()
        await made.aclose()


async def _said(life: Life, words: str) -> str:
    """The first line of its output, which begins like this."""
    assert life.process.stdout is not None
    line = await asyncio.to_thread(life.process.stdout.readline)
    assert line.startswith(words), life.log.read_text(encoding="utf-8")
    return line


def _is_trouble(line: str) -> bool:
    if line.startswith("{"):
        return bool(json.loads(line)["level"] in ("error", "critical"))
    return " ERROR " in line or " CRITICAL " in line or line.startswith("Traceback")


def _time_of(line: str) -> float | None:
    try:
        if line.startswith("{"):
            return datetime.fromisoformat(json.loads(line)["at"]).timestamp()
        return datetime.strptime(line[:19], "%Y-%m-%d %H:%M:%S").astimezone().timestamp()
    except ValueError:  # a line of a traceback
        return None
