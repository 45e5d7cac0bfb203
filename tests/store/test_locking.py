"""The file lock that old SQLite versions need (F07)."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from hmlr.errors import StorageBusy
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.locking import Version, WriteLock, needs_file_lock
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import ADA, slices, turn


@pytest.mark.faults
@pytest.mark.parametrize(
    ("version", "needed"),
    [
        ((3, 37, 2), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 44, 7), False),
        ((3, 45, 0), True),
        ((3, 49, 9), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 0), True),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 52, 0), False),
        ((4, 0, 0), False),
    ],
)
def test_versions_with_the_wal_reset_fault(version: Version, needed: bool) -> None:
    assert needs_file_lock(version) is needed


def test_two_holders_never_overlap(tmp_path: Path) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        lock = WriteLock(tmp_path / "lock", needed=True, timeout_s=10)
        for _ in range(20):
            with lock.held():
                with guard:
                    inside += 1
                    most = max(most, inside)
                time.sleep(0.0005)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def test_the_lock_gives_up_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with WriteLock(path, needed=True, timeout_s=1).held():
        waiting = WriteLock(path, needed=True, timeout_s=0.05)
        with pytest.raises(StorageBusy, match="another process"), waiting.held():
            pass


async def test_a_write_waits_for_the_lock_and_reads_do_not(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices, busy_timeout_s=0.2)
    await store.add_turns(ADA, [turn()])
    with WriteLock(sqlite_files.lock_path(db_path), needed=True, timeout_s=1).held():
        with pytest.raises(StorageBusy):
            await store.add_turns(ADA, [turn()])
        assert (await store.stats(ADA)).turns == 1
        late = asyncio.create_task(store.add_turns(ADA, [turn()]))
        await asyncio.sleep(0.05)
    await late
    assert (await store.stats(ADA)).turns == 2
    await store.aclose()
