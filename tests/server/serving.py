"""A server in a process of its own, as a user starts it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hmlr import HMLRClient
from hmlr.testing import hash_embedder
from tests import processes
from tests.processes import MAIN, ROOT

NO_PAGE = {"HMLR_SERVER_PAGE": "false"}  # its packages take a second to load


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server and the token of its first start."""

    url: str
    token: str
    db: Path
    log: Path
    process: subprocess.Popen[str]
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, token: str | None = None, **headers: str) -> httpx.Client:
        """An HTTP client with a token."""
        head = {"Authorization": f"Bearer {token or self.token}", **headers}
        client = httpx.Client(base_url=self.url, headers=head, timeout=30, trust_env=False)
        self.clients.append(client)  # closed with the server
        return client

    def new_token(self, user: str | None) -> str:
        """Make a token for a user or an administrator, as `token create` does, at once."""

        async def issue() -> str:
            async with HMLRClient(self.db, model="offline", embedder=hash_embedder()) as hmlr:
                return (await hmlr.access.issue(user_id=user)).secret

        with ThreadPoolExecutor(1) as thread:  # its own event loop: the caller may run in one
            return thread.submit(asyncio.run, issue()).result()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """One command of the command line; CalledProcessError when it fails."""
    done = processes.run((MAIN, *arguments), env=_environment(environment), cwd=ROOT)
    done.check_returncode()
    return done


@contextmanager
def server(db: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """Start `serve` on a free port, and stop it at the end."""
    log = db.with_suffix(".log")
    with log.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            (sys.executable, "main.py", "serve", "--db", str(db), "--port", "0", *arguments),
            cwd=ROOT,
            env=_environment(environment),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("HMLR serves"), log.read_text(encoding="utf-8")
        file = Path(process.stdout.readline().removeprefix("token: ").strip())
        token = file.read_text(encoding="ascii").strip() if file.is_file() else ""
        url = said.split(" on ")[-1].strip()
        served = Served(url=url, token=token, db=db, log=log, process=process)
        yield served
        for client in served.clients:
            client.close()
    finally:
        process.kill()
        process.communicate()


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "HMLR_MODEL": "offline",
        "HMLR_EMBEDDER": "none",
        "PYTHONUNBUFFERED": "1",
        **NO_PAGE,
        **more,
    }
