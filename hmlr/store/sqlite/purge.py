"""Purging: what an erasure removed from the tables leaves the files too, whoever was killed in between.

The tombstones are the mark: each says whether the files were rewritten since. It is written with the erasure
itself, so that no kill can come between the two.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from hmlr.store.schema import tombstones
from hmlr.store.sqlite.engine import Link


def is_pending(connection: Connection) -> bool:
    """See CareStore.purge_pending."""
    return (
        connection.execute(select(tombstones.c.tombstone_no).where(~tombstones.c.purged).limit(1)).first()
        is not None
    )


def purge(link: Link) -> bool:
    """See CareStore.purge_files; needs a connection outside any transaction."""
    # Noted first: another process may erase more while the files are rewritten.
    last = link.connection.execute(select(func.max(tombstones.c.tombstone_no))).scalar() or 0
    # Deleted words stay in the index's segments until these are merged, deleted rows in free pages until
    # the file is written anew, and both in the log until that is cut.
    link.raw.execute("INSERT INTO chunk_terms(chunk_terms) VALUES ('optimize')")
    link.raw.execute("VACUUM")
    if not _cut_log(link):
        return False
    done = update(tombstones).where(~tombstones.c.purged, tombstones.c.tombstone_no <= last)
    if link.connection.execute(done.values(purged=True)).rowcount:
        _cut_log(link)  # a log that holds the mark alone is no secret, but an empty one is seen to be none
    return True


def _cut_log(link: Link) -> bool:
    """Move the write-ahead log into the database and cut it; False when somebody's snapshot prevents it."""
    (timeout,) = link.raw.execute("PRAGMA busy_timeout").fetchone()
    link.raw.execute("PRAGMA busy_timeout = 2000")  # enough for reads; an export is not waited for
    busy, _, _ = link.raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    link.raw.execute(f"PRAGMA busy_timeout = {int(timeout)}")
    return not busy
