"""Whether the write-ahead log is read to its end.

SQLite reads the log up to the first frame whose checksum is wrong. After a loss of power that is where
writing had stopped. Where a byte has changed since, all that was committed later is passed over in silence.
"""

from __future__ import annotations

import sys
from itertools import dropwhile
from pathlib import Path

from hmlr.store.sqlite import files as sqlite_files

# https://sqlite.org/fileformat2.html, "The Write-Ahead Log", and https://sqlite.org/walformat.html
_HEADER, _FRAME_HEADER = 32, 24
_LAST_FRAME = slice(16, 20)  # in the index: how many frames are read


def unread(path: Path) -> int:
    """How many frames were written after a commit that is not read any more; the database must be open.

    What is committed with durability full was synced before more was written, so that a loss of power leaves
    none. With fast it may: then the last writes are lost, as they may be.
    """
    log, index = sqlite_files.sidecars(path)
    if not log.exists() or not index.exists() or log.stat().st_size <= _HEADER:
        return 0
    with index.open("rb") as file:
        read = int.from_bytes(file.read(_LAST_FRAME.stop)[_LAST_FRAME], sys.byteorder)
    later = dropwhile(lambda is_commit: not is_commit, _commits(log, read))
    return max(0, len(list(later)) - 1)


def _commits(log: Path, first: int) -> list[bool]:
    """Whether each frame from that number on ends a transaction; without those of earlier logs."""
    found = []
    with log.open("rb") as file:
        header = file.read(_HEADER)
        size = _FRAME_HEADER + int.from_bytes(header[8:12], "big")
        for number in range(first, (log.stat().st_size - _HEADER) // size):
            file.seek(_HEADER + number * size)
            head = file.read(_FRAME_HEADER)
            if head[8:16] == header[16:24]:
                found.append(any(head[4:8]))
    return found
