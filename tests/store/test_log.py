"""What was written after the last commit that is read from a write-ahead log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from hmlr.store.sqlite.log import unread

HEADER, FRAME = 32, 24 + 4096
ROW = "x" * 3000  # one to a page


def logged(path: Path, *counts: int) -> tuple[bytearray, list[int]]:
    """The log of a database that has this many rows written in each transaction, and where each one ends."""
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA wal_autocheckpoint = 0")
        raw.execute("CREATE TABLE t (v)")
        ends = []
        for count in counts:
            raw.execute("BEGIN")
            raw.executemany("INSERT INTO t VALUES (?)", [(ROW,)] * count)
            raw.execute("COMMIT")
            ends.append((log_of(path).stat().st_size - HEADER) // FRAME)
        main, log = path.read_bytes(), bytearray(log_of(path).read_bytes())
    path.write_bytes(main)  # as a process that is killed leaves them
    log_of(path).write_bytes(log)
    return log, ends


def log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def read(path: Path) -> int:
    """How many frames SQLite reads."""
    with closing(sqlite3.connect(path)) as raw:
        _, frames, _ = raw.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        found = unread(path, frames)
    assert frames >= 0
    return found


def test_all_is_read(tmp_path: Path) -> None:
    logged(tmp_path / "a.db", 5, 5)
    assert read(tmp_path / "a.db") == 0


def test_a_changed_byte_hides_the_transaction_after_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    log, (first, second, third) = logged(path, 5, 5, 5)
    log[HEADER + first * FRAME + 100] ^= 1
    log_of(path).write_bytes(log)
    assert read(path) == third - second


def test_a_torn_write_is_no_damage_even_where_a_sector_ends_within_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    log, (first, second) = logged(path, 5, 200)
    split = [number for number in range(first + 1, second - 1) if (HEADER + number * FRAME + 8) % 512 == 0]
    assert split, "no frame's header goes over the end of a sector"
    at = HEADER + first * FRAME
    log[at : at + 512] = bytes(512)  # a sector that was not written
    for number in split:  # one that holds the commit of an earlier log
        at = HEADER + number * FRAME
        log[at : at + 8] = (243).to_bytes(4, "big") * 2
    log_of(path).write_bytes(log)
    assert read(path) == 0
