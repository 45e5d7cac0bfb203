"""The file lock by which the writers of all processes take turns, and the SQLite versions that need it.

Writers wait in the kernel (`flock`). Asking again and again lets whoever asks at the right moment win, and
SQLite's own busy handler pauses longer and longer: both have a long tail. Where the kernel has locks of open
files (Linux), a gate stands before the lock: only who has passed it may ask, so that a writer with much to do
can't take the lock again before those who wait are awake (docs/decisions/0014-writers-queue.md).
"""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from hmlr.errors import StorageBusy
from hmlr.threads import settle, start_thread

if sys.platform != "win32":
    import fcntl

Version = tuple[int, int, int]
Release = Callable[[], None]

# Without flock (Windows, some file systems) waiting writers ask again this often; a turn takes milliseconds.
_POLL_S = 0.003

# What a kernel or a file system says that does not know a kind of lock.
_UNKNOWN = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}

# Open descriptors of lock files. A fork's copy would go on holding the lock of a parent that was killed.
_descriptors: set[int] = set()


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
    """One lock over all processes around write transactions and checkpoints.

    `needed` says whether the file would not be safe without it; it is taken anyway, for its queue.
    """

    def __init__(self, path: Path, *, needed: bool, timeout_s: float) -> None:
        self.needed = needed
        self.timeout_s = timeout_s
        self._path = path

    @contextmanager
    def queued(self, waiting: Callable[[], None]) -> Iterator[None]:
        """Hold the lock, however long it takes to get it; `waiting` is called when another one has it."""
        release = _take(self._path, wait=False)
        if release is None:
            waiting()
            release = _take(self._path, wait=True)
            assert release is not None  # noqa: S101 - it waited
        try:
            yield
        finally:
            release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock; it blocks, so call it in a thread. Raises StorageBusy after the timeout."""
        release = _take(self._path, wait=False) or self._take_in_time()
        try:
            yield
        finally:
            release()

    def busy(self) -> StorageBusy:
        """What to tell who has waited for the lock too long."""
        return StorageBusy(
            f"another process has been writing to the database for {self.timeout_s:g} s",
            hint=f"Repeat the call; if it goes on, look who holds {self._path}",
        )

    def _take_in_time(self) -> Release:
        # The kernel's queue knows no timeout: a thread waits in it, and lets go what comes too late.
        asked: Future[Release | None] = Future()
        start_thread(partial(settle, asked, partial(_take, self._path, wait=True)), "hmlr-lock")
        try:
            release = asked.result(self.timeout_s)
        except TimeoutError as error:
            asked.add_done_callback(_let_go)
            raise self.busy() from error
        assert release is not None  # noqa: S101 - it waited
        return release


def _let_go(asked: Future[Release | None]) -> None:
    release = None if asked.exception() else asked.result()
    if release is not None:
        release()


def _polled(path: Path, *, wait: bool) -> Release | None:
    lock = FileLock(path, mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=-1 if wait else 0, poll_interval=_POLL_S)
    except Timeout:
        return None
    return lock.release


def _flocked(path: Path, *, wait: bool) -> Release | None:
    """What releases the lock again, or None when another one has it and we don't wait."""
    while True:
        # A descriptor of its own: flock is held by the open file, so that threads exclude each other as well.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        _descriptors.add(descriptor)
        try:
            _pass_gate(descriptor, wait=wait)
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            _leave_gate(descriptor)
            if _is_at(path, descriptor):
                return partial(_unlock, descriptor)
        except BlockingIOError:
            _close(descriptor)
            return None
        except OSError as error:
            _close(descriptor)
            if error.errno == errno.ENOSYS:
                return _polled(path, wait=wait)
            raise
        _close(descriptor)  # somebody removed the file meanwhile: others lock the one that is there now


def _pass_gate(descriptor: int, *, wait: bool) -> None:
    if _HAS_GATE:
        command = fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK
        _lock_first_byte(descriptor, command, fcntl.F_WRLCK)


def _leave_gate(descriptor: int) -> None:
    if _HAS_GATE:
        _lock_first_byte(descriptor, fcntl.F_OFD_SETLK, fcntl.F_UNLCK)


def _lock_first_byte(descriptor: int, command: int, kind: int) -> None:
    try:
        # struct flock of fcntl(2)
        fcntl.fcntl(descriptor, command, struct.pack("hhqqi0q", kind, os.SEEK_SET, 0, 1, 0))
    except OSError as error:
        # A file system without such locks: the gate makes the order fair, safe is the lock behind it.
        if error.errno not in _UNKNOWN:
            raise


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _unlock(descriptor: int) -> None:
    if descriptor not in _descriptors:  # in a fork: the lock is the parent's
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough while a fork has a copy
    finally:
        _close(descriptor)


def _close(descriptor: int) -> None:
    _descriptors.discard(descriptor)
    os.close(descriptor)


def _forget() -> None:
    while _descriptors:
        os.close(_descriptors.pop())


_HAS_GATE = sys.platform == "linux" and hasattr(fcntl, "F_OFD_SETLKW")
_take = _polled if sys.platform == "win32" else _flocked
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
