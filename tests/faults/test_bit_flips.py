"""One byte of a file is another one: no crash, no wrong text in silence, and `doctor` finds it (F09).

A backup is refused, or what is restored from it is what was in it.

Each byte is as likely as any other that is used (tests/faults/pages.py). Of the log those count that are
read: the frames of all transactions but the last, which a loss of power may have torn as well.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from hmlr.client.restoring import restore_backup
from hmlr.errors import HMLRError
from hmlr.memory.intake import new_chunks
from hmlr.records import TurnId, UserId
from hmlr.store import schema
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from hmlr.testing import hash_embedder
from tests.faults.doors import door, settled
from tests.faults.figures import figure
from tests.faults.pages import used
from tests.gardens import sow
from tests.store.making import turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

USERS = ("ada", "bob")
Files = dict[str, bytes]
MISSED = figure(2, 10)  # 1 % at most; among few, chance has its say
# Columns in no index, and what else shows that one has changed: a digest, a checksum, another column.
SHOWN_OTHERWISE = {
    "users": {"last_seq"},  # turns missing or beyond it
    "messages": {"content", "sha256", "speaker_key"},
    "chunks": {"start", "end", "term_count", "terms", "asks", "of_self"},
    "vectors": {"dim", "data", "tokens", "pieces"},
    "models": {"model_no"},  # a row for each model
    "blocks": {"version", "turn_count", "started_at", "last_at"},
    "facts": {"subject", "quote", "start", "end"},
    # Soon gone, and changed too often to write each change twice.
    "jobs": {"attempts", "due_at", "lease_until", "token", "held", "error"},
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory of everything there is: turns, facts, topics, vectors, dossiers, edits."""
    path = tmp_path_factory.mktemp("sound") / "memory.db"
    asyncio.run(fill(path))
    return path


async def fill(path: Path) -> None:
    for user, blocks in zip(USERS, (6, 3), strict=True):
        await sow(path, blocks, user=user)
    async with door(path, embedder=hash_embedder()) as hmlr:
        await settled(hmlr)
        await hmlr.garden(all_users=True)
        await hmlr.chat("I live in Oslo and I am a vegetarian.", session_id="s9")
        await settled(hmlr)
        await hmlr.correct((await hmlr.facts())[0].fact_id, "Bergen")
        await hmlr.rename_block((await hmlr.blocks())[0].block_id, "Renamed")
        await settled(hmlr)


async def texts(path: Path) -> set[str]:
    """What was said, of all users."""
    found: set[str] = set()
    store = await open_sqlite(path, slicer=new_chunks)
    try:
        for user in USERS:
            for stored in await store.turns(UserId(user), TurnQuery()):
                found |= {each.content for each in stored.messages}
    finally:
        await store.aclose()
    return found


async def findings(path: Path) -> list[str]:
    """What doctor says is wrong, or that it can't be opened."""
    try:
        store = await open_sqlite(path, slicer=new_chunks)
    except HMLRError as error:
        return [type(error).__name__]
    try:
        return [check.name for check in await store.check() if not check.ok]
    finally:
        await store.aclose()


def flipped(data: bytes, at: int, dice: random.Random) -> bytes:
    return data[:at] + bytes([data[at] ^ dice.randrange(1, 256)]) + data[at + 1 :]


def put(path: Path, files: Files) -> None:
    for name, data in files.items():
        (path.parent / name).write_bytes(data)
        (path.parent / name).chmod(0o600)


async def in_silence(room: Path, files: Files) -> tuple[list[str], set[str]]:
    """What doctor finds in files, and what is read from them by itself."""
    path = room / "memory.db"
    put(path, files)
    found = await findings(path)
    for each in room.iterdir():
        each.unlink()
    put(path, files)
    try:
        read = await texts(path)
    except HMLRError:
        read = set()
    for each in room.iterdir():
        each.unlink()
    return found, read


def flips(path: Path, dice: random.Random, count: int) -> Iterator[tuple[str, bytes]]:
    """The database with one used byte changed, again and again, and whose byte it is."""
    data, places = path.read_bytes(), used(path)
    for place in dice.choices(places, [each.last - each.first for each in places], k=count):
        yield place.owner, flipped(data, dice.randrange(place.first, place.last), dice)


def rows(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is in a database but the full-text index."""
    with closing(sqlite3.connect(path)) as raw:
        return {
            name: raw.execute(str(select(table).order_by(*table.primary_key))).fetchall()
            for name, table in schema.metadata.tables.items()
        }


async def test_a_changed_byte_of_the_database_is_found(sound: Path, tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    said, count = await texts(sound), figure(25, 1000)
    unseen = Counter[str]()
    for owner, bad in flips(sound, random.Random(9), count):
        found, read = await in_silence(room, {"memory.db": bad})
        assert read <= said
        unseen[owner] += not found
    missed = +unseen
    print(f"F09 database: {count - missed.total()} of {count} found; not found {dict(missed)}")
    assert missed.total() <= MISSED, missed


def test_each_column_is_in_an_index_or_is_shown_otherwise(sound: Path) -> None:
    with closing(sqlite3.connect(sound)) as raw:
        indexed = raw.execute(
            "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_index_list(t.name) i "
            "JOIN pragma_index_info(i.name) c WHERE t.type = 'table'"
        ).fetchall()
    for table in schema.metadata.tables.values():
        numbers = {each.name for each in table.primary_key}  # of rows, for the others' entries to name
        alone = {each.name for each in table.c} - {name for of, name in indexed if of == table.name} - numbers
        assert alone == SHOWN_OTHERWISE.get(table.name, set()), table.name


async def test_a_changed_byte_of_a_backup_is_refused_or_restored_as_it_was(
    sound: Path, tmp_path: Path
) -> None:
    memory, copy = tmp_path / "memory.db", tmp_path / "copy.db"
    shutil.copy(sound, memory)
    async with door(memory) as hmlr:
        await hmlr.backup(copy)
    restored, bad_copy = tmp_path / "restored.db", tmp_path / "bad.db"
    await restore_backup(copy, restored)
    whole, count = rows(restored), figure(25, 1000)
    refused, other = 0, Counter[str]()
    for owner, bad in flips(copy, random.Random(11), count):
        bad_copy.write_bytes(bad)
        for each in tmp_path.glob("restored.db*"):
            each.unlink()
        try:
            await restore_backup(bad_copy, restored)
        except HMLRError:
            refused += 1
        else:
            other[owner] += rows(restored) != whole
    wrong = +other
    same = count - refused - wrong.total()
    print(f"F09 backup: {refused} of {count} refused, {same} restored as they were, others {dict(wrong)}")
    assert wrong.total() <= MISSED, wrong


async def test_a_changed_byte_of_the_log_is_found(sound: Path, tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    shutil.copy(sound, path)
    log = path.with_name("memory.db-wal")
    store = await open_sqlite(path, slicer=new_chunks)
    for number in range(20):
        await store.add_turns(UserId("ada"), [turn(f"Said {number}.", turn_id=TurnId(f"late{number:02}"))])
        if number == 18:
            end = log.stat().st_size
    files = {each.name: each.read_bytes() for each in (path, log)}
    await store.aclose()
    said = await texts(path)
    room = tmp_path / "room"
    room.mkdir()
    dice, count, unseen = random.Random(10), figure(10, 1000), 0
    for _ in range(count):
        bad = flipped(files[log.name], dice.randrange(32, end), dice)
        found, read = await in_silence(room, files | {log.name: bad})
        assert read <= said
        unseen += not found
    assert not unseen
    print(f"F09 log: {count - unseen} of {count} found")
