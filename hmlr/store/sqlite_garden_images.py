"""The way back of a garden run: each record as it was before the run first changed it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, insert, select

from hmlr.garden_records import GardenRun
from hmlr.records import UserId
from hmlr.store.schema import blocks, dossier_entries, dossiers, garden_images, tags
from hmlr.store.sqlite_rows import among, this

TEXTS = ("title", "summary", "search_summary")
PLACE = ("dossier_id", "statement", "told")
_TAG = ("tag_id", "kind", "text", "quote", "message_id", "turn_ids")


class Images:
    """Keeps what a run finds before it changes it, once for each record."""

    def __init__(self, connection: Connection, user: UserId, run: GardenRun | None) -> None:
        self._connection = connection
        self._user = user
        self._run = run

    def keep_dossier(self, dossier_id: str) -> None:
        """A dossier's texts, and which facts they stand on."""
        if self._run is None or self._kept("dossier", [dossier_id]):
            return
        names = (dossiers.c[name] for name in TEXTS)
        row = self._connection.execute(
            select(*names).where(this(dossiers, self._user, "dossier_id", dossier_id))
        ).one_or_none()
        held = select(dossier_entries.c.fact_id).where(
            this(dossier_entries, self._user, "dossier_id", dossier_id)
        )
        ids = list(self._connection.execute(held).scalars())
        self._keep("dossier", dossier_id, None if row is None else {**row._mapping, "facts": ids})

    def keep_places(self, ids: Sequence[str]) -> None:
        """Where the facts were."""
        if self._run is None:
            return
        kept = self._kept("place", ids)
        here = and_(dossier_entries.c.user_id == self._user, among(dossier_entries.c.fact_id, ids))
        rows = self._connection.execute(select(dossier_entries).where(here)).mappings()
        before = {row["fact_id"]: {name: row[name] for name in PLACE} for row in rows}
        for fact_id in ids:
            if fact_id not in kept:
                self._keep("place", fact_id, before.get(fact_id))

    def keep_block(self, block_id: str) -> None:
        """A block's state and tags."""
        if self._run is None or self._kept("block", [block_id]):
            return
        state = select(blocks.c.state).where(this(blocks, self._user, "block_id", block_id))
        names = (tags.c[name] for name in _TAG)
        held = select(*names).where(this(tags, self._user, "block_id", block_id))
        rows = [dict(row) for row in self._connection.execute(held).mappings()]
        before = {"state": self._connection.execute(state).scalar(), "tags": rows}
        self._keep("block", block_id, before)

    def _kept(self, kind: str, targets: Sequence[str]) -> set[str]:
        assert self._run is not None  # noqa: S101 - asked by the callers
        mine = this(garden_images, self._user, "run_id", self._run.run_id)
        found = select(garden_images.c.target).where(
            mine, garden_images.c.kind == kind, among(garden_images.c.target, targets)
        )
        return set(self._connection.execute(found).scalars())

    def _keep(self, kind: str, target: str, before: Mapping[str, Any] | None) -> None:
        assert self._run is not None  # noqa: S101 - asked by the callers
        row = {"run_id": self._run.run_id, "kind": kind, "target": target, "before": before}
        self._connection.execute(insert(garden_images), {"user_id": self._user, **row})
