"""Changes to what was learned, made together with the end of the jobs that learned it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from hmlr.errors import InvalidInput
from hmlr.records import BlockId, UserId
from hmlr.store.records import (
    AddEdit,
    AddVectors,
    AssignTurn,
    Change,
    ChangeFact,
    ConfirmFact,
    Lease,
    LogFactEvent,
    PutBlock,
    PutFact,
)
from hmlr.store.schema import chunks, vectors
from hmlr.store.sqlite_blocks import assign_turn, drop_empty, put_block
from hmlr.store.sqlite_facts import add_edit, change_fact, confirm_fact, log_event, put_fact
from hmlr.store.sqlite_jobs import finish
from hmlr.store.sqlite_rows import among, bump_facts

_FACT_CHANGES = (PutFact, ChangeFact, ConfirmFact, LogFactEvent)


def apply(connection: Connection, user: UserId, changes: Sequence[Change], done: Sequence[Lease]) -> None:
    """See KnowledgeStore.apply."""
    finish(connection, user, done)
    if any(isinstance(change, _FACT_CHANGES) for change in changes):
        bump_facts(connection, user)
    left: set[BlockId] = set()
    for change in changes:
        before = _apply_one(connection, user, change)
        if before is not None:
            left.add(before)
    if left:  # a block goes with its last turn, but a new one may stand empty until its turn comes
        drop_empty(connection, user, sorted(left))


def _apply_one(connection: Connection, user: UserId, change: Change) -> BlockId | None:
    """Make one change; the block that a turn has left, if it did."""
    match change:
        case AddVectors():
            _add_vectors(connection, user, change)
        case PutBlock():
            put_block(connection, user, change)
        case AssignTurn():
            return assign_turn(connection, user, change)
        case PutFact():
            put_fact(connection, user, change.fact)
        case ChangeFact():
            change_fact(connection, user, change)
        case ConfirmFact():
            confirm_fact(connection, user, change)
        case LogFactEvent():
            log_event(connection, user, change.event)
        case AddEdit():
            add_edit(connection, user, change)
    return None


def _add_vectors(connection: Connection, user: UserId, change: AddVectors) -> None:
    rows = change.rows
    if rows.ndim != 2 or len(rows) != len(change.chunk_ids) or not np.isfinite(rows).all():
        raise InvalidInput("vectors must be finite numbers, one row for each chunk")
    present = set(
        connection.execute(
            select(chunks.c.chunk_id).where(
                chunks.c.user_id == user, among(chunks.c.chunk_id, change.chunk_ids)
            )
        ).scalars()
    )
    if not present:
        return
    mine = (vectors.c.user_id == user) & (vectors.c.model_id == change.model_id)
    connection.execute(delete(vectors).where(mine, among(vectors.c.chunk_id, sorted(present))))
    # A chunk named twice has one vector, the last given.
    latest = dict(zip(change.chunk_ids, rows.astype("<f2"), strict=True))
    values = [
        {
            "user_id": user,
            "chunk_id": chunk_id,
            "model_id": change.model_id,
            "dim": len(row),
            "data": row.tobytes(),
        }
        for chunk_id, row in latest.items()
        if chunk_id in present
    ]
    connection.execute(insert(vectors), values)
