"""One byte of a file is another one: no crash, no wrong text in silence, and `doctor` finds it (F09).

Each byte is as likely as any other that is used (tests/faults/pages.py). Of the log those count that are
read: the frames of all transactions but the last, which a loss of power may have torn as well.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from hmlr.errors import HMLRError
from hmlr.memory.intake import new_chunks
from hmlr.records import TurnId, UserId
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
# Rows that nothing else says: a byte of a column that is in no index goes unseen.
ONLY_SAID_ONCE = {
    "dossiers", "facts", "dossier_events", "dossier_entries", "messages", "fact_events", "garden_images",
    "edits", "blocks", "tags", "turns", "garden_runs", "users", "jobs", "day_spending", "sqlite_master",
    "turn_blocks", "sqlite_sequence",
}  # fmt: skip


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


async def test_a_changed_byte_of_the_database_is_found(sound: Path, tmp_path: Path) -> None:
    room = tmp_path / "room"
    room.mkdir()
    data, said, places = sound.read_bytes(), await texts(sound), used(sound)
    dice, count = random.Random(9), figure(25, 1000)
    unseen, tried = Counter[str](), Counter[str]()
    for place in dice.choices(places, [each.last - each.first for each in places], k=count):
        tried[place.owner] += 1
        bad = flipped(data, dice.randrange(place.first, place.last), dice)
        found, read = await in_silence(room, {"memory.db": bad})
        assert read <= said
        unseen[place.owner] += not found
    missed = {name: number for name, number in unseen.items() if number}
    assert missed.keys() <= ONLY_SAID_ONCE
    print(f"F09 database: {count - unseen.total()} of {count} found; not found {missed} of {dict(tried)}")


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
