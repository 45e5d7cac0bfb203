"""The file lock that old SQLite versions need, and the rule that says which ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hmlr.errors import StorageBusy

Version = tuple[int, int, int]

# Waiting writers ask again this often; short, because the holder of the lock needs a few milliseconds.
_POLL_S = 0.003


def needs_file_lock(version: Version) -> bool:
    """Whether this SQLite can corrupt a WAL when several processes write and checkpoint.

    Fixed in 3.51.3 and, as back-ports, in 3.50.7 and 3.44.6 (https://sqlite.org/wal.html, "WAL-reset bug").
    """
    line = version[:2]
    if line == (3, 50):
        return version < (3, 50, 7)
    if line == (3, 44):
        return version < (3, 44, 6)
    return version < (3, 51, 3)


class WriteLock:
    """One lock over all processes around write transactions and checkpoints; does nothing when not needed."""

    def __init__(self, path: Path, *, needed: bool, timeout_s: float) -> None:
        # Not thread-local: the lock belongs to the store, whichever of its threads takes it.
        self._lock = FileLock(path, mode=0o600, thread_local=False) if needed else None
        self._timeout_s = timeout_s
        self._path = path

    @property
    def needed(self) -> bool:
        """Whether the lock is taken at all."""
        return self._lock is not None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; it blocks, so call it in a thread. Raises StorageBusy after the timeout."""
        if self._lock is None:
            yield
            return
        try:
            self._lock.acquire(timeout=self._timeout_s, poll_interval=_POLL_S)
        except Timeout as error:
            raise StorageBusy(
                f"another process has been writing to the database for {self._timeout_s:g} s",
                hint=f"Repeat the call; if it goes on, look who holds {self._path}",
            ) from error
        try:
            yield
        finally:
            self._lock.release()
