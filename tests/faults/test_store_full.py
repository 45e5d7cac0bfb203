"""A full disk: nothing acknowledged is lost, reading goes on, writing does once there is space (F04)."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmlr.errors import StorageFull
from hmlr.records import TurnId
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import ADA, slices, turn

pytestmark = pytest.mark.faults


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MB, which the test fills; where it can't be mounted the test is skipped."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(mount, check=False).returncode != 0:
        pytest.skip("a small file system can't be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_a_full_disk_is_survived(small_disk: Path, full: bool) -> None:
    store = await open_sqlite(small_disk / "memory.db", slicer=slices)
    ballast = small_disk / "ballast"
    told: list[TurnId] = []
    failures = 0
    for number in range(50 if full else 10):
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_bsize
        ballast.write_bytes(b"x" * max(0, free - 4096 * (number % 8)))
        for _ in range(20):
            given = turn("word " * 300)
            try:
                await store.add_turns(ADA, [given])
            except StorageFull as error:
                failures += 1
                assert "\n" not in str(error)
                break
            told.append(given.turn_id)
        assert [one.turn_id for one in await store.turns(ADA, TurnQuery())] == told
        ballast.unlink()
        given = turn("space again")
        await store.add_turns(ADA, [given])
        told.append(given.turn_id)
    assert failures > 3
    print(f"F04: {failures} writes refused in {number + 1} rounds, {len(told)} stored, 0 lost")
    assert [one.turn_id for one in await store.turns(ADA, TurnQuery())] == told
    assert all(check.ok for check in await store.check())
    await store.aclose()


async def test_every_caller_of_a_group_is_told(db_path: Path) -> None:

    store = await open_sqlite(db_path, slicer=slices)
    pages = await store._gate.alone(lambda link: link.raw.execute("PRAGMA page_count").fetchone()[0])
    await store._gate.alone(lambda link: link.raw.execute(f"PRAGMA max_page_count = {pages + 4}"))
    calls = [store.add_turns(ADA, [turn("word " * 2000)]) for _ in range(8)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    stored = [outcome for outcome in outcomes if isinstance(outcome, list)]
    assert any(isinstance(outcome, StorageFull) for outcome in outcomes)
    assert all(isinstance(outcome, (list, StorageFull)) for outcome in outcomes)
    assert len(await store.turns(ADA, TurnQuery())) == len(stored)
    await store.aclose()
