"""A call to the disk fails: reading, writing, fsync or any other (F05).

Each operation is done once to count its calls to the disk. Then the call of each number fails, alone or with
all that come after it while the operation lasts. What has answered is done, on the disk and not only in
memory: what a failed fsync has left out is never written again by itself, and the power goes at the end. What
has not answered is done or not, and works when it is called again. Another operation joins by an entry in
OPERATIONS.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hmlr.client.restoring import restore_backup
from hmlr.errors import HMLRError
from hmlr.memory.intake import new_chunks
from hmlr.records import TurnId
from hmlr.store.sqlite.store import open_sqlite
from hmlr.testing import hash_embedder
from tests.faults.disk import Disk, available, nth, watched
from tests.faults.doors import Clock, door, settled
from tests.faults.figures import FULL
from tests.faults.power import Files, Platter
from tests.gardens import exported, masked, sow
from tests.store.aging import age
from tests.store.making import ADA, turn

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(7200),
    pytest.mark.skipif(not available(), reason="this Python's SQLite does not show its functions"),
]

NAME, COPY = "memory.db", "copy.db"
TRUTH = ("turn", "message", "turn_block", "fact", "fact_event", "edit")
Work = Callable[[], Awaitable[bool]]  # may be called again; whether it says that all is done


@dataclass(frozen=True)
class Operation:
    """What the disk fails under: how a database is made ready for it, and what is done."""

    prepare: Callable[[Path], Awaitable[None]]
    ready: Callable[[Path], AbstractAsyncContextManager[Work]]  # opens what the work needs, and closes it
    in_steps: bool = False  # not all or nothing, but so that the next call goes on
    names: tuple[str, ...] = (NAME,)  # the databases that are looked at
    renames: bool = False  # the result gets its name by the system, not by SQLite: no loss of power is played


async def two_turns(path: Path) -> None:
    store = await open_sqlite(path, slicer=new_chunks)
    await store.add_turns(
        ADA, [turn("One.\n\nTwo.", turn_id=TurnId("t1")), turn("More.", turn_id=TurnId("t2"))]
    )
    await store.aclose()


@asynccontextmanager
async def adding(path: Path, *, reader: bool) -> AsyncIterator[Work]:
    """A turn is added, and the log moved into the database after it."""
    store = await open_sqlite(path, slicer=new_chunks)
    if reader:  # its connection keeps the log's index alive
        await store.stats(ADA)
    await store._gate.alone(lambda link: link.raw.execute("PRAGMA wal_autocheckpoint = 1"))
    said = turn("Said with a failing disk", turn_id=TurnId("new"), idempotency_key="new")

    async def add() -> bool:
        await store.add_turns(ADA, [said])
        return True

    try:
        yield add
    finally:
        await store.aclose()


async def topics(path: Path) -> None:
    await sow(path, 4)
    async with door(path, embedder=hash_embedder()) as hmlr:
        await settled(hmlr)


@asynccontextmanager
async def gardening(path: Path) -> AsyncIterator[Work]:
    """Finished topics are gardened."""
    clock = Clock()
    async with door(path, clock=clock, embedder=hash_embedder()) as hmlr:

        async def garden() -> bool:
            clock.forward(600)  # past the leases of a run that failed
            report = await hmlr.garden()
            return not report.pending

        yield garden


async def old_topics(path: Path) -> None:
    await sow(path, 4)
    await asyncio.to_thread(age, path)


@asynccontextmanager
async def opening(path: Path) -> AsyncIterator[Work]:
    """The database is opened, which brings it to the newest schema or makes it."""

    async def open_it() -> bool:
        store = await open_sqlite(path, slicer=new_chunks)
        await store.aclose()
        return True

    yield open_it


async def nothing(path: Path) -> None:
    """A new database."""


@asynccontextmanager
async def backing_up(path: Path) -> AsyncIterator[Work]:
    """The memory is copied while it is open."""
    store = await open_sqlite(path, slicer=new_chunks)

    async def copy() -> bool:
        await store.backup(path.with_name(COPY), overwrite=True)
        return True

    try:
        yield copy
    finally:
        await store.aclose()


async def only_a_copy(path: Path) -> None:
    await two_turns(path)
    async with backing_up(path) as copy:
        assert await copy()
    for file in path.parent.glob(f"{NAME}*"):
        file.unlink()


@asynccontextmanager
async def restoring(path: Path) -> AsyncIterator[Work]:
    """A backup is put in the place of a memory that is gone."""

    async def restore() -> bool:
        await restore_backup(path.with_name(COPY), path, overwrite=True)
        return True

    yield restore


OPERATIONS = {
    "add_turns": Operation(two_turns, lambda path: adding(path, reader=False)),
    "add_turns beside a reader": Operation(two_turns, lambda path: adding(path, reader=True)),
    "garden": Operation(topics, gardening, in_steps=True),
    "migrate": Operation(old_topics, opening),
    "create": Operation(nothing, opening),
    "backup": Operation(two_turns, backing_up, names=(NAME, COPY), renames=True),
    "restore": Operation(only_a_copy, restoring, renames=True),
}


@dataclass(frozen=True)
class Seen:
    """What the database of an operation holds before and after it, and the files from before."""

    files: Files
    before: list[Any]
    after: list[Any]


async def contents(folder: Path, files: Files, names: tuple[str, ...]) -> list[Any]:
    """What the databases hold, opened by themselves; they are sound."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).touch(0o600)
        (folder / name).write_bytes(data)
    found = []
    for name in names:
        found += masked(await exported(folder / name))
        store = await open_sqlite(folder / name, slicer=new_chunks)
        assert all(check.ok for check in await store.check()), await store.check()
        await store.aclose()
    shutil.rmtree(folder)
    return found


def files_in(folder: Path) -> Files:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.suffix != ".lock"}


async def attempt(work: Work) -> bool:
    """Whether it says that all is done; an error is one of ours, in one line."""
    try:
        return await work()
    except HMLRError as error:
        assert str(error)
        assert "\n" not in str(error)
        return False


class Bench:
    """Does one operation again and again, with a disk that fails differently each time."""

    def __init__(self, operation: Operation, room: Path) -> None:
        self._operation = operation
        self._room = room
        self._seen = Seen({}, [], [])

    async def measure(self) -> list[str]:
        """Do it on a sound disk: its calls to the disk."""
        folder = self._room / "sound"
        folder.mkdir()
        await self._operation.prepare(folder / NAME)
        files = files_in(folder)
        before = await self._contents("before", files)
        with watched(folder) as disk:
            async with self._operation.ready(folder / NAME) as work:
                disk.arm(lambda number, call: False)
                assert await work()
                calls = list(disk.calls)
        self._seen = Seen(files, before, await self._contents("after", files_in(folder)))
        return [str(call) for call in calls]

    async def fail(self, number: int, *, stays: bool) -> bool:
        """Do it while the call of this number fails; whether it said that all is done."""
        folder = self._room / f"{number} {stays}"
        folder.mkdir()
        for name, data in self._seen.files.items():
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o600)
        with watched(folder) as disk:
            async with self._operation.ready(folder / NAME) as work:
                disk.arm(nth(number, stays=stays))
                done = await attempt(work)
                disk.disarm()
                await self._look(self._left(disk, folder), done=done)
                assert await work()
                await self._look(self._left(disk, folder), done=True)
        await self._look(files_in(folder), done=True)
        shutil.rmtree(folder)
        return done

    def _left(self, disk: Disk, folder: Path) -> Files:
        """What is left when the power goes now."""
        if self._operation.renames:
            return files_in(folder)
        platter, dice = Platter(self._seen.files), random.Random(5)
        for event in disk.events:
            platter.take(event, dice)
        return platter.surely()

    async def _contents(self, room: str, files: Files) -> list[Any]:
        return await contents(self._room / room, files, self._operation.names)

    async def _look(self, files: Files, *, done: bool) -> None:
        found = await self._contents("look", files)
        if done:
            assert found == self._seen.after
        elif self._operation.in_steps:
            assert truth(found) == truth(self._seen.before)
        else:
            assert found in (self._seen.before, self._seen.after)


def truth(records: list[Any]) -> list[Any]:
    return [each for each in records if each["type"] in TRUTH]


def numbers(calls: list[str]) -> list[int]:
    """Which calls fail: all, or in a bounded run one of each kind that matters most."""
    if FULL:
        return list(range(len(calls)))
    places = [
        [number for number, call in enumerate(calls) if call == kind] for kind in ("write", "sync", "open")
    ]
    return [each[(len(each) - 1) // 2] for each in places if each]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_a_failing_call_to_the_disk_is_told_and_loses_nothing(tmp_path: Path, name: str) -> None:
    bench = Bench(OPERATIONS[name], tmp_path)
    calls = await bench.measure()
    outcomes = [
        await bench.fail(number, stays=stays)
        for number in numbers(calls)
        for stays in ((False, True) if FULL else (number % 2 == 1,))
    ]
    print(f"F05 {name}: {len(calls)} calls, {len(outcomes)} failures, {outcomes.count(False)} of them told")
