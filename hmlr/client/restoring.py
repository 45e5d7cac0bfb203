"""A backup in the place of a memory that nobody has open."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hmlr.core.services import Clock, utc_now
from hmlr.records import Restored
from hmlr.store.sqlite.restore import restore


async def restore_backup(
    backup: str | Path, db_path: str | Path, *, overwrite: bool = False, clock: Clock = utc_now
) -> Restored:
    """Make what `HMLRClient.backup` wrote, also in an earlier version, the memory at `db_path`.

    The file is distrusted: it is looked at throughout and only checked rows are taken. Tokens of the server
    are not taken, since one may have been revoked meanwhile. What was forgotten after the backup is there
    again; the result names it as far as the replaced memory knew. That one is kept beside the new one.

    Raises InvalidInput when there is a memory already, unless `overwrite`; StorageBusy when a program has it
    open; StorageError, StorageCorrupt or SchemaTooNew when the file is refused. Nothing has changed then.
    """
    return await asyncio.to_thread(restore, Path(backup), Path(db_path), overwrite=overwrite, now=clock())
