"""A process is killed while it brings an old database to the newest schema: at every statement, and at every
call to the disk. The database is the old one or the new one, and the next opening finishes (F12).
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hmlr.errors import SchemaTooNew
from hmlr.memory.intake import new_chunks
from hmlr.store.schema import HEAD
from hmlr.store.sqlite.store import open_sqlite
from hmlr.testing import hash_embedder
from tests.faults.disk import available
from tests.faults.doors import door, settled
from tests.faults.figures import FULL
from tests.gardens import sow
from tests.store.aging import REVISIONS, age

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

KINDS = ("statement", "call") if available() else ("statement",)
# What no revision has changed.
KEPT = tuple(
    f'INSERT INTO "{name}"'
    for name in ("turns", "messages", "turn_blocks", "blocks", "facts", "fact_events", "edits")
)
State = list[str]  # the schema and every row, as SQL


def state(path: Path) -> State:
    with closing(sqlite3.connect(path)) as raw, closing(sqlite3.connect(":memory:")) as copied:
        raw.backup(copied)
        tables = [str(row) for row in copied.execute("SELECT sql FROM sqlite_master ORDER BY name")]
        for name in ("chunk_postings", "chunk_terms"):  # which Python's dump can't read; doctor looks at them
            copied.execute(f"DROP TABLE {name}")
        return tables + list(copied.iterdump())


def kept(lines: State) -> State:
    return [line for line in lines if line.startswith(KEPT)]


def stamped(lines: State) -> str:
    """The revision."""
    (line,) = [line for line in lines if line.startswith('INSERT INTO "alembic_version"')]
    return line.split("'")[1]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "memory.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    await sow(path, 3)
    async with door(path, embedder=hash_embedder()) as hmlr:
        await settled(hmlr)


Opener = Callable[[str, int, Path], str]  # opens a database and is killed at that; what it says then


@pytest.fixture(scope="module")
def opener() -> Iterator[Opener]:
    command = [sys.executable, "-m", "tests.faults.killed_opener"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as it:
        assert it.stdin is not None
        assert it.stdout is not None
        write, read = it.stdin.write, it.stdout.readline

        def ask(kind: str, number: int, path: Path) -> str:
            write(f"{kind} {number} {path}\n")
            return read().strip()

        yield ask
        it.stdin.close()


def copy(path: Path, room: Path) -> Path:
    room.mkdir()
    return Path(shutil.copy(path, room / path.name))


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_killed_migration_leaves_the_old_or_the_new(
    filled: Path, tmp_path: Path, opener: Opener, revision: str
) -> None:
    old = copy(filled, tmp_path / "old")
    await asyncio.to_thread(age, old, revision=revision)
    before = state(old)
    new = copy(old, tmp_path / "new")
    await reopen(new)
    after = state(new)
    assert (stamped(before), stamped(after)) == (revision, HEAD)
    assert kept(before) == kept(after)
    for kind in KINDS if FULL else KINDS[int(revision) % len(KINDS) :][:1]:
        ends = []
        there = int(await asyncio.to_thread(opener, kind, -1, copy(old, tmp_path / kind)))
        for number in range(there) if FULL else (2 * there // 3,):
            own = copy(old, tmp_path / f"{kind} {number}")
            assert await asyncio.to_thread(opener, kind, number, own) == "killed"
            ends.append([before, after].index(state(own)))  # one of the two
            await reopen(own)
            assert state(own) == after
            shutil.rmtree(own.parent)
        print(f"F12 {revision}: killed at {len(ends)} {kind}s, {sum(ends)} times the schema was new")


async def reopen(path: Path) -> None:
    store = await open_sqlite(path, slicer=new_chunks)
    assert all(check.ok for check in await store.check()), await store.check()
    await store.aclose()


async def test_a_newer_schema_is_refused_and_left_untouched(filled: Path, db_path: Path) -> None:
    shutil.copy(filled, db_path)
    with closing(sqlite3.connect(db_path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    before = db_path.read_bytes()
    with pytest.raises(SchemaTooNew, match="9999"):
        await open_sqlite(db_path, slicer=new_chunks)
    assert db_path.read_bytes() == before
    assert not db_path.with_name(db_path.name + "-wal").exists()
