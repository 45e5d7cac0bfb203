"""Backups (F11): of one moment while others write, checked before they appear, and the way back."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import sqlite3
import stat
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.client.restoring import restore_backup
from hmlr.errors import InvalidInput, StorageBusy, StorageCorrupt
from hmlr.store.care_records import ErasePlan
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from tests.faults.doors import Clock, door, said
from tests.faults.figures import figure
from tests.faults.test_store_kill import Told, start
from tests.store.aging import age
from tests.store.making import ADA, later, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

ROUNDS, BACKUPS = figure(1, 20), figure(3, 10)
CANARY = "zanzibarcobalt"  # its stem is the word itself


@contextmanager
def writing(path: Path) -> Iterator[tuple[Told, subprocess.Popen[str]]]:
    """Another process writes by four callers at once; what it has told so far."""
    told, process = Told(), start(path, "w")

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told.take(line)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield told, process
    finally:
        process.kill()
        listener.join()
        with process:  # closes its pipe
            pass


def digest(turns: list[tuple[str, int, str]]) -> str:
    return hashlib.sha256(repr(turns).encode()).hexdigest()


async def contents(path: Path) -> list[tuple[str, int, str]]:
    """Every turn, in order, after a look at the whole file."""
    store = await open_sqlite(path, slicer=slices)
    try:
        assert [check for check in await store.check() if not check.ok] == []
        turns = await store.turns(ADA, TurnQuery())
        return [(each.turn_id, each.seq, each.messages[0].content) for each in turns]
    finally:
        await store.aclose()


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_a_backup_under_load_is_what_had_been_stored_at_one_moment(
    db_path: Path, tmp_path: Path, number: int
) -> None:
    kept: list[tuple[int, str]] = []  # of each backup, how many turns and their digest
    with writing(db_path) as (told, process):
        async with door(db_path) as hmlr:
            while not told.stored:
                await asyncio.sleep(0.01)
            for place in range(BACKUPS):
                copy, memory = tmp_path / f"copy{place}.db", tmp_path / f"back{place}.db"
                before = set(told.stored.values())
                made = await hmlr.backup(copy)
                after = set(told.asked)
                done = await restore_backup(copy, memory)
                found = await contents(memory)
                assert (made.turns, done.turns) == (len(found), len(found))
                assert before <= {turn_id for turn_id, *_ in found} <= after
                kept.append((len(found), digest(found)))
                for file in tmp_path.glob(f"*{place}.db*"):
                    file.unlink()
        assert process.poll() is None
    everything = await contents(db_path)
    print(f"F11: {BACKUPS} backups in each round, while a process wrote")
    assert kept == [(count, digest(everything[:count])) for count, _ in kept]
    assert kept[-1][0] > kept[0][0] > 0


@pytest.fixture
async def hmlr(db_path: Path) -> AsyncIterator[HMLRClient]:
    async with door(db_path) as client:
        await client.remember([Message(content=f"Note {number} of {CANARY}") for number in range(5)])
        yield client


@pytest.fixture
async def copy(hmlr: HMLRClient, tmp_path: Path) -> Path:
    """A backup of that memory, which is closed now."""
    path = tmp_path / "out" / "copy.db"
    path.parent.mkdir()
    await hmlr.backup(path)
    await hmlr.aclose()
    return path


async def test_a_backup_is_one_private_file(hmlr: HMLRClient, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    before = os.umask(0)
    try:
        made = await hmlr.backup(folder / "copy.db")
    finally:
        os.umask(before)
    (only,) = folder.iterdir()
    assert stat.S_IMODE(only.stat().st_mode) == 0o600
    assert (made.path, made.bytes, made.users, made.turns, made.messages) == (
        str(only),
        only.stat().st_size,
        1,
        5,
        5,
    )


@pytest.mark.security
async def test_what_was_deleted_is_in_no_page_of_a_backup(db_path: Path, tmp_path: Path) -> None:
    """Also when the process was killed before it rewrote the files."""
    store = await open_sqlite(db_path, slicer=slices)
    stored = await store.add_turns(ADA, [turn(f"My {CANARY} number {number}") for number in range(300)])
    await store.add_turns(ADA, [turn("What stays")])
    ids = tuple(each.turn_id for each in stored)
    await store.erase(ADA, ErasePlan(scope="session", target="s1", turn_ids=ids), now=later(days=1))
    assert await store.purge_pending()
    await store.backup(tmp_path / "copy.db", overwrite=False)
    await store.aclose()
    assert CANARY.encode() in db_path.read_bytes()
    assert CANARY.encode() not in (tmp_path / "copy.db").read_bytes()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as raw:
        assert raw.execute("SELECT count(*) FROM chunk_postings").fetchone() == (1,)
        assert raw.execute("PRAGMA freelist_count").fetchone() == (0,)


async def test_what_can_be_no_backup_is_refused(hmlr: HMLRClient, db_path: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"a diary")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link.db").symlink_to(there)
    for name, words in {
        "there.db": "--overwrite",
        "memory.db": "memory itself",
        "memory.db-wal": "memory itself",
        "folder": "no regular file",
        "link.db": "no regular file",
        "nowhere/copy.db": "no folder",
    }.items():
        for overwrite in (False, True):
            if (name, overwrite) != ("there.db", True):
                with pytest.raises(InvalidInput, match=words):
                    await hmlr.backup(tmp_path / name, overwrite=overwrite)
    assert there.read_bytes() == b"a diary"
    await hmlr.backup(there, overwrite=True)
    assert there.read_bytes().startswith(b"SQLite")
    assert not list(tmp_path.glob(".*"))
    assert len(await said(hmlr)) == 5


async def test_a_copy_that_is_not_sound_is_no_backup(hmlr: HMLRClient, db_path: Path, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_bytes(b"the backup of yesterday")
    with closing(sqlite3.connect(db_path)) as raw, raw:
        raw.execute("UPDATE messages SET content = replace(content, 'Note', 'Lies') WHERE message_no = 3")
    with pytest.raises(StorageCorrupt, match="digest"):
        await hmlr.backup(there, overwrite=True)
    assert there.read_bytes() == b"the backup of yesterday"
    assert not list(tmp_path.glob(".*"))


async def test_a_memory_that_is_open_is_not_replaced(copy: Path, db_path: Path) -> None:
    async with door(db_path) as open_one:
        with pytest.raises(StorageBusy, match="open"):
            await restore_backup(copy, db_path, overwrite=True)
        await open_one.remember([Message(content="Still here")])
        assert len(await said(open_one)) == 6
    assert not list(db_path.parent.glob("*replaced*"))
    assert not list(db_path.parent.glob(".*"))


async def test_a_memory_is_replaced_only_when_that_is_said_and_is_kept(copy: Path, db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await hmlr.remember([Message(content="After the backup")])
        turns = await hmlr.turns()
        await hmlr.forget(turn_id=turns[0].turn_id)
        token = await hmlr.access.issue()
    with pytest.raises(InvalidInput, match="--overwrite"):
        await restore_backup(copy, db_path)
    done = await restore_backup(copy, db_path, overwrite=True)
    assert done.kept is not None
    assert done.forgotten is not None
    assert [(each.scope, each.target) for each in done.forgotten] == [("turn", turns[0].turn_id)]
    assert done.last_recorded_at == max(each.messages[0].recorded_at for each in turns[:5])
    async with door(Path(done.kept)) as kept, door(db_path) as hmlr:
        assert (await said(kept))[-1] == "After the backup"
        assert len(await said(hmlr)) == 5
        assert all(check.ok for check in (await hmlr.health()).checks)
        assert len(await hmlr.recall(CANARY)) == 5
        assert await kept.access.holder(token.secret)
        assert await hmlr.access.tokens() == []


async def test_a_revoked_token_does_not_come_back(hmlr: HMLRClient, tmp_path: Path) -> None:
    token = await hmlr.access.issue()
    await hmlr.backup(tmp_path / "copy.db")
    await restore_backup(tmp_path / "copy.db", tmp_path / "back.db")
    async with door(tmp_path / "back.db") as back:
        assert await back.access.holder(token.secret) is None


async def test_a_log_that_lies_where_the_memory_will_be_is_not_taken_for_its_own(
    copy: Path, tmp_path: Path
) -> None:
    store = await open_sqlite(tmp_path / "lost.db", slicer=slices)
    await store.add_turns(ADA, [turn("Of another memory")])
    shutil.copy(tmp_path / "lost.db-wal", tmp_path / "new.db-wal")
    await store.aclose()
    await restore_backup(copy, tmp_path / "new.db")
    assert not (tmp_path / "new.db-wal").exists()
    async with door(tmp_path / "new.db") as hmlr:
        assert len(await said(hmlr)) == 5


async def test_a_damaged_memory_is_replaced_and_kept_with_its_log(copy: Path, db_path: Path) -> None:
    db_path.write_bytes(b"no database at all")
    db_path.with_name("memory.db-wal").write_bytes(b"its log")
    done = await restore_backup(copy, db_path, overwrite=True)
    assert done.forgotten is None
    assert done.kept is not None
    assert Path(done.kept).read_bytes() == b"no database at all"
    assert Path(done.kept + "-wal").read_bytes() == b"its log"
    async with door(db_path) as hmlr:
        assert len(await said(hmlr)) == 5


@pytest.mark.parametrize("revision", ["0002", "0004", "0005"])
async def test_a_backup_of_an_earlier_version_is_brought_to_this_one(
    copy: Path, tmp_path: Path, revision: str
) -> None:
    await asyncio.to_thread(age, copy, revision=revision)
    before = copy.read_bytes()
    done = await restore_backup(copy, tmp_path / "back.db")
    assert copy.read_bytes() == before
    assert done.turns == 5
    async with door(tmp_path / "back.db", clock=Clock()) as hmlr:
        assert (await said(hmlr))[0] == f"Note 0 of {CANARY}"
        assert len(await hmlr.recall(CANARY)) == 5


@pytest.mark.security
async def test_a_crafted_index_is_made_anew(copy: Path, tmp_path: Path) -> None:
    """It says which words stand where, and of whom: nobody's word for that is taken."""
    with closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute("INSERT INTO chunk_terms (rowid, t) VALUES (7, '1:crafted')")
    await restore_backup(copy, tmp_path / "back.db")
    with closing(sqlite3.connect(tmp_path / "back.db")) as raw:
        assert raw.execute("SELECT count(*) FROM chunk_postings WHERE term LIKE '%crafted%'").fetchone() == (
            0,
        )


async def test_a_backup_is_not_its_own_memory(copy: Path) -> None:
    with pytest.raises(InvalidInput, match="memory itself"):
        await restore_backup(copy, copy, overwrite=True)
    with pytest.raises(InvalidInput, match="does not exist"):
        await restore_backup(copy.with_name("absent.db"), copy.parent / "new" / "new.db")
    assert list(copy.parent.iterdir()) == [copy]
