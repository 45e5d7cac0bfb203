"""Where a database lies: file systems that other machines share, and folders that a program keeps in step."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
# A write-ahead log needs memory that all its readers share, which another machine doesn't.
_SHARED = frozenset((
    "9p", "afs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4",
    "ocfs2", "smb3", "smbfs", "vboxsf", "vmhgfs", "fuse.ceph", "fuse.davfs", "fuse.davfs2", "fuse.gcsfuse",
    "fuse.glusterfs", "fuse.goofys", "fuse.juicefs", "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs",
    "fuse.sshfs", "fuse.vmhgfs-fuse",
))  # fmt: skip
# What programs that copy files between machines call their folder, or leave in it.
_SYNCED_NAMES = re.compile(
    r"(dropbox|onedrive|google ?drive|my drive|icloud ?drive|icloud~.*|mobile documents|nextcloud|owncloud"
    r"|pcloud ?drive|syncthing)( \(.*\)| - .*)?",
    re.IGNORECASE,
)
_SYNCED_MARKS = (".dropbox", ".stfolder", ".owncloudsync.log", ".sync_journal.db")


def unsuited(path: Path, mounts: str | None = None) -> str:
    """Why a write-ahead log is not sound at a path, for people; empty when it is.

    `mounts` is a table as in /proc/self/mountinfo, by default this machine's. Where there is none only names
    of folders tell.
    """
    whole = Path(os.path.realpath(path))
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape") if _MOUNTS.exists() else ""
    kind = kind_at(whole, mounts)
    if kind in _SHARED:
        return f"{kind} is a file system that other machines share"
    if sys.platform == "win32" and str(whole).startswith("\\\\"):
        return "it is a folder that other machines share"
    for folder in whole.parents:
        if _SYNCED_NAMES.fullmatch(folder.name) or any((folder / mark).exists() for mark in _SYNCED_MARKS):
            return f"{folder} is kept in step with other machines"
    return ""


def kind_at(path: Path, mounts: str) -> str:
    """The kind of file system at an absolute path; empty when the table does not tell."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        head, dash, tail = line.partition(" - ")
        fields = head.split(" ")
        if not dash or len(fields) < 5:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4]))
        # Of mounts at one place the last one is seen.
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), tail.split(" ")[0]
    return kind
