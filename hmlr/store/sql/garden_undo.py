"""Taking a garden run back: what it changed is put back as it was."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Delete, Select, Table, Update, and_, bindparam, delete, select

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
from hmlr.store.sql.blocks import newer_block
from hmlr.store.sql.garden import run_of
from hmlr.store.sql.garden_images import TEXTS
from hmlr.store.sql.garden_step import bump_garden
from hmlr.store.sql.rows import change_the, into, mine, remove_some, some, the
from hmlr.store.sql.words import TextAt, Upsert, upsert

_Images = Mapping[str, Any]  # by target: what was there before


def undo_run(connection: Connection, user: UserId, run_id: RunId, now: datetime) -> GardenRun:
    """See GardenStore.undo_run."""
    this = {"user": user, "of": run_id}
    row = connection.execute(_run(), this).one_or_none()
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
    for table in (dossier_events, garden_images):
        connection.execute(_remove_of_run(table), this)
    connection.execute(_withdraw(), this)
    connection.execute(change_the(garden_runs, "run_id"), {**this, "undone_at": now})
    bump_garden(connection, user)
    return run_of(connection.execute(_run(), this).one())


@cache
def _run() -> Select[Any]:
    return select(garden_runs).where(the(garden_runs, "run_id"))


@cache
def _remove_of_run(table: Table) -> Delete:
    return delete(table).where(the(table, "run_id"))


@cache
def _withdraw() -> Delete:
    """Take back the decisions that an edit by hand stands for."""
    run_id = TextAt(edits.c.payload, "run_id")
    return delete(edits).where(mine(edits), run_id == bindparam("of"))


def _refuse_later(connection: Connection, user: UserId, run_id: RunId) -> None:
    """Conflict when a later run has built on what this one made."""
    if (other := connection.execute(_later(), {"user": user, "of": run_id}).scalar()) is not None:
        raise Conflict(f"run {other} has built on run {run_id}", hint=f"Undo {other} first")


@cache
def _later() -> Select[Any]:
    own = garden_images.alias()
    of_same = and_(
        own.c.user_id == garden_images.c.user_id,
        own.c.kind == garden_images.c.kind,
        own.c.target == garden_images.c.target,
    )
    found = (
        select(garden_images.c.run_id)
        .join(own, of_same)
        .where(
            own.c.user_id == bindparam("user"),
            own.c.run_id == bindparam("of"),
            garden_images.c.run_id != bindparam("of"),
            garden_images.c.image_no > own.c.image_no,
        )
    )
    return found.order_by(garden_images.c.image_no.desc()).limit(1)


def _restore(connection: Connection, user: UserId, run_id: RunId) -> None:
    """Put everything back: dossiers before the places in them, and what was made goes last."""
    images: dict[str, dict[str, Any]] = {"dossier": {}, "place": {}, "block": {}}
    for row in connection.execute(_images(), {"user": user, "of": run_id}):
        images[row.kind][row.target] = row.before
    _restore_dossiers(connection, user, images["dossier"])
    if images["place"]:
        _restore_places(connection, user, images["place"])
    made = [dossier_id for dossier_id, before in images["dossier"].items() if before is None]
    if made:
        connection.execute(remove_some(dossiers, "dossier_id"), {"user": user, "of": made})
    if images["block"]:
        _restore_blocks(connection, user, images["block"])


@cache
def _images() -> Select[Any]:
    columns = garden_images.c.kind, garden_images.c.target, garden_images.c.before
    return select(*columns).where(the(garden_images, "run_id"))


def _restore_dossiers(connection: Connection, user: UserId, images: _Images) -> None:
    rows = [
        {
            "user_id": user,
            "dossier_id": dossier_id,
            **{name: before[name] for name in TEXTS},
            "model_id": None,
            "vector": None,
            "version": 1,
        }
        for dossier_id, before in images.items()
        if before is not None
    ]
    if rows:
        connection.execute(_put_dossiers(), rows)


@cache
def _put_dossiers() -> Upsert:
    put = upsert(dossiers)
    texts = {name: put.excluded[name] for name in (*TEXTS, "model_id", "vector")}
    newer = {**texts, "version": dossiers.c.version + 1}
    return put.on_conflict_do_update(index_elements=["user_id", "dossier_id"], set_=newer)


def _restore_places(connection: Connection, user: UserId, images: _Images) -> None:
    connection.execute(remove_some(dossier_entries, "fact_id"), {"user": user, "of": list(images)})
    rows = [{"user_id": user, "fact_id": fact_id, **before} for fact_id, before in images.items() if before]
    if rows:
        connection.execute(into(dossier_entries), rows)


def _restore_blocks(connection: Connection, user: UserId, images: _Images) -> None:
    """A block that was taken up again since stays so; its tags are those from before all the same."""
    these = {"user": user, "of": list(images)}
    there = set(connection.execute(_known_blocks(), these).scalars())
    connection.execute(remove_some(tags, "block_id"), these)
    left = {block_id: before for block_id, before in images.items() if block_id in there}
    if left:
        rows = [{"user": user, "of": block_id, "state": before["state"]} for block_id, before in left.items()]
        connection.execute(_ungarden(), rows)
    held = [
        {"user_id": user, "block_id": block_id, **tag}
        for block_id, before in left.items()
        for tag in before["tags"]
    ]
    if held:
        connection.execute(into(tags), held)


@cache
def _known_blocks() -> Select[Any]:
    return select(blocks.c.block_id).where(some(blocks, "block_id"))


@cache
def _ungarden() -> Update:
    return newer_block().where(blocks.c.state == "GARDENED")
