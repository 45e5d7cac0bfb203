"""The files: private, and refused with a reason when they can't be a database."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hmlr.errors import ConfigurationError, StorageCorrupt, StorageError, StorageReadOnly
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.engine import Database
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import ADA, slices, turn


@pytest.mark.security
async def test_files_and_new_folders_are_their_owners_alone(tmp_path: Path) -> None:  # X20
    path = tmp_path / "new" / "deep" / "memory.db"
    before = os.umask(0)
    try:
        store = await open_sqlite(path, slicer=slices)
        await store.add_turns(ADA, [turn()])
        names = sorted(file.name for file in path.parent.iterdir())
        assert names == ["memory.db", "memory.db-shm", "memory.db-wal", "memory.db.lock"]
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        for folder in (path.parent, path.parent.parent):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
        await store.aclose()
    finally:
        os.umask(before)


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="folder"):
        await open_sqlite(tmp_path, slicer=slices)


@pytest.mark.faults
async def test_a_first_page_torn_by_a_loss_of_power_is_mended_from_the_log(
    db_path: Path, tmp_path: Path
) -> None:  # F02
    store = await open_sqlite(db_path, slicer=slices)
    log = db_path.with_name(db_path.name + "-wal").read_bytes()
    await store.aclose()
    torn = tmp_path / "torn.db"
    torn.write_bytes(bytes(512) + db_path.read_bytes()[512:])
    torn.with_name(torn.name + "-wal").write_bytes(log)
    store = await open_sqlite(torn, slicer=slices)
    assert (await store.add_turns(ADA, [turn()]))[0].seq == 1
    await store.aclose()


async def test_a_file_that_is_no_database_is_refused_and_left(db_path: Path) -> None:
    db_path.write_text("Dear diary, " * 1000)
    with pytest.raises(StorageCorrupt, match="not a database"):
        await open_sqlite(db_path, slicer=slices)
    assert db_path.read_text().startswith("Dear diary")


async def test_a_parent_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        await open_sqlite(tmp_path / "file" / "memory.db", slicer=slices)


async def test_an_empty_file_becomes_a_database(db_path: Path) -> None:
    db_path.touch()
    store = await open_sqlite(db_path, slicer=slices)
    assert (await store.stats(ADA)).turns == 0
    await store.aclose()


async def test_an_unknown_durability_is_refused(db_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="full or fast"):
        await open_sqlite(db_path, slicer=slices, durability="maybe")
    assert not db_path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
@pytest.mark.parametrize("what", ["file", "folder", "nothing"])
def test_what_can_not_be_written_is_refused(what: str) -> None:
    with tempfile.TemporaryDirectory() as made:  # not pytest's: another user must get in
        folder = Path(made)
        path = folder / "memory.db"
        if what != "nothing":
            sqlite_files.prepare(path)
            path.chmod(0o444 if what == "file" else 0o666)
            sqlite_files.lock_path(path).chmod(0o666)
        folder.chmod(0o777 if what == "file" else 0o555)
        with anybody(), pytest.raises(StorageReadOnly, match="permissions"):
            Database(path, durability="full", busy_timeout_s=1).prepare()
        folder.chmod(0o700)


@contextmanager
def anybody() -> Iterator[None]:
    """As a user without rights over all files, which root has."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


async def test_a_file_that_is_no_database_gets_no_neighbours(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text("# Not a database, but long enough to be one")
    with pytest.raises(StorageCorrupt):
        await open_sqlite(path, slicer=slices)
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]
