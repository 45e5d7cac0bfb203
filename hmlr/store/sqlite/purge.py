"""Purging: what an erasure removed from the tables leaves the file too, whoever was killed in between."""

from __future__ import annotations

from hmlr.store.sql.purging import last_erasure, mark_purged
from hmlr.store.sqlite.engine import Link


def purge(link: Link) -> bool:
    """See CareStore.purge_files; needs a connection outside any transaction."""
    # Noted first: another process may erase more while the files are rewritten.
    last = last_erasure(link.connection)
    # Deleted words stay in the index's segments until these are merged, deleted rows in free pages until
    # the file is written anew, and both in the log until that is cut.
    link.raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('optimize')")
    link.raw.execute("VACUUM")
    if not _cut_log(link):
        return False
    if mark_purged(link.connection, last):
        _cut_log(link)  # a log that holds the mark alone is no secret, but an empty one is seen to be none
    return True


def _cut_log(link: Link) -> bool:
    """Move the write-ahead log into the database and cut it; False when somebody's snapshot prevents it."""
    (timeout,) = link.raw.execute("PRAGMA busy_timeout").fetchone()
    link.raw.execute("PRAGMA busy_timeout = 2000")  # enough for reads; an export is not waited for
    busy, _, _ = link.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    link.raw.execute(f"PRAGMA busy_timeout = {int(timeout)}")
    return not busy
