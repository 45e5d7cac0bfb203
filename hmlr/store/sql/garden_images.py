"""The way back of a garden run: each record as it was before the run first changed it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from hmlr.garden_records import GardenRun
from hmlr.records import UserId
from hmlr.store.garden_records import GardenStep
from hmlr.store.schema import blocks, dossier_entries, dossiers, garden_images, tags
from hmlr.store.sql.rows import into, listed, mine, the

TEXTS = ("title", "summary", "search_summary")
PLACE = ("dossier_id", "statement", "told")
_TAG = ("tag_id", "kind", "text", "quote", "message_id", "turn_ids")
_KINDS = ("dossier", "place", "block")


class Images:
    """Keeps what a step of a run finds before it changes it; of each record only what the run found first."""

    def __init__(self, connection: Connection, user: UserId, step: GardenStep) -> None:
        self._connection = connection
        self._user = user
        self._run = step.run
        self._kept = self._already(step.run, _targets(step)) if step.run else set()
        self._rows: list[dict[str, Any]] = []

    def _already(self, run: GardenRun, targets: Sequence[str]) -> set[tuple[str, str]]:
        asked = {"user": self._user, "run": run.run_id, "targets": targets}
        return {(row.kind, row.target) for row in self._connection.execute(_kept(), asked)}

    def keep_dossier(self, dossier_id: str) -> None:
        """A dossier's texts, and which facts they stand on."""
        if self._is_kept("dossier", dossier_id):
            return
        this = {"user": self._user, "of": dossier_id}
        row = self._connection.execute(_texts(), this).one_or_none()
        ids = list(self._connection.execute(_held(), this).scalars())
        self._keep("dossier", dossier_id, None if row is None else {**row._mapping, "facts": ids})

    def keep_places(self, ids: Sequence[str]) -> None:
        """Where the facts were."""
        new = [fact_id for fact_id in ids if not self._is_kept("place", fact_id)]
        if not new:
            return
        rows = self._connection.execute(_places(), {"user": self._user, "ids": new}).mappings()
        before = {row["fact_id"]: {name: row[name] for name in PLACE} for row in rows}
        for fact_id in new:
            self._keep("place", fact_id, before.get(fact_id))

    def keep_block(self, block_id: str) -> None:
        """A block's state and tags."""
        if self._is_kept("block", block_id):
            return
        this = {"user": self._user, "of": block_id}
        rows = [dict(row) for row in self._connection.execute(_tags(), this).mappings()]
        state = self._connection.execute(_state(), this).scalar()
        self._keep("block", block_id, {"state": state, "tags": rows})

    def write(self) -> None:
        """Write what was kept."""
        if self._rows:
            self._connection.execute(into(garden_images), self._rows)

    def _is_kept(self, kind: str, target: str) -> bool:
        return self._run is None or (kind, target) in self._kept

    def _keep(self, kind: str, target: str, before: dict[str, Any] | None) -> None:
        assert self._run is not None  # noqa: S101 - else nothing is kept
        row = {"user_id": self._user, "run_id": self._run.run_id, "kind": kind, "target": target}
        self._rows.append({**row, "before": before})
        self._kept.add((kind, target))


def _targets(step: GardenStep) -> list[str]:
    ids = [*(each.dossier_id for each in step.dossiers), *(each.fact_id for each in step.places)]
    return [*ids, *step.dropped, *([step.block.block_id] if step.block else [])]


@cache
def _kept() -> Select[Any]:
    # By their targets: to look through all that the run has kept would make each step slower than the last.
    found = select(garden_images.c.kind, garden_images.c.target).where(
        mine(garden_images), garden_images.c.kind.in_(_KINDS), listed(garden_images.c.target, "targets")
    )
    return found.where(garden_images.c.run_id.concat("") == bindparam("run"))


@cache
def _texts() -> Select[Any]:
    return select(*(dossiers.c[name] for name in TEXTS)).where(the(dossiers, "dossier_id"))


@cache
def _held() -> Select[Any]:
    return select(dossier_entries.c.fact_id).where(the(dossier_entries, "dossier_id"))


@cache
def _places() -> Select[Any]:
    return select(dossier_entries).where(mine(dossier_entries), listed(dossier_entries.c.fact_id, "ids"))


@cache
def _tags() -> Select[Any]:
    return select(*(tags.c[name] for name in _TAG)).where(the(tags, "block_id"))


@cache
def _state() -> Select[Any]:
    return select(blocks.c.state).where(the(blocks, "block_id"))
