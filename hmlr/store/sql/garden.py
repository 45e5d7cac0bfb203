"""What gardening reads: the whole view of a user's memory, dossiers, tags, runs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, Select, and_, select

from hmlr.errors import NotFound
from hmlr.garden_records import (
    Dossier,
    DossierEntry,
    DossierEvent,
    DossierFile,
    GardenDone,
    GardenRun,
)
from hmlr.records import BlockId, DossierId, Fact, FactId, RunId, Tag, TurnId, Usage, UserId
from hmlr.store.garden_records import (
    VECTOR_TYPE,
    DossierVector,
    FoundDossier,
    GardenBlock,
    GardenMark,
    GardenView,
    Place,
    StoredDossier,
    told_of,
)
from hmlr.store.records import FactQuery
from hmlr.store.schema import (
    blocks,
    dossier_entries,
    dossier_events,
    dossiers,
    facts,
    garden_runs,
    jobs,
    tags,
    turn_blocks,
    turns,
    users,
)
from hmlr.store.sql.blocks import read_blocks
from hmlr.store.sql.facts import read_edits, read_facts
from hmlr.store.sql.rows import listed, mine, the

_TAG = ("tag_id", "block_id", "kind", "text", "quote", "message_id", "turn_ids")
_EVENT = ("dossier_id", "change", "fact_id", "other", "run_id", "by", "recorded_at")


def garden_mark(connection: Connection, user: UserId) -> GardenMark:
    """See GardenStore.garden_mark."""
    row = connection.execute(_mark(), {"user": user}).one_or_none()
    if row is None:
        return GardenMark(erasures=0, fact_version=0, garden_version=0)
    return GardenMark(erasures=row.erasures, fact_version=row.fact_version, garden_version=row.garden_version)


@cache
def _mark() -> Select[Any]:
    return select(users.c.erasures, users.c.fact_version, users.c.garden_version).where(mine(users))


def garden_view(connection: Connection, user: UserId, model_id: str | None) -> GardenView:
    """See GardenStore.garden_view."""
    stored = connection.execute(_dossiers(), {"user": user})
    return GardenView(
        mark=garden_mark(connection, user),
        blocks=tuple(_blocks(connection, user)),
        facts=tuple(read_facts(connection, user, FactQuery(states=None))),
        block_of={
            TurnId(row.turn_id): BlockId(row.block_id)
            for row in connection.execute(_blocks_of_facts(), {"user": user})
        },
        unrouted=frozenset(connection.execute(_unrouted(), {"user": user}).scalars()),
        dossiers=tuple(_stored(row, model_id) for row in stored),
        places=tuple(read_places(connection, user)),
        edits=tuple(read_edits(connection, user)),
    )


def _blocks(connection: Connection, user: UserId) -> list[GardenBlock]:
    last = {row.block_id: row.turn_id for row in connection.execute(_last_turns(), {"user": user})}
    stored = read_blocks(connection, user, None, None)
    return [
        GardenBlock(block=each.block, version=each.version, last_turn=last[each.block.block_id])
        for each in reversed(stored)
    ]


@cache
def _last_turns() -> Select[Any]:
    of_user = and_(turns.c.user_id == blocks.c.user_id, turns.c.seq == blocks.c.last_seq)
    return select(blocks.c.block_id, turns.c.turn_id).join(turns, of_user).where(mine(blocks))


@cache
def _blocks_of_facts() -> Select[Any]:
    of_turn = and_(facts.c.user_id == turn_blocks.c.user_id, facts.c.turn_id == turn_blocks.c.turn_id)
    found = select(turn_blocks.c.turn_id, turn_blocks.c.block_id).distinct()
    return found.join(facts, of_turn).where(mine(turn_blocks))


@cache
def _unrouted() -> Select[Any]:
    return select(jobs.c.turn_id).where(mine(jobs), jobs.c.kind == "route")


@cache
def _dossiers() -> Select[Any]:
    return select(dossiers).where(mine(dossiers)).order_by(dossiers.c.dossier_id)


def _stored(row: Row[Any], model_id: str | None) -> StoredDossier:
    return StoredDossier(
        dossier_id=row.dossier_id,
        title=row.title,
        summary=row.summary,
        search_summary=row.search_summary,
        vector=_vector(row, model_id),
        version=row.version,
    )


def _vector(row: Row[Any], model_id: str | None) -> DossierVector | None:
    if row.vector is None or row.model_id != model_id:
        return None
    return DossierVector(model_id=row.model_id, row=np.frombuffer(row.vector, VECTOR_TYPE).astype(np.float32))


def read_places(connection: Connection, user: UserId) -> list[Place]:
    """Every place of a fact, by dossier."""
    rows = connection.execute(_places(), {"user": user})
    return [Place(**row) for row in rows.mappings()]


@cache
def _places() -> Select[Any]:
    names = ("fact_id", "dossier_id", "statement", "told")
    found = select(*(dossier_entries.c[name] for name in names)).where(mine(dossier_entries))
    return found.order_by(dossier_entries.c.dossier_id, dossier_entries.c.fact_id)


def read_dossiers(connection: Connection, user: UserId, model_id: str | None) -> list[FoundDossier]:
    """See GardenStore.dossiers."""
    known = {fact.fact_id: fact for fact in read_facts(connection, user, FactQuery(states=None))}
    places: dict[DossierId, list[Place]] = {}
    for place in read_places(connection, user):
        places.setdefault(place.dossier_id, []).append(place)
    found = []
    for row in connection.execute(_dossiers(), {"user": user}):
        held = places.get(row.dossier_id)
        if held:
            dossier = _listed(row, held, known)
            found.append(FoundDossier(dossier=dossier, vector=_vector(row, model_id), places=tuple(held)))
    return sorted(found, key=lambda each: (each.dossier.happened_to, each.dossier.dossier_id), reverse=True)


def _listed(row: Row[Any], places: Sequence[Place], known: dict[FactId, Fact]) -> Dossier:
    held = [known[place.fact_id] for place in places]
    return Dossier(
        dossier_id=row.dossier_id,
        title=row.title,
        summary=row.summary,
        search_summary=row.search_summary,
        facts=len(held),
        happened_from=min(fact.valid_from for fact in held),
        happened_to=max(fact.valid_from for fact in held),
        learned_at=max(fact.recorded_at for fact in held),
        stale=any(told_of(known[place.fact_id]) != place.told for place in places),
    )


def read_dossier(connection: Connection, user: UserId, dossier_id: DossierId) -> DossierFile:
    """See GardenStore.dossier; the id of one that was merged leads to the one it was merged into."""
    events = [
        DossierEvent(**row)
        for row in connection.execute(_events_of(), {"user": user, "of": dossier_id}).mappings()
    ]
    found = {each.dossier.dossier_id: each for each in read_dossiers(connection, user, None)}
    heir = next((event.other for event in reversed(events) if event.change == "merged"), None)
    if dossier_id not in found and heir is not None and heir != dossier_id:
        return read_dossier(connection, user, heir)
    if dossier_id not in found:
        raise NotFound(f"there is no dossier {dossier_id!r}", hint="`dossiers` lists them with their ids")
    held = found[dossier_id]
    statements = {place.fact_id: place.statement for place in held.places}
    of = read_facts(connection, user, FactQuery(fact_ids=tuple(statements), states=None))
    return DossierFile(
        dossier=held.dossier,
        entries=tuple(DossierEntry(statement=statements[fact.fact_id], fact=fact) for fact in of),
        events=tuple(events),
    )


@cache
def _events_of() -> Select[Any]:
    found = select(*(dossier_events.c[name] for name in _EVENT)).where(the(dossier_events, "dossier_id"))
    return found.order_by(dossier_events.c.event_no)


def read_tags(connection: Connection, user: UserId, block_ids: Sequence[BlockId]) -> list[Tag]:
    """See GardenStore.tags."""
    rows = connection.execute(_tags(), {"user": user, "ids": list(block_ids)})
    return [Tag(**{**row, "turn_ids": tuple(row["turn_ids"])}) for row in rows.mappings()]


@cache
def _tags() -> Select[Any]:
    found = select(*(tags.c[name] for name in _TAG)).where(mine(tags), listed(tags.c.block_id, "ids"))
    return found.order_by(tags.c.block_id, tags.c.message_id, tags.c.tag_id)


def read_runs(connection: Connection, user: UserId) -> list[GardenRun]:
    """See GardenStore.garden_runs."""
    rows = connection.execute(_runs(), {"user": user})
    return [run_of(row) for row in rows]


@cache
def _runs() -> Select[Any]:
    latest = garden_runs.c.started_at.desc(), garden_runs.c.run_id.desc()  # ids grow with time, too
    return select(garden_runs).where(mine(garden_runs)).order_by(*latest)


def run_of(row: Row[Any]) -> GardenRun:
    """The record of a run's row."""
    done = dict(row.done)
    usage = Usage(**done.pop("usage"))
    return GardenRun(
        run_id=RunId(row.run_id),
        started_at=row.started_at,
        ended_at=row.ended_at,
        undone_at=row.undone_at,
        sealed=row.sealed,
        large=row.large,
        done=GardenDone(usage=usage, **done),
    )
