"""What gardening writes: one step of a run with the way back, and that way taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.garden_records import GardenRun
from hmlr.records import RunId, UserId
from hmlr.store.garden_records import VECTOR_TYPE, DossierVector, GardenedBlock, GardenStep, Place, PutDossier
from hmlr.store.records import Lease
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    dossier_events,
    dossiers,
    facts,
    garden_images,
    garden_runs,
    tags,
    users,
)
from hmlr.store.sqlite_garden import run_of
from hmlr.store.sqlite_leases import finish
from hmlr.store.sqlite_rows import among, ensure_user

_TEXTS = ("title", "summary", "search_summary")
_PLACE = ("dossier_id", "statement", "told")
_TAG = ("tag_id", "kind", "text", "quote", "message_id", "turn_ids")


def bump_garden(connection: Connection, user: UserId) -> None:
    """Tell every reader of the user's dossiers and tags that they change now."""
    values = {"garden_version": users.c.garden_version + 1}
    connection.execute(update(users).where(users.c.user_id == user).values(values))


def garden_step(connection: Connection, user: UserId, step: GardenStep, done: Sequence[Lease]) -> None:
    """See GardenStore.garden_step."""
    finish(connection, user, done)
    if step.tells and ensure_user(connection, user).erasures != step.erasures:
        raise Conflict("something was forgotten since the garden step was made", hint="Make it anew")
    images = _Images(connection, user, step.run)
    for dossier in step.dossiers:
        images.keep_dossier(dossier.dossier_id)
        _put_dossier(connection, user, dossier)
    _place(connection, user, step.places, images)
    for dossier_id in step.dropped:
        images.keep_dossier(dossier_id)
        connection.execute(delete(dossiers).where(this(dossiers, user, "dossier_id", dossier_id)))
    if step.block is not None:
        _put_block(connection, user, step.block, images)
    if step.events:
        rows = [{"user_id": user, **asdict(event)} for event in step.events]
        connection.execute(insert(dossier_events), rows)
    bump_garden(connection, user)


def this(table: Table, user: UserId, name: str, value: object) -> ColumnElement[bool]:
    """The user's row with that value."""
    return and_(table.c.user_id == user, table.c[name] == value)


def _put_dossier(connection: Connection, user: UserId, given: PutDossier) -> None:
    values = {name: getattr(given, name) for name in _TEXTS} | _vector_values(given.vector)
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


def _place(connection: Connection, user: UserId, places: Sequence[Place], images: _Images) -> None:
    if not places:
        return
    ids = [place.fact_id for place in places]
    known = select(facts.c.fact_id).where(facts.c.user_id == user, among(facts.c.fact_id, ids))
    if missing := set(ids) - set(connection.execute(known).scalars()):
        raise Conflict(f"fact {min(missing)} is gone", hint="Make the garden step anew")
    images.keep_places(ids)
    put = upsert(dossier_entries)
    put = put.on_conflict_do_update(
        index_elements=["user_id", "fact_id"], set_={name: put.excluded[name] for name in _PLACE}
    )
    connection.execute(put, [{"user_id": user, **asdict(place)} for place in places])


def _put_block(connection: Connection, user: UserId, given: GardenedBlock, images: _Images) -> None:
    images.keep_block(given.block_id)
    same = and_(this(blocks, user, "block_id", given.block_id), blocks.c.version == given.version)
    values = {"state": "GARDENED", "version": given.version + 1}
    if not connection.execute(update(blocks).where(same).values(values)).rowcount:
        raise Conflict(f"block {given.block_id} has changed since version {given.version}")
    connection.execute(delete(tags).where(this(tags, user, "block_id", given.block_id)))
    rows = [{"user_id": user, **asdict(tag), "turn_ids": list(tag.turn_ids)} for tag in given.tags]
    if rows:
        connection.execute(insert(tags), rows)


class _Images:
    """Keeps what a run finds before it changes it, once for each record."""

    def __init__(self, connection: Connection, user: UserId, run: GardenRun | None) -> None:
        self._connection = connection
        self._user = user
        self._run = run
        if run is not None:
            put_run(connection, user, run)

    def keep_dossier(self, dossier_id: str) -> None:
        """A dossier's texts, and which facts they stand on."""
        if self._run is None or self._kept("dossier", [dossier_id]):
            return
        names = (dossiers.c[name] for name in _TEXTS)
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
        before = {row["fact_id"]: {name: row[name] for name in _PLACE} for row in rows}
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
        mine = and_(this(garden_images, self._user, "run_id", self._run.run_id), garden_images.c.kind == kind)
        found = select(garden_images.c.target).where(mine, among(garden_images.c.target, targets))
        return set(self._connection.execute(found).scalars())

    def _keep(self, kind: str, target: str, before: Mapping[str, Any] | None) -> None:
        assert self._run is not None  # noqa: S101 - asked by the callers
        row = {"run_id": self._run.run_id, "kind": kind, "target": target, "before": before}
        self._connection.execute(insert(garden_images), {"user_id": self._user, **row})


def put_run(connection: Connection, user: UserId, run: GardenRun) -> None:
    """Write a run as it stands."""
    ensure_user(connection, user)
    values = {"started_at": run.started_at, "ended_at": run.ended_at, "done": asdict(run.done)}
    put = upsert(garden_runs).values(user_id=user, run_id=run.run_id, **values)
    connection.execute(
        put.on_conflict_do_update(
            index_elements=["user_id", "run_id"], set_={"ended_at": run.ended_at, "done": asdict(run.done)}
        )
    )


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
    connection.execute(update(garden_runs).where(own).values(undone_at=now))
    bump_garden(connection, user)
    return run_of(connection.execute(select(garden_runs).where(own)).one())


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
    for fact_id, before in images["place"].items():
        _restore_place(connection, user, fact_id, before)
    made = [dossier_id for dossier_id, before in images["dossier"].items() if before is None]
    connection.execute(delete(dossiers).where(dossiers.c.user_id == user, among(dossiers.c.dossier_id, made)))
    for block_id, before in images["block"].items():
        _restore_block(connection, user, block_id, before)


def _restore_dossier(
    connection: Connection, user: UserId, dossier_id: str, before: Mapping[str, Any]
) -> None:
    texts = {name: before[name] for name in _TEXTS} | _vector_values(None)
    put = upsert(dossiers).values(user_id=user, dossier_id=dossier_id, version=1, **texts)
    newer = {**texts, "version": dossiers.c.version + 1}
    connection.execute(put.on_conflict_do_update(index_elements=["user_id", "dossier_id"], set_=newer))


def _restore_place(
    connection: Connection, user: UserId, fact_id: str, before: Mapping[str, Any] | None
) -> None:
    connection.execute(delete(dossier_entries).where(this(dossier_entries, user, "fact_id", fact_id)))
    if before is not None:
        connection.execute(insert(dossier_entries).values(user_id=user, fact_id=fact_id, **before))


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
