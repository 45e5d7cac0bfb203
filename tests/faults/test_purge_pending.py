"""A process killed between an erasure and the rewriting of the files: the next one finishes it (X08)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.core.forgetting import Forgetting
from hmlr.memory.intake import new_chunks
from hmlr.memory.purging import Purging
from hmlr.records import Check, UserId
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.doors import door, settled

pytestmark = [pytest.mark.faults, pytest.mark.security, pytest.mark.timeout(60)]

ROOT = Path(__file__).parents[2]
CANARY, KEPT = "xylophonequartz", "marmaladekept"
# Forgets a turn and is killed where the purge comes to the named function.
PROGRAM = """
import asyncio, os, signal, sys
from pathlib import Path
from hmlr import Message
from hmlr.store.sqlite import purge as sqlite_purge
from tests.faults.doors import door, settled

async def main():
    async with door(Path(sys.argv[1])) as hmlr:
        texts = ["The xylophonequartz is mine.", "The marmaladekept is here."]
        await hmlr.remember([Message(content=text) for text in texts])
        await settled(hmlr)
        setattr(sqlite_purge, sys.argv[2], lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        await hmlr.forget(turn_id=(await hmlr.turns())[0].turn_id)

asyncio.run(main())
"""


def traces(path: Path, word: str = CANARY) -> list[str]:
    """The files in which the word stands, in any case."""
    files = path.parent.glob("memory.db*")
    return [file.name for file in files if word.encode() in file.read_bytes().lower()]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HMLR_EMBEDDER": "none"}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )


async def erasure(hmlr: HMLRClient) -> Check:
    return next(check for check in (await hmlr.health()).checks if check.name == "erasure")


@pytest.mark.parametrize("where", ["purge", "_cut_log"])
def test_the_next_process_of_any_user_rewrites_the_files(db_path: Path, where: str) -> None:
    killed = run("-c", PROGRAM, str(db_path), where)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert traces(db_path)  # or this would show nothing
    done = run("main.py", "stats", "--db", str(db_path), "--user", "bob")
    assert done.returncode == 0, done.stderr
    assert traces(db_path) == []
    assert traces(db_path, KEPT)


@pytest.fixture
async def reader(db_path: Path) -> AsyncIterator[SqliteStore]:
    """Another program on the same file."""
    store = await open_sqlite(db_path, slicer=new_chunks)
    yield store
    await store.aclose()


async def test_doctor_names_it_while_it_is_pending(db_path: Path, reader: SqliteStore) -> None:
    async with door(db_path) as hmlr:
        await hmlr.remember([Message(content=f"The {CANARY} is mine."), Message(content="Hello")])
        await settled(hmlr)
        assert (await erasure(hmlr)).ok
        reading = reader.export(UserId("ada"))
        await anext(reading)
        store = hmlr._member.services.store
        forgetting = asyncio.create_task(hmlr.forget(turn_id=(await hmlr.turns())[0].turn_id))
        while not await store.purge_pending():
            await asyncio.sleep(0.01)
        check = await erasure(hmlr)
        assert (check.ok, bool(check.remedy)) == (False, True)
        await reading.aclose()
        assert (await forgetting).verified
        assert (await erasure(hmlr)).ok
    assert traces(db_path) == []


async def test_what_a_reader_held_up_for_long_goes_on_in_the_background(
    db_path: Path, reader: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hmlr.memory.purging.TRIES", 1)
    async with door(db_path) as hmlr:
        member = hmlr._member
        purging = member._purging = Purging(member.services.store, retry_s=0.05)
        member._forgetting = Forgetting(member.services, UserId("ada"), purging)
        await hmlr.remember([Message(content=f"The {CANARY} is mine."), Message(content="Hello")])
        await settled(hmlr)
        reading = reader.export(UserId("ada"))
        await anext(reading)
        assert not (await hmlr.forget(turn_id=(await hmlr.turns())[0].turn_id)).verified
        await reading.aclose()
        assert purging._task is not None
        await asyncio.wait_for(purging._task, 10)
        assert traces(db_path) == []
        assert (await erasure(hmlr)).ok
