"""Whether the write-ahead log is read to its end.

SQLite reads the log up to the first frame whose checksum is wrong. After a loss of power that is where
writing had stopped. Where a byte has changed since, all that was committed later is passed over in silence.
"""

from __future__ import annotations

from itertools import dropwhile
from pathlib import Path

from hmlr.store.sqlite import files as sqlite_files

# https://sqlite.org/fileformat2.html, "The Write-Ahead Log", and https://sqlite.org/walformat.html
_HEADER, _FRAME_HEADER = 32, 24
_SECTOR = 512  # what a disk writes whole, at the least


def unread(path: Path, read: int) -> int:
    """How many frames were written after a commit that is not among the `read` ones; nobody may be writing.

    What is committed with durability full was synced before more was written, so that a loss of power leaves
    none. With fast it may: then the last writes are lost, as they may be.
    """
    # Only the log may be opened here: to close the database or the log's index would let go of all locks that
    # this process has on it.
    log, _ = sqlite_files.sidecars(path)
    if not log.exists() or log.stat().st_size <= _HEADER:
        return 0
    later = dropwhile(lambda is_commit: not is_commit, _commits(log, read))
    return max(0, len(list(later)) - 1)


def _commits(log: Path, first: int) -> list[bool]:
    """Whether each frame from that number on ends a transaction; without those of earlier logs."""
    found = []
    with log.open("rb") as file:
        header = file.read(_HEADER)
        size = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
        for number in range(first, (log.stat().st_size - _HEADER) // size):
            start = _HEADER + number * size
            file.seek(start)
            head = file.read(_FRAME_HEADER)
            if head[8:16] == header[16:24]:
                # Where a sector ends before the salt, what stands there may be another log's, or rubbish.
                found.append(any(head[4:8]) and (start + 8) % _SECTOR != 0)
    return found
