"""Databases on shared disks, in synced folders, and files that may not be written (F08)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hmlr import Message
from hmlr.errors import StorageError, StorageReadOnly
from hmlr.records import Check
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.file_systems import unsuited
from tests.faults.doors import door, said, settled
from tests.store.test_files import anybody

pytestmark = pytest.mark.faults

# As the kernel tells them: (options) - kind source options.
MOUNTS = r"""
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
22 21 0:40 / /home/ada/work rw,relatime shared:2 - nfs4 server:/work rw,vers=4.2
23 21 0:41 / /mnt/office\040share rw,relatime - cifs //server/share rw
24 21 0:42 / /media/sshfs rw - fuse.sshfs host:/data rw
25 21 0:43 / /srv rw - nfs server:/srv rw
26 25 8:2 / /srv rw - xfs /dev/sdb1 rw
27 21 0:44 / /var/lib/containers rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
28 21 0:45 / /host rw - 9p share rw,trans=virtio
broken line
"""
TOLD = {
    "/home/ada/work/deep/memory.db": "nfs4",
    "/mnt/office share/memory.db": "cifs",
    "/media/sshfs/memory.db": "fuse.sshfs",
    "/host/memory.db": "9p",
    "/home/ada/Dropbox/memory.db": "/home/ada/Dropbox",
    "/home/ada/OneDrive - Office/notes/memory.db": "OneDrive",
    "/home/ada/Library/Mobile Documents/x/memory.db": "Mobile Documents",
    "/home/ada/Google Drive/memory.db": "Google Drive",
}
SOUND = [
    "/home/ada/memory.db",
    "/home/ada/workshop/memory.db",  # beside a mount whose name begins alike
    "/srv/memory.db",  # something else was mounted over the shared one
    "/var/lib/containers/memory.db",  # an overlay has one owner: its log is sound
    "/home/ada/dropbox-notes/memory.db",
]


@pytest.mark.parametrize("path", TOLD)
def test_shared_and_synced_places_are_told(path: str) -> None:
    assert TOLD[path] in unsuited(Path(path), MOUNTS)


@pytest.mark.parametrize("path", SOUND)
def test_other_places_are_sound(path: str) -> None:
    assert unsuited(Path(path), MOUNTS) == ""


def test_a_folder_is_synced_by_the_mark_in_it(tmp_path: Path) -> None:
    assert unsuited(tmp_path / "a" / "memory.db") == ""
    (tmp_path / ".stfolder").mkdir()
    assert str(tmp_path) in unsuited(tmp_path / "a" / "memory.db")


async def journal(path: Path) -> tuple[Check, list[str]]:
    """Use a memory for all kinds of work; what `doctor` says of its journal, and the files meanwhile."""
    async with door(path) as hmlr:
        await hmlr.remember([Message(content=f"The API key for service{n} is key-{n}.") for n in range(20)])
        await settled(hmlr)
        await hmlr.chat("My sister Ruth plays the bassoon.")
        files = sorted(each.name for each in path.parent.iterdir())
        turn = (await hmlr.turns())[0]
        assert (await hmlr.forget(turn_id=turn.turn_id)).verified
        assert "bassoon" in (await hmlr.recall("Who plays the bassoon?"))[0].text
        checks = (await hmlr.health()).checks
    assert [check.name for check in checks if not check.ok] in ([], ["journal"])
    return next(check for check in checks if check.name == "journal"), files


async def test_a_synced_folder_has_no_write_ahead_log(tmp_path: Path) -> None:
    check, files = await journal(tmp_path / "Dropbox" / "memory.db")
    assert not check.ok
    assert "journal mode delete" in check.detail
    assert "Dropbox is kept in step" in check.detail
    assert "local disk" in check.remedy
    assert "memory.db-wal" not in files


async def test_a_memory_that_is_moved_changes_over(tmp_path: Path) -> None:
    synced = tmp_path / "Dropbox"
    synced.mkdir()
    for folder, mode in ((tmp_path, "wal"), (synced, "delete"), (tmp_path, "wal")):
        for file in [*tmp_path.glob("memory.db*"), *synced.glob("memory.db*")]:
            if file.parent != folder:
                file.rename(folder / file.name)
        check, _ = await journal(folder / "memory.db")
        assert f"journal mode {mode}" in check.detail


async def test_two_at_once_without_a_write_ahead_log(tmp_path: Path) -> None:
    path = tmp_path / "Dropbox" / "memory.db"
    async with door(path) as one, door(path, "bob") as other:
        for number in range(10):
            await one.remember([Message(content=f"One {number}.")])
            await other.remember([Message(content=f"Other {number}.")])
            await one.recall("one")
        await settled(one)
        await settled(other)
        assert (len(await said(one)), len(await said(other))) == (10, 10)


@contextmanager
def mounted(kind: str, folder: Path, options: str) -> Iterator[None]:
    """A file system at a folder; where it can't be mounted the test is skipped."""
    command = ["mount", "-t", kind, "-o", options, kind, str(folder)]
    if os.geteuid() != 0 or not shutil.which("mount") or subprocess.run(command, check=False).returncode != 0:
        pytest.skip(f"{kind} can't be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


async def test_an_overlay_is_as_good_as_a_disk(tmp_path: Path) -> None:
    disk, seen = tmp_path / "disk", tmp_path / "seen"
    disk.mkdir()
    seen.mkdir()
    with mounted("tmpfs", disk, "size=64m"):  # an overlay does not lie on an overlay
        lower, upper, work = disk / "lower", disk / "upper", disk / "work"
        for folder in (lower, upper, work):
            folder.mkdir()
        async with door(lower / "memory.db") as hmlr:  # of the image: the first write copies it up
            await hmlr.remember([Message(content="From the image.")])
        before = (lower / "memory.db").read_bytes()
        with mounted("overlay", seen, f"lowerdir={lower},upperdir={upper},workdir={work}"):
            check, files = await journal(seen / "memory.db")
            assert check.ok
            assert "memory.db-wal" in files
        assert (lower / "memory.db").read_bytes() == before


async def test_a_disk_that_is_read_only_is_refused(tmp_path: Path) -> None:
    with mounted("tmpfs", tmp_path, "size=64m"):
        async with door(tmp_path / "memory.db") as hmlr:
            await hmlr.remember([Message(content="One.")])
        for path in (tmp_path / "memory.db", tmp_path / "new.db"):
            subprocess.run(["mount", "-o", "remount,ro", str(tmp_path)], check=True)
            with pytest.raises(StorageReadOnly, match="permissions"):
                await door(path).__aenter__()
            subprocess.run(["mount", "-o", "remount,rw", str(tmp_path)], check=True)
        async with door(tmp_path / "memory.db") as hmlr:
            assert await said(hmlr) == ["One."]


def others(path: Path) -> None:
    path.chmod(0o600)  # and this one's owner is not who opens it


def lock_of_another(path: Path) -> None:
    path.chmod(0o666)  # and the lock is 0600


def log_of_another(path: Path) -> None:
    path.chmod(0o666)
    sqlite_files.lock_path(path).chmod(0o666)
    sqlite_files.sidecars(path)[0].touch(0o600)  # left by a killed process


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("make", [others, lock_of_another, log_of_another])
async def test_files_of_another_owner_are_refused(
    make: Callable[[Path], None],
) -> None:
    folder = Path("/tmp") / f"hmlr-owner-{os.getpid()}-{make.__name__}"  # noqa: S108 - another user must get in
    folder.mkdir()
    folder.chmod(0o777)
    try:
        path = folder / "memory.db"
        async with door(path) as hmlr:
            await hmlr.remember([Message(content="One.")])
        make(path)
        with anybody(), pytest.raises(StorageError, match="permissions"):
            await door(path).__aenter__()
        async with door(path) as hmlr:
            assert await said(hmlr) == ["One."]
    finally:
        with suppress(OSError):
            shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["folder", "file/memory.db", "link"])
async def test_a_path_that_can_be_no_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    with pytest.raises(StorageError) as caught:
        await door(tmp_path / name).__aenter__()
    assert name in str(caught.value)
