"""What gardening writes: one step of a run, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

from sqlalchemy import Connection, Delete, Select, Update, bindparam, delete, select, update

from hmlr.errors import Conflict
from hmlr.garden_records import GardenRun
from hmlr.records import UserId
from hmlr.store.garden_records import VECTOR_TYPE, DossierVector, GardenedBlock, GardenStep, Place, PutDossier
from hmlr.store.records import Lease
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    dossier_events,
    dossiers,
    facts,
    garden_runs,
    tags,
    users,
)
from hmlr.store.sql.facts import add_edit
from hmlr.store.sql.garden_images import PLACE, TEXTS, Images
from hmlr.store.sql.leases import finish
from hmlr.store.sql.rows import ensure_user, into, listed, mine, the
from hmlr.store.sql.words import Upsert, upsert


def bump_garden(connection: Connection, user: UserId) -> None:
    """Tell every reader of the user's dossiers and tags that they change now."""
    connection.execute(_bump(), {"user": user})


@cache
def _bump() -> Update:
    return update(users).where(mine(users)).values(garden_version=users.c.garden_version + 1)


def garden_step(connection: Connection, user: UserId, step: GardenStep, done: Sequence[Lease]) -> None:
    """See GardenStore.garden_step."""
    finish(connection, user, done)
    _require_unchanged(connection, user, step)
    if step.run is not None:
        _put_run(connection, user, step.run)
    images = Images(connection, user, step)
    for dossier in step.dossiers:
        images.keep_dossier(dossier.dossier_id)
        _put_dossier(connection, user, dossier)
    _place(connection, user, step.places, images)
    for dossier_id in step.dropped:
        images.keep_dossier(dossier_id)
        _drop(connection, user, dossier_id)
    if step.block is not None:
        _put_block(connection, user, step.block, images)
    images.write()
    if step.events:
        rows = [{"user_id": user, **asdict(event)} for event in step.events]
        connection.execute(into(dossier_events), rows)
    for edit in step.edits:
        add_edit(connection, user, edit)
    bump_garden(connection, user)


def _require_unchanged(connection: Connection, user: UserId, step: GardenStep) -> None:
    """Conflict when what the step was made of is no longer so."""
    if not step.tells:
        return
    now = ensure_user(connection, user)
    if now.erasures != step.erasures:
        raise Conflict("something was forgotten since the garden step was made", hint="Make it anew")
    if step.garden_version not in (None, now.garden_version):
        raise Conflict("dossiers have changed since the garden step was made", hint="Make it anew")


def _drop(connection: Connection, user: UserId, dossier_id: str) -> None:
    """Remove a dossier; Conflict when facts were put into it meanwhile, which would lose their place."""
    this = {"user": user, "of": dossier_id}
    if connection.execute(_any_held(), this).first() is not None:
        raise Conflict(f"dossier {dossier_id} has gained facts meanwhile", hint="Read it again")
    connection.execute(_remove_dossier(), this)


@cache
def _any_held() -> Select[Any]:
    return select(dossier_entries.c.fact_id).where(the(dossier_entries, "dossier_id")).limit(1)


@cache
def _remove_dossier() -> Delete:
    return delete(dossiers).where(the(dossiers, "dossier_id"))


def _put_dossier(connection: Connection, user: UserId, given: PutDossier) -> None:
    values = {name: getattr(given, name) for name in TEXTS} | _vector_values(given.vector)
    values["version"] = given.version + 1
    if given.version == 0:
        row = {"user_id": user, "dossier_id": given.dossier_id, **values}
        written = connection.execute(_new_dossier(), row)
    else:
        this = {"user": user, "of": given.dossier_id, "read": given.version}
        written = connection.execute(_change_dossier(), {**this, **values})
    if not written.rowcount:
        raise Conflict(
            f"dossier {given.dossier_id} has changed since version {given.version}", hint="Read it again"
        )


@cache
def _new_dossier() -> Upsert:
    return upsert(dossiers).on_conflict_do_nothing()


@cache
def _change_dossier() -> Update:
    return update(dossiers).where(the(dossiers, "dossier_id"), dossiers.c.version == bindparam("read"))


def _vector_values(vector: DossierVector | None) -> dict[str, Any]:
    if vector is None:
        return {"model_id": None, "vector": None}
    return {"model_id": vector.model_id, "vector": vector.row.astype(VECTOR_TYPE).tobytes()}


def put_vectors(
    connection: Connection, user: UserId, vectors: Sequence[tuple[str, str, DossierVector]]
) -> None:
    """See GardenStore.put_dossier_vectors."""
    for dossier_id, text, vector in vectors:
        this = {"user": user, "of": dossier_id, "text": text}
        connection.execute(_put_vector(), {**this, **_vector_values(vector)})
    bump_garden(connection, user)


@cache
def _put_vector() -> Update:
    return update(dossiers).where(the(dossiers, "dossier_id"), dossiers.c.search_summary == bindparam("text"))


def _place(connection: Connection, user: UserId, places: Sequence[Place], images: Images) -> None:
    if not places:
        return
    ids = [place.fact_id for place in places]
    if missing := set(ids) - set(connection.execute(_known(), {"user": user, "ids": ids}).scalars()):
        raise Conflict(f"fact {min(missing)} is gone", hint="Make the garden step anew")
    images.keep_places(ids)
    connection.execute(_put_places(), [{"user_id": user, **vars(place)} for place in places])


@cache
def _known() -> Select[Any]:
    return select(facts.c.fact_id).where(mine(facts), listed(facts.c.fact_id, "ids"))


@cache
def _put_places() -> Upsert:
    put = upsert(dossier_entries)
    return put.on_conflict_do_update(
        index_elements=["user_id", "fact_id"], set_={name: put.excluded[name] for name in PLACE}
    )


def _put_block(connection: Connection, user: UserId, given: GardenedBlock, images: Images) -> None:
    images.keep_block(given.block_id)
    this = {"user": user, "of": given.block_id}
    read = {"read": given.version, "version": given.version + 1}
    if not connection.execute(_gardened(), {**this, **read}).rowcount:
        raise Conflict(f"block {given.block_id} has changed since version {given.version}")
    connection.execute(_remove_tags(), this)
    rows = [{"user_id": user, **asdict(tag), "turn_ids": list(tag.turn_ids)} for tag in given.tags]
    if rows:
        connection.execute(into(tags), rows)


@cache
def _gardened() -> Update:
    same = the(blocks, "block_id"), blocks.c.version == bindparam("read")
    return update(blocks).where(*same).values(state="GARDENED", version=bindparam("version"))


@cache
def _remove_tags() -> Delete:
    return delete(tags).where(the(tags, "block_id"))


def _put_run(connection: Connection, user: UserId, run: GardenRun) -> None:
    """Write a run as it stands."""
    ensure_user(connection, user)
    row = {
        "user_id": user,
        "run_id": run.run_id,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "large": run.large,
        "done": asdict(run.done),
    }
    connection.execute(_put_run_row(), row)


@cache
def _put_run_row() -> Upsert:
    put = upsert(garden_runs)
    newer = {name: put.excluded[name] for name in ("ended_at", "done")}
    return put.on_conflict_do_update(index_elements=["user_id", "run_id"], set_=newer)
