"""Taking a garden run back: what it changed is put back as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.garden_records import GardenRun
from hmlr.records import RunId, UserId
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    dossier_events,
    dossiers,
    edits,
    garden_images,
    garden_runs,
    tags,
)
from hmlr.store.sqlite_garden import run_of
from hmlr.store.sqlite_garden_images import TEXTS
from hmlr.store.sqlite_garden_step import bump_garden
from hmlr.store.sqlite_rows import among, this


def undo_run(connection: Connection, user: UserId, run_id: RunId, now: datetime) -> GardenRun:
    """See GardenStore.undo_run."""
    own = this(garden_runs, user, "run_id", run_id)
    row = connection.execute(select(garden_runs).where(own)).one_or_none()
    if row is None:
        raise NotFound(f"there is no garden run {run_id!r}", hint="`garden --runs` lists them")
    if row.undone_at is not None:
        return run_of(row)
    if row.sealed:
        raise InvalidInput(
            f"run {run_id} can't be undone: something that it stands on was forgotten since",
            hint="`rebuild` drops all dossiers, `garden` makes them again",
        )
    _refuse_later(connection, user, run_id)
    _restore(connection, user, run_id)
    connection.execute(delete(dossier_events).where(this(dossier_events, user, "run_id", run_id)))
    connection.execute(delete(garden_images).where(this(garden_images, user, "run_id", run_id)))
    _withdraw(connection, user, run_id)
    connection.execute(update(garden_runs).where(own).values(undone_at=now))
    bump_garden(connection, user)
    return run_of(connection.execute(select(garden_runs).where(own)).one())


def _withdraw(connection: Connection, user: UserId, run_id: RunId) -> None:
    """Take back the decisions that an edit by hand stands for."""
    of_run = func.json_extract(edits.c.payload, "$.run_id") == run_id
    connection.execute(delete(edits).where(edits.c.user_id == user, of_run))


def _refuse_later(connection: Connection, user: UserId, run_id: RunId) -> None:
    """Conflict when a later run has built on what this one made."""
    mine = garden_images.alias()
    later = (
        select(garden_images.c.run_id)
        .join(
            mine,
            and_(
                mine.c.user_id == garden_images.c.user_id,
                mine.c.kind == garden_images.c.kind,
                mine.c.target == garden_images.c.target,
            ),
        )
        .where(
            garden_images.c.user_id == user,
            mine.c.run_id == run_id,
            garden_images.c.run_id != run_id,
            garden_images.c.image_no > mine.c.image_no,
        )
        .order_by(garden_images.c.image_no.desc())
        .limit(1)
    )
    if (other := connection.execute(later).scalar()) is not None:
        raise Conflict(f"run {other} has built on run {run_id}", hint=f"Undo {other} first")


def _restore(connection: Connection, user: UserId, run_id: RunId) -> None:
    """Put everything back: dossiers before the places in them, and what was made goes last."""
    found = select(garden_images.c.kind, garden_images.c.target, garden_images.c.before).where(
        this(garden_images, user, "run_id", run_id)
    )
    images: dict[str, dict[str, Any]] = {"dossier": {}, "place": {}, "block": {}}
    for row in connection.execute(found):
        images[row.kind][row.target] = row.before
    for dossier_id, before in images["dossier"].items():
        if before is not None:
            _restore_dossier(connection, user, dossier_id, before)
    _restore_places(connection, user, images["place"])
    made = [dossier_id for dossier_id, before in images["dossier"].items() if before is None]
    connection.execute(delete(dossiers).where(dossiers.c.user_id == user, among(dossiers.c.dossier_id, made)))
    for block_id, before in images["block"].items():
        _restore_block(connection, user, block_id, before)


def _restore_dossier(
    connection: Connection, user: UserId, dossier_id: str, before: Mapping[str, Any]
) -> None:
    texts = {name: before[name] for name in TEXTS} | {"model_id": None, "vector": None}
    put = upsert(dossiers).values(user_id=user, dossier_id=dossier_id, version=1, **texts)
    newer = {**texts, "version": dossiers.c.version + 1}
    connection.execute(put.on_conflict_do_update(index_elements=["user_id", "dossier_id"], set_=newer))


def _restore_places(connection: Connection, user: UserId, places: Mapping[str, Any]) -> None:
    own = and_(dossier_entries.c.user_id == user, among(dossier_entries.c.fact_id, places))
    connection.execute(delete(dossier_entries).where(own))
    rows = [{"user_id": user, "fact_id": key, **before} for key, before in places.items() if before]
    if rows:
        connection.execute(insert(dossier_entries), rows)


def _restore_block(connection: Connection, user: UserId, block_id: str, before: Mapping[str, Any]) -> None:
    """A block that was taken up again since stays so; its tags are those from before all the same."""
    own = this(blocks, user, "block_id", block_id)
    there = connection.execute(select(func.count()).select_from(blocks).where(own)).scalar()
    connection.execute(delete(tags).where(this(tags, user, "block_id", block_id)))
    if not there:
        return
    gardened = and_(own, blocks.c.state == "GARDENED")
    state = {"state": before["state"], "version": blocks.c.version + 1}
    connection.execute(update(blocks).where(gardened).values(state))
    if before["tags"]:
        rows = [{"user_id": user, "block_id": block_id, **tag} for tag in before["tags"]]
        connection.execute(insert(tags), rows)
