"""What gardening has made of a user's memory, counted before and after an erasure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, func, select

from hmlr.records import DossierId, UserId
from hmlr.store.care_records import ErasedGarden
from hmlr.store.schema import dossier_entries, dossiers, garden_runs, tags
from hmlr.store.sql.rows import mine


@dataclass(frozen=True, kw_only=True)
class Stock:
    """The dossiers, and how much hangs on them."""

    dossiers: dict[str, int]  # id -> version
    entries: int
    tags: dict[str, int]  # id -> turns that it names
    sealed: int  # runs

    def less(self, left: Stock) -> ErasedGarden:
        """What has gone or changed when `left` is what there is now."""
        stayed = self.dossiers.keys() & left.dossiers.keys()
        changed = (each for each in stayed if self.dossiers[each] != left.dossiers[each])
        return ErasedGarden(
            dossiers_removed=frozenset(map(DossierId, self.dossiers.keys() - stayed)),
            dossiers_changed=frozenset(map(DossierId, changed)),
            entries=self.entries - left.entries,
            tags_removed=len(self.tags.keys() - left.tags.keys()),
            tags_changed=sum(count != self.tags.get(tag_id, count) for tag_id, count in left.tags.items()),
            runs_sealed=max(0, left.sealed - self.sealed),
        )


def take_stock(connection: Connection, user: UserId) -> Stock:
    """Count."""
    this = {"user": user}
    return Stock(
        dossiers={row.dossier_id: row.version for row in connection.execute(_dossiers(), this)},
        entries=int(connection.execute(_entries(), this).scalar_one()),
        tags={row.tag_id: len(row.turn_ids) for row in connection.execute(_tags(), this)},
        sealed=int(connection.execute(_sealed(), this).scalar_one()),
    )


@cache
def _dossiers() -> Select[Any]:
    return select(dossiers.c.dossier_id, dossiers.c.version).where(mine(dossiers))


@cache
def _entries() -> Select[Any]:
    return select(func.count()).select_from(dossier_entries).where(mine(dossier_entries))


@cache
def _tags() -> Select[Any]:
    return select(tags.c.tag_id, tags.c.turn_ids).where(mine(tags))


@cache
def _sealed() -> Select[Any]:
    return select(func.count()).select_from(garden_runs).where(mine(garden_runs), garden_runs.c.sealed)
