"""What gardening writes: one step of a run, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

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
from hmlr.store.sqlite_facts import add_edit
from hmlr.store.sqlite_garden_images import PLACE, TEXTS, Images
from hmlr.store.sqlite_leases import finish
from hmlr.store.sqlite_rows import among, ensure_user, this


def bump_garden(connection: Connection, user: UserId) -> None:
    """Tell every reader of the user's dossiers and tags that they change now."""
    values = {"garden_version": users.c.garden_version + 1}
    connection.execute(update(users).where(users.c.user_id == user).values(values))


def garden_step(connection: Connection, user: UserId, step: GardenStep, done: Sequence[Lease]) -> None:
    """See GardenStore.garden_step."""
    finish(connection, user, done)
    _require_unchanged(connection, user, step)
    if step.run is not None:
        _put_run(connection, user, step.run)
    images = Images(connection, user, step.run)
    for dossier in step.dossiers:
        images.keep_dossier(dossier.dossier_id)
        _put_dossier(connection, user, dossier)
    _place(connection, user, step.places, images)
    for dossier_id in step.dropped:
        images.keep_dossier(dossier_id)
        _drop(connection, user, dossier_id)
    if step.block is not None:
        _put_block(connection, user, step.block, images)
    if step.events:
        rows = [{"user_id": user, **asdict(event)} for event in step.events]
        connection.execute(insert(dossier_events), rows)
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
    held = select(dossier_entries.c.fact_id).where(this(dossier_entries, user, "dossier_id", dossier_id))
    if connection.execute(held.limit(1)).first() is not None:
        raise Conflict(f"dossier {dossier_id} has gained facts meanwhile", hint="Read it again")
    connection.execute(delete(dossiers).where(this(dossiers, user, "dossier_id", dossier_id)))


def _put_dossier(connection: Connection, user: UserId, given: PutDossier) -> None:
    values = {name: getattr(given, name) for name in TEXTS} | _vector_values(given.vector)
    if given.version == 0:
        row = {"user_id": user, "dossier_id": given.dossier_id, "version": 1, **values}
        written = connection.execute(upsert(dossiers).on_conflict_do_nothing(), row)
    else:
        same = and_(this(dossiers, user, "dossier_id", given.dossier_id), dossiers.c.version == given.version)
        written = connection.execute(update(dossiers).where(same).values(version=given.version + 1, **values))
    if not written.rowcount:
        raise Conflict(
            f"dossier {given.dossier_id} has changed since version {given.version}", hint="Read it again"
        )


def _vector_values(vector: DossierVector | None) -> dict[str, Any]:
    if vector is None:
        return {"model_id": None, "vector": None}
    return {"model_id": vector.model_id, "vector": vector.row.astype(VECTOR_TYPE).tobytes()}


def put_vectors(
    connection: Connection, user: UserId, vectors: Sequence[tuple[str, str, DossierVector]]
) -> None:
    """See GardenStore.put_dossier_vectors."""
    for dossier_id, text, vector in vectors:
        same = and_(this(dossiers, user, "dossier_id", dossier_id), dossiers.c.search_summary == text)
        connection.execute(update(dossiers).where(same).values(_vector_values(vector)))
    bump_garden(connection, user)


def _place(connection: Connection, user: UserId, places: Sequence[Place], images: Images) -> None:
    if not places:
        return
    ids = [place.fact_id for place in places]
    known = select(facts.c.fact_id).where(facts.c.user_id == user, among(facts.c.fact_id, ids))
    if missing := set(ids) - set(connection.execute(known).scalars()):
        raise Conflict(f"fact {min(missing)} is gone", hint="Make the garden step anew")
    images.keep_places(ids)
    put = upsert(dossier_entries)
    put = put.on_conflict_do_update(
        index_elements=["user_id", "fact_id"], set_={name: put.excluded[name] for name in PLACE}
    )
    connection.execute(put, [{"user_id": user, **asdict(place)} for place in places])


def _put_block(connection: Connection, user: UserId, given: GardenedBlock, images: Images) -> None:
    images.keep_block(given.block_id)
    same = and_(this(blocks, user, "block_id", given.block_id), blocks.c.version == given.version)
    values = {"state": "GARDENED", "version": given.version + 1}
    if not connection.execute(update(blocks).where(same).values(values)).rowcount:
        raise Conflict(f"block {given.block_id} has changed since version {given.version}")
    connection.execute(delete(tags).where(this(tags, user, "block_id", given.block_id)))
    rows = [{"user_id": user, **asdict(tag), "turn_ids": list(tag.turn_ids)} for tag in given.tags]
    if rows:
        connection.execute(insert(tags), rows)


def _put_run(connection: Connection, user: UserId, run: GardenRun) -> None:
    """Write a run as it stands."""
    ensure_user(connection, user)
    values = {
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "large": run.large,
        "done": asdict(run.done),
    }
    put = upsert(garden_runs).values(user_id=user, run_id=run.run_id, **values)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=["user_id", "run_id"], set_={"ended_at": run.ended_at, "done": asdict(run.done)}
        )
    )
