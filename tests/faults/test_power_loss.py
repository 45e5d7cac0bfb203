"""The power goes at any moment: what was acknowledged is there, and nothing is ever damaged (F02).

What the store does to its files is recorded once, from the first opening to the last closing. Then, for each
of many moments, a disk is made as the loss of power may have left it, and opened.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from hmlr.records import BlockId, TurnId
from hmlr.store.care_records import ErasePlan
from hmlr.store.records import AddVectors, AssignTurn, FactQuery, NewTurn, PutBlock, PutFact, TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.disk import Disk, Event, available, watched
from tests.faults.figures import figure
from tests.faults.power import Files, Platter
from tests.store.making import ADA, NOW, block, encoded, fact, slices, turn, unit_rows
from tests.store.reading import chunk_ids_of

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not available(), reason="this Python's SQLite does not show its functions"),
]

NAME = "memory.db"
LANES = 3
ERASED = "t00003"


def said(number: int) -> NewTurn:
    """A turn of two paragraphs; every seventh needs pages of its own."""
    text = f"Turn {number} in Oslo\n" + "word " * (2000 if number % 7 == 0 else 20)
    return turn(text, turn_id=TurnId(f"t{number:05}"), idempotency_key=f"k{number}", jobs=("embed", "scrub"))


async def live(path: Path, disk: Disk, durability: str) -> None:
    """Three sittings: alone, with an erasure, and of several callers; each ends by closing the store."""
    numbers = iter(range(1, 10**5))
    store = await open_sqlite(path, slicer=slices, durability=durability)
    for _ in range(12):
        await say(store, disk, next(numbers))
    await store.aclose()
    store = await open_sqlite(path, slicer=slices, durability=durability)
    await learn(store, disk)
    plan = ErasePlan(scope="turn", target=ERASED, turn_ids=(TurnId(ERASED),))
    await store.erase(ADA, plan, now=NOW + timedelta(days=1))
    disk.ack(f"no {ERASED}")
    assert await store.purge_files()
    await store.aclose()
    store = await open_sqlite(path, slicer=slices, durability=durability)

    async def lane() -> None:
        for _ in range(figure(12, 80)):
            await say(store, disk, next(numbers))

    await asyncio.gather(*(lane() for _ in range(LANES)))
    await store.rebuild_search()
    await say(store, disk, next(numbers))
    await store.aclose()


async def say(store: SqliteStore, disk: Disk, number: int) -> None:
    (added,) = await store.add_turns(ADA, [said(number)])
    disk.ack(f"turn {added.turn_id}")


async def learn(store: SqliteStore, disk: Disk) -> None:
    """Facts, a topic and vectors: other tables, in transactions of their own."""
    await store.apply(ADA, [PutBlock(block=block(), version=0)])
    for number in range(1, 11):
        turn_id = TurnId(f"t{number:05}")
        start = len(f"Turn {number} in ")
        learned = fact(turn_id, f"f{number:02}", value="Oslo", start=start, end=start + 4)
        place = AssignTurn(turn_id=turn_id, block_id=BlockId("b1"), by="rule")
        await store.apply(ADA, [PutFact(fact=learned), place])
        if turn_id != ERASED:
            disk.ack(f"fact f{number:02}")
    ids = await chunk_ids_of(store, ADA)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(len(ids))))])


def moments(events: list[Event], count: int, dice: random.Random) -> Iterator[tuple[Files, set[str]]]:
    """Disks after a loss of power, with what had been acknowledged; half of them around an fsync."""
    syncs = [number for number, event in enumerate(events) if event.kind in ("sync", "folder", "delete")]
    around = [dice.choice(syncs) + dice.randrange(2) for _ in range(count // 2)]
    points = sorted(around + [dice.randrange(len(events) + 1) for _ in range(count - len(around))])
    platter, told, done = Platter(), set[str](), 0
    for point in points:
        for event in events[done:point]:
            if event.kind == "ack":
                told.add(event.name)
            else:
                platter.take(event, dice)
        done = point
        yield platter.by_chance(dice), set(told)


def put(folder: Path, files: Files) -> None:
    """Make a disk."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(data)


async def verify(path: Path, told: set[str], durability: str) -> int:
    """Open what is left and look; how many acknowledged things are gone."""
    store = await open_sqlite(path, slicer=slices, durability=durability)
    try:
        turns = {each.turn_id: each for each in await store.turns(ADA, TurnQuery())}
        found = {f"turn {each}" for each in turns}
        found |= {f"fact {each.fact_id}" for each in await store.facts(ADA, FactQuery())}
        erased = {3} if gone(path) else set[int]()
        found |= {f"no {ERASED}", f"turn {ERASED}"} if erased else set()
        for turn_id, stored in turns.items():
            assert stored.messages[0].content == said(int(turn_id[1:])).messages[0].content
        # What is missing of the turns is the end, and what an erasure took.
        numbers = {each.seq for each in turns.values()}
        last = max(numbers | erased, default=0)
        assert (numbers | erased, numbers & erased) == (set(range(1, last + 1)), set())
        wrong = {check.name: check.detail for check in await store.check() if not check.ok}
        assert not wrong or (durability == "fast" and wrong.keys() == {"log"}), wrong
        stats = await store.stats(ADA)
        each = len(turns)
        assert (stats.messages, stats.chunks, stats.jobs_waiting) == (each, 2 * each, 2 * each)
        (added,) = await store.add_turns(ADA, [said(99_999)])
        assert added.seq > last
        return len(told - found)
    finally:
        await store.aclose()


def gone(path: Path) -> bool:
    """Whether a turn was erased."""
    with closing(sqlite3.connect(path)) as raw:
        return bool(raw.execute("SELECT count(*) FROM tombstones").fetchone()[0])


@pytest.mark.parametrize("durability", ["full", "fast"])
async def test_nothing_acknowledged_is_lost_nothing_is_damaged(tmp_path: Path, durability: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    with watched(folder) as disk:
        await live(folder / NAME, disk, durability)
    dice = random.Random(2)
    count, lost, worst = figure(20, 2000), 0, 0
    for number, (files, told) in enumerate(moments(disk.events, count, dice)):
        wreck = tmp_path / f"{number}"
        if number % 2:  # the index of the log is never made sure
            files[f"{NAME}-shm"] = dice.randbytes(32768)
        put(wreck, files)
        missing = await verify(wreck / NAME, told, durability)
        lost, worst = lost + (missing > 0), max(worst, missing)
        assert durability == "fast" or not missing
        for each in wreck.iterdir():
            each.unlink()
    print(f"F02 {durability}: {count} moments of {len(disk.events)}, {lost} with a loss, at most {worst}")


async def test_what_a_killed_process_wrote_outlives_power_loss_once_it_is_answered(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    with watched(first) as disk:
        store = await open_sqlite(first / NAME, slicer=slices)
        await say(store, disk, 1)
        await store.add_turns(ADA, [said(2)])
        events = list(disk.events)
        await store.aclose()
    # Killed before the last fsync: what programs see of the second turn is not on the disk.
    platter, dice = Platter(), random.Random(3)
    for event in events[: max(n for n, event in enumerate(events) if event.kind == "sync")]:
        if event.kind != "ack":
            platter.take(event, dice)
    put(second, platter.seen())
    with watched(second) as disk:
        store = await open_sqlite(second / NAME, slicer=slices)
        (added,) = await store.add_turns(ADA, [said(2)])
        assert not added.created
        for event in disk.events:
            platter.take(event, dice)
        await store.aclose()
    put(tmp_path / "third", platter.surely())
    assert await verify(tmp_path / "third" / NAME, {"turn t00001", "turn t00002"}, "full") == 0


async def test_new_folders_outlive_a_loss_of_power(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []  # inodes

    def note(handle: int) -> None:
        synced.append(os.fstat(handle).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    store = await open_sqlite(tmp_path / "new" / "deep" / NAME, slicer=slices)
    await store.aclose()
    assert synced == [tmp_path.stat().st_ino, (tmp_path / "new").stat().st_ino]
