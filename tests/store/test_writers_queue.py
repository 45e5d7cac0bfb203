"""Writers of all processes wait in a queue; who waits too long is told so, and never served (F06, F22)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmlr.errors import OutOfResources, StorageBusy, StorageError
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite import locking
from hmlr.store.sqlite.calls import Call
from hmlr.store.sqlite.locking import Release, WriteLock
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.making import ADA, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.alone]

HOLDER = """
import pathlib, sys
from hmlr.store.sqlite.locking import WriteLock
with WriteLock(pathlib.Path(sys.argv[1]), needed=True, timeout_s=5).held():
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def held_elsewhere(db_path: Path) -> Iterator[None]:
    """Another process holds the write lock."""
    command = [sys.executable, "-c", HOLDER, str(sqlite_files.lock_path(db_path))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        assert holder.stdin is not None
        holder.stdin.close()


async def texts(store: SqliteStore) -> list[str]:
    return [stored.messages[0].content for stored in await store.turns(ADA, TurnQuery())]


def groups_of(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the transactions from now on."""
    sizes: list[int] = []
    transact = store._gate._writer._transact

    def counted(calls: list[Call]) -> object:
        sizes.append(len(calls))
        return transact(calls)

    monkeypatch.setattr(store._gate._writer, "_transact", counted)
    return sizes


@pytest.mark.skipif(not locking._HAS_GATE, reason="the kernel has no locks of open files")
def test_nobody_overtakes_who_is_next(tmp_path: Path) -> None:
    path = tmp_path / "lock"

    def wait(asked: threading.Event, leave: threading.Event) -> None:
        with WriteLock(path, needed=True, timeout_s=5).queued(asked.set):
            leave.wait(5)

    for _ in range(30):
        asked, leave = threading.Event(), threading.Event()
        waiting = threading.Thread(target=wait, args=(asked, leave))
        release = locking._take(path, wait=True)
        assert release is not None
        waiting.start()
        asked.wait(5)
        time.sleep(0.005)  # it waits in the kernel by now
        release()
        overtaken = locking._take(path, wait=False)  # before the other one is awake
        leave.set()
        if overtaken is not None:
            overtaken()
        waiting.join()
        assert overtaken is None


async def test_what_arrives_while_another_process_writes_is_one_transaction(
    store: SqliteStore, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = groups_of(store, monkeypatch)
    with held_elsewhere(db_path):
        writes = [asyncio.create_task(store.add_turns(ADA, [turn("a")]))]
        await asyncio.sleep(0.05)
        writes += [asyncio.create_task(store.add_turns(ADA, [turn("b")])) for _ in range(5)]
        await asyncio.sleep(0.05)
    await asyncio.gather(*writes)
    assert sizes == [6]


async def test_a_call_that_waited_too_long_is_never_run(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices, busy_timeout_s=0.3)
    with held_elsewhere(db_path):
        begun = time.monotonic()
        early = asyncio.create_task(store.add_turns(ADA, [turn("early")]))
        await asyncio.sleep(0.2)
        late = asyncio.create_task(store.add_turns(ADA, [turn("late")]))
        with pytest.raises(StorageBusy, match="another process"):
            await early
        assert 0.25 < time.monotonic() - begun < 0.45
        assert not late.done()  # each has its own patience
    await late
    await store.add_turns(ADA, [turn("after")])
    assert await texts(store) == ["late", "after"]
    await store.aclose()


async def test_a_call_cancelled_while_the_lock_is_waited_for_is_never_run(
    store: SqliteStore, db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = groups_of(store, monkeypatch)
    with held_elsewhere(db_path):
        given_up = asyncio.create_task(store.add_turns(ADA, [turn("given up")]))
        await asyncio.sleep(0.05)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    await store.add_turns(ADA, [turn("after")])
    assert await texts(store) == ["after"]
    assert sizes == [1]


async def test_waiting_for_the_own_work_is_not_being_late(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices, busy_timeout_s=0.3)

    def hold() -> None:
        with WriteLock(sqlite_files.lock_path(db_path), needed=True, timeout_s=5).held():
            time.sleep(0.1)

    slow = asyncio.create_task(store._gate.alone(lambda _: time.sleep(0.5)))
    await asyncio.sleep(0.05)
    kept = asyncio.create_task(store.add_turns(ADA, [turn("kept")]))
    await asyncio.to_thread(hold)  # it comes between the two
    await asyncio.gather(slow, kept)
    assert await texts(store) == ["kept"]
    await store.aclose()


async def test_closing_ends_in_time_while_another_process_writes_for_ever(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices, busy_timeout_s=0.3)
    await store.add_turns(ADA, [turn("before")])
    with held_elsewhere(db_path):
        late = asyncio.create_task(store.add_turns(ADA, [turn("late")]))
        await asyncio.sleep(0)
        begun = time.monotonic()
        await store.aclose()
        assert time.monotonic() - begun < 1
        with pytest.raises(StorageBusy):
            await late
    await asyncio.sleep(0.1)  # the thread that waited has the lock now, and nothing to do with it
    again = await open_sqlite(db_path, slicer=slices, busy_timeout_s=2)
    await again.add_turns(ADA, [turn("after")])
    assert await texts(again) == ["before", "after"]
    assert all(check.ok for check in await again.check())
    await again.aclose()


@pytest.mark.parametrize(("code", "kind"), [(errno.EMFILE, OutOfResources), (errno.EIO, StorageError)])
async def test_a_lock_that_fails_is_told_and_asked_again(
    store: SqliteStore, db_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception]
) -> None:
    def failing(path: Path, *, wait: bool) -> Release | None:
        raise OSError(code, "no", str(path))

    with monkeypatch.context() as broken:
        broken.setattr(locking, "_take", failing)
        with pytest.raises(kind):
            await store.add_turns(ADA, [turn("lost")])
    await store.add_turns(ADA, [turn("after")])
    assert await texts(store) == ["after"]


def test_a_lock_asked_for_too_long_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with (
        WriteLock(path, needed=True, timeout_s=1).held(),
        pytest.raises(StorageBusy),
        WriteLock(path, needed=True, timeout_s=0.05).held(),
    ):
        pass
    for _ in range(3):
        with WriteLock(path, needed=True, timeout_s=1).held():
            pass


@pytest.mark.skipif(sys.platform == "win32", reason="a file in use can't be removed there")
def test_who_waits_on_a_removed_file_asks_for_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    done = threading.Event()

    def wait() -> None:
        with WriteLock(path, needed=True, timeout_s=5).held():
            done.set()

    waiting = threading.Thread(target=wait)
    with WriteLock(path, needed=True, timeout_s=1).held():
        waiting.start()
        time.sleep(0.05)
        path.unlink()
        new = WriteLock(path, needed=True, timeout_s=1)
        held = new.held()
        held.__enter__()
    assert not done.wait(0.1)
    held.__exit__(None, None, None)
    waiting.join()
    assert done.is_set()


def test_the_lock_is_private_without_flock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_take", locking._polled)
    path = tmp_path / "lock"
    with (
        WriteLock(path, needed=True, timeout_s=1).held(),
        pytest.raises(StorageBusy),
        WriteLock(path, needed=True, timeout_s=0.05).held(),
    ):
        assert sys.platform == "win32" or path.stat().st_mode & 0o777 == 0o600
    with WriteLock(path, needed=True, timeout_s=1).queued(lambda: None):
        pass


FORKED = """
import os, pathlib, sys, time
from hmlr.store.sqlite.locking import WriteLock
with WriteLock(pathlib.Path(sys.argv[1]), needed=True, timeout_s=5).held():
    child = os.fork()
    if child == 0:
        os.close(1)
        time.sleep(4)
        os._exit(0)
    os._exit(3)  # as if killed
"""


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_a_fork_does_not_hold_the_lock_of_a_killed_parent(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(path)], stdout=subprocess.PIPE, timeout=15, check=False
    )
    assert done.returncode == 3
    with WriteLock(path, needed=True, timeout_s=1).held():
        pass


LEFT_WAITING = """
import asyncio, pathlib, sys
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import ADA, turn

async def main():
    store = await open_sqlite(pathlib.Path(sys.argv[1]), slicer=lambda text: [])
    asyncio.ensure_future(store.add_turns(ADA, [turn()]))
    await asyncio.sleep(0.1)
    return store

kept = asyncio.run(main())
"""


async def test_leaving_while_a_write_waits_does_not_hang(store: SqliteStore, db_path: Path) -> None:
    with held_elsewhere(db_path):
        begun = time.monotonic()
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", LEFT_WAITING, str(db_path)], timeout=15, check=False
        )
        assert done.returncode == 0
        assert time.monotonic() - begun < 5  # two seconds and the imports
    assert await texts(store) == []
