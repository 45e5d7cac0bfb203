"""The disk below SQLite: every call to it is seen, and can be made to fail.

The standard library's `sqlite3` has no hook here, but the SQLite that it has loaded is reached by ctypes. A
copy of the default VFS is registered in its place while the disk is watched; files opened through it get a
copy of their table of methods, in which ours stand first and call the real ones. Locks, shared memory and all
else stay SQLite's own. It needs no compiler and no privilege; where Python carries an SQLite whose functions
are hidden, `available()` says so.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_P, _INT, _I64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
_METHODS = (
    *("close", "read", "write", "truncate", "sync", "size", "lock", "unlock", "reserved", "control"),
    *("sector", "traits", "map", "map_lock", "map_barrier", "unmap", "fetch", "unfetch"),
)
# https://sqlite.org/c3ref/c_ioerr_access.html
IOERR = 10
CODES = {
    "read": IOERR | 1 << 8,
    "write": IOERR | 3 << 8,
    "sync": IOERR | 4 << 8,
    "truncate": IOERR | 6 << 8,
    "size": IOERR | 7 << 8,
    "delete": IOERR | 10 << 8,
    "lock": IOERR | 15 << 8,
    "map": IOERR | 21 << 8,
    "open": 14,  # SQLITE_CANTOPEN
}
Call = Literal["read", "write", "sync", "truncate", "size", "delete", "lock", "map", "open"]
_MAIN, _WAL, _JOURNAL = 0x100, 0x80000, 0x800
_UNLOCKED = 0


class _Vfs(ctypes.Structure):
    """struct sqlite3_vfs, https://sqlite.org/c3ref/vfs.html"""

    _fields_ = [
        ("version", _INT),
        ("file_size", _INT),
        ("most_name", _INT),
        ("next", _P),
        ("name", ctypes.c_char_p),
        ("data", _P),
        ("open", _P),
        ("delete", _P),
        *((f"other{number}", _P) for number in range(13)),
    ]


class _Methods(ctypes.Structure):
    """struct sqlite3_io_methods, https://sqlite.org/c3ref/io_methods.html"""

    _fields_ = [("version", _INT), *((name, _P) for name in _METHODS)]


# Names are addresses: SQLite keeps them, and reads parameters behind their end.
_OPEN = ctypes.CFUNCTYPE(_INT, _P, _P, _P, _INT, _P)
_DELETE = ctypes.CFUNCTYPE(_INT, _P, _P, _INT)
_OURS: dict[str, Any] = {
    "close": ctypes.CFUNCTYPE(_INT, _P),
    "read": ctypes.CFUNCTYPE(_INT, _P, _P, _INT, _I64),
    "write": ctypes.CFUNCTYPE(_INT, _P, _P, _INT, _I64),
    "truncate": ctypes.CFUNCTYPE(_INT, _P, _I64),
    "sync": ctypes.CFUNCTYPE(_INT, _P, _INT),
    "size": ctypes.CFUNCTYPE(_INT, _P, _P),
    "lock": ctypes.CFUNCTYPE(_INT, _P, _INT),
    "map": ctypes.CFUNCTYPE(_INT, _P, _INT, _INT, _INT, _P),
}


def _library() -> ctypes.CDLL | None:
    """The SQLite that this Python uses; None when it shows nothing of itself."""
    library = ctypes.CDLL(_sqlite3.__file__)
    return library if hasattr(library, "sqlite3_vfs_register") else None


def available() -> bool:
    """Whether the disk can be watched here."""
    return _library() is not None


@dataclass(frozen=True)
class Event:
    """Something that reached the disk, or that the caller was told (`ack`)."""

    kind: Literal["create", "write", "truncate", "sync", "lost", "folder", "delete", "ack"]
    name: str = ""  # of the file
    offset: int = 0  # or the new size
    data: bytes = b""


class Disk:
    """What is done to the files of one folder, in order; and which call to it fails."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.calls: list[Call] = []  # all that were made since the last `arm`
        self.failed: Call | None = None  # the call that was made to fail since then
        self._folder = folder
        self._guard = threading.Lock()
        self._fails: Callable[[int, Call], bool] = lambda number, call: False

    def arm(self, fails: Callable[[int, Call], bool]) -> None:
        """From now on a call fails when this says so, told how many were made before and which one it is."""
        with self._guard:
            self._fails, self.calls, self.failed = fails, [], None

    def disarm(self) -> None:
        """Nothing fails any more; `calls` and `failed` stay."""
        with self._guard:
            self._fails = lambda number, call: False

    def ack(self, name: str) -> None:
        """Note that a caller was told that this is done."""
        self.note(Event("ack", name))

    def note(self, event: Event) -> None:
        """Add an event."""
        with self._guard:
            self.events.append(event)

    def refuses(self, call: Call) -> bool:
        """Count a call; whether it fails."""
        with self._guard:
            self.calls.append(call)
            fails = self._fails(len(self.calls) - 1, call)
            if fails:
                self.failed = call
            return fails

    def owns(self, address: int | None) -> Path | None:
        """The file whose name stands there, when it lies in the folder."""
        path = None if address is None else Path(os.fsdecode(ctypes.string_at(address)))
        return path if path is not None and path.parent == self._folder else None


@contextmanager
def watched(folder: Path) -> Iterator[Disk]:
    """Watch every file that SQLite opens in this folder from now on; all must be closed before the end."""
    library = _library()
    assert library is not None
    find, register, unregister = (
        getattr(library, f"sqlite3_vfs_{name}") for name in ("find", "register", "unregister")
    )
    find.restype, find.argtypes = ctypes.POINTER(_Vfs), [ctypes.c_char_p]
    register.argtypes, unregister.argtypes = [ctypes.POINTER(_Vfs), _INT], [ctypes.POINTER(_Vfs)]
    real = find(None)
    disk = Disk(folder.resolve())
    shim = _Shim(disk, real.contents)
    assert register(ctypes.byref(shim.vfs), 1) == 0
    try:
        yield disk
    finally:
        unregister(ctypes.byref(shim.vfs))
        register(real, 1)
        gc.collect()  # errors hold cursors, and those the connection
        assert not shim.files, f"still open: {sorted(shim.files.values())}"


class _Shim:
    """A VFS whose files tell a disk what is done to them."""

    def __init__(self, disk: Disk, real: _Vfs) -> None:
        self.files: dict[int, str] = {}  # address of the open file to its name
        self._disk = disk
        self._unsynced: set[int] = set()  # logs and journals whose folder is synced with them, the first time
        self._tables: dict[int, tuple[_Methods, dict[str, Any], list[Any]]] = {}
        self._of_file: dict[int, dict[str, Any]] = {}
        self.vfs = _Vfs.from_buffer_copy(real)
        self.vfs.name = b"watched"
        self._open_real = _OPEN(real.open)
        self._delete_real = _DELETE(real.delete)
        self._kept = [_OPEN(self._open), _DELETE(self._delete)]
        self.vfs.open, self.vfs.delete = (ctypes.cast(each, _P).value for each in self._kept)

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out: int) -> int:
        own = self._disk.owns(name)
        if own is None:
            return int(self._open_real(vfs, name, file, flags, out))
        if self._disk.refuses("open"):
            _P.from_address(file).value = None  # no methods: SQLite does not close it
            return CODES["open"]
        # The empty main file is made by the store.
        is_new = not own.exists() or (flags & _MAIN and own.stat().st_size == 0)
        code = int(self._open_real(vfs, name, file, flags, out))
        if code == 0:
            if is_new:
                self._disk.note(Event("create", own.name))
            if flags & (_WAL | _JOURNAL):
                self._unsynced.add(file)
            self.files[file] = own.name
            self._take_over(file)
        return code

    def _take_over(self, file: int) -> None:
        """Put our methods before the file's own."""
        place = _P.from_address(file)
        assert place.value is not None
        if place.value not in self._tables:
            methods = _Methods.from_address(place.value)
            mine, real, kept = _Methods.from_buffer_copy(methods), {}, []
            for name, kind in _OURS.items():
                if address := getattr(methods, name):
                    real[name] = kind(address)
                    kept.append(kind(getattr(self, f"_{name}")))
                    setattr(mine, name, ctypes.cast(kept[-1], _P).value)
            self._tables[place.value] = (mine, real, kept)
        mine, real, _ = self._tables[place.value]
        self._of_file[file] = real
        place.value = ctypes.addressof(mine)

    def _delete(self, vfs: int, name: int, sync_folder: int) -> int:
        own = self._disk.owns(name)
        if own is not None and self._disk.refuses("delete"):
            return CODES["delete"]
        code = int(self._delete_real(vfs, name, sync_folder))
        if own is not None and code == 0:
            self._disk.note(Event("delete", own.name))
            if sync_folder:
                self._disk.note(Event("folder"))
        return code

    def _pass(self, call: Call, file: int, *given: Any) -> int:
        if self._disk.refuses(call):
            return CODES[call]
        return int(self._of_file[file][call](file, *given))

    def _close(self, file: int) -> int:
        code = int(self._of_file.pop(file)["close"](file))
        self._unsynced.discard(file)
        del self.files[file]
        return code

    def _read(self, file: int, buffer: int, size: int, offset: int) -> int:
        return self._pass("read", file, buffer, size, offset)

    def _write(self, file: int, buffer: int, size: int, offset: int) -> int:
        code = self._pass("write", file, buffer, size, offset)
        if code == 0:
            self._disk.note(Event("write", self.files[file], offset, ctypes.string_at(buffer, size)))
        return code

    def _truncate(self, file: int, size: int) -> int:
        code = self._pass("truncate", file, size)
        if code == 0:
            self._disk.note(Event("truncate", self.files[file], size))
        return code

    def _sync(self, file: int, flags: int) -> int:
        code = self._pass("sync", file, flags)
        # After a failed fsync Linux takes the pages for clean: what it had to write may never get there.
        self._disk.note(Event("lost" if code else "sync", self.files[file]))
        if code == 0 and file in self._unsynced:  # as SQLite's own: the first time, the folder as well
            self._unsynced.discard(file)
            self._disk.note(Event("folder"))
        return code

    def _size(self, file: int, size: int) -> int:
        return self._pass("size", file, size)

    def _lock(self, file: int, level: int) -> int:
        return self._pass("lock", file, level)

    def _map(self, file: int, region: int, size: int, extend: int, out: int) -> int:
        return self._pass("map", file, region, size, extend, out)


def nth(number: int, *, stays: bool = False) -> Callable[[int, Call], bool]:
    """Make the call of this number fail, counted from 0; with `stays` every later one as well."""
    return lambda at, call: at >= number if stays else at == number
