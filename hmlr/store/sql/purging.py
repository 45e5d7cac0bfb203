"""Which erasures may have left bytes behind in the database's files.

The tombstones are the mark: each says whether the files were rewritten since. It is written with the erasure
itself, so that no kill can come between the two.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update

from hmlr.store.schema import tombstones
from hmlr.store.sql.rows import among


def is_pending(connection: Connection) -> bool:
    """See CareStore.purge_pending."""
    pending = select(tombstones.c.tombstone_no).where(~tombstones.c.purged).limit(1)
    return connection.execute(pending).first() is not None


def last_erasure(connection: Connection) -> int:
    """The number of the latest tombstone, 0 for none; noted before a purge, since more may come meanwhile."""
    return int(connection.execute(select(func.max(tombstones.c.tombstone_no))).scalar() or 0)


def mark_purged(connection: Connection, last: int) -> bool:
    """Note that the files were rewritten since that tombstone; whether any was not marked yet."""
    done = update(tombstones).where(~tombstones.c.purged, tombstones.c.tombstone_no <= last)
    return bool(connection.execute(done.values(purged=True)).rowcount)


def mark_these_purged(connection: Connection, numbers: Sequence[int]) -> None:
    """Note that what these tombstones stand for has left the files; one of a lower number may have not."""
    done = update(tombstones).where(among(tombstones.c.tombstone_no, numbers))
    connection.execute(done.values(purged=True))
