"""The store on a test's database, whichever it is; for processes of their own, too."""

from __future__ import annotations

from pathlib import Path

from hmlr.store.port import Store
from hmlr.store.slicing import Slicer

Place = str  # the address of a database, as HMLRClient takes it


def is_file(place: Place) -> bool:
    """Whether it is an SQLite file."""
    return not place.startswith("postgresql:")


async def open_place(place: Place, *, slicer: Slicer) -> Store:
    """The store on a database."""
    if is_file(place):
        from hmlr.store.sqlite.store import open_sqlite

        return await open_sqlite(Path(place), slicer=slicer)
    from hmlr.store.postgres.settings import Reach
    from hmlr.store.postgres.store import open_postgres

    return await open_postgres(Reach(url=place), slicer=slicer)
