"""A side file is deleted, the main file copied alone, an old one put over a new one (F10).

What comes out is the memory as it was at some moment, or `doctor` says that it is not.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.errors import StorageError
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.figures import FULL
from tests.store.making import ADA, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

MAIN, LOG, INDEX = "", "-wal", "-shm"
BATCH = 100
Files = dict[str, bytes]


def files(path: Path) -> Files:
    every = {ending: path.with_name(path.name + ending) for ending in (MAIN, LOG, INDEX)}
    return {ending: file.read_bytes() for ending, file in every.items() if file.exists()}


async def write(store: SqliteStore, first: int, last: int) -> None:
    for start in range(first, last, BATCH):
        await store.add_turns(ADA, [turn(f"Turn {number} word") for number in range(start, start + BATCH)])


async def moments(path: Path, size: int) -> tuple[Files, Files, Files, int]:
    """The files half full and closed, a little later with a log, and full with a log; turns in the last."""
    store = await open_sqlite(path, slicer=slices)
    await write(store, 0, size // 2)
    await store.aclose()
    half = files(path)
    store = await open_sqlite(path, slicer=slices)
    await write(store, size // 2, size // 2 + BATCH)
    later = files(path)
    await write(store, size // 2 + BATCH, size)
    full = files(path)
    while f"Turn {size - 1} word".encode() in full[MAIN]:  # the log was just moved into the main file
        await write(store, size, size + BATCH)
        size, full = size + BATCH, files(path)
    await store.aclose()
    # Or nothing would be mixed below: the log was moved into the main file and begun anew.
    assert full[MAIN] != later[MAIN]
    return half, later, full, size


async def outcome(path: Path, given: Files) -> int | None:
    """How many turns there are, the first ones and whole; None when opening or `doctor` says what is bad."""
    path.parent.mkdir()
    for ending, data in given.items():
        path.with_name(path.name + ending).write_bytes(data)
    try:
        store = await open_sqlite(path, slicer=slices)
    except StorageError:
        return None
    try:
        if {check.name for check in await store.check() if not check.ok} - {"files"}:
            return None
        said = [stored.messages[0].content for stored in await store.turns(ADA, TurnQuery())]
        assert said == [f"Turn {number} word" for number in range(len(said))]
        assert (await store.stats(ADA)).chunks == len(said)
        return len(said)
    finally:
        await store.aclose()


@pytest.mark.parametrize("size", [10_000, 100_000] if FULL else [4_000])
async def test_what_comes_out_is_whole_or_found(db_path: Path, tmp_path: Path, size: int) -> None:
    half, later, full, last = await moments(db_path, size)
    given = {
        "killed": full,
        "no index": {MAIN: full[MAIN], LOG: full[LOG]},
        "no log": {MAIN: full[MAIN], INDEX: full[INDEX]},
        "main alone": {MAIN: full[MAIN]},
        "main alone, early": {MAIN: later[MAIN]},
        "old main, new log": {MAIN: half[MAIN], LOG: full[LOG]},
        "old main, new log and index": {**full, MAIN: half[MAIN]},
        "new main, old log": {MAIN: full[MAIN], LOG: later[LOG]},
        "old over new, log and all": {**full, **later},
        "old over new, log removed": half,
    }
    found = {name: await outcome(tmp_path / name / "memory.db", each) for name, each in given.items()}
    # What was in the log alone is gone with it, and so is its count: nothing can tell that it was there.
    kept = found["main alone"]
    assert kept is not None
    assert size // 2 < kept < last
    print(f"F10: {len(given)} mixtures of files at {size:,} turns")
    assert found == {
        "killed": last,
        "no index": last,
        "no log": kept,
        "main alone": kept,
        "main alone, early": size // 2,
        "old main, new log": None,
        "old main, new log and index": None,
        "new main, old log": None,
        "old over new, log and all": size // 2 + BATCH,
        "old over new, log removed": size // 2,
    }
