"""Changes to what was learned, made together with the end of the jobs that learned it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Delete, Select, delete, select

from hmlr.errors import InvalidInput
from hmlr.records import BlockId, UserId
from hmlr.store.records import (
    AddEdit,
    AddedTurn,
    AddVectors,
    AssignTurn,
    Change,
    ChangeFact,
    ConfirmFact,
    Lease,
    LogFactEvent,
    NewTurn,
    PutBlock,
    PutFact,
)
from hmlr.store.schema import chunks, vectors
from hmlr.store.sql import turns as turn_rows
from hmlr.store.sql.blocks import drop_empty, put_block
from hmlr.store.sql.facts import add_edit, change_fact, confirm_fact, log_events, put_facts
from hmlr.store.sql.index import model_no, of_model
from hmlr.store.sql.leases import finish
from hmlr.store.sql.places import assign_turns
from hmlr.store.sql.rows import bump_facts, into, listed, owned

_FACT_CHANGES = (PutFact, ChangeFact, ConfirmFact, LogFactEvent)


def apply(connection: Connection, user: UserId, changes: Sequence[Change], done: Sequence[Lease]) -> None:
    """See KnowledgeStore.apply."""
    finish(connection, user, done)
    learned = any(isinstance(change, _FACT_CHANGES) for change in changes)
    version = bump_facts(connection, user) if learned else 0
    left: set[BlockId] = set()
    # What comes in a row is written in a row: a batch of the background holds hundreds of one kind.
    for _, run in groupby(changes, key=type):
        left |= _apply_run(connection, user, list(run), version)
    if left:  # a block goes with its last turn, but a new one may stand empty until its turn comes
        drop_empty(connection, user, sorted(left))


def add_turns(
    connection: Connection, user: UserId, turns: Sequence[NewTurn], changes: Sequence[Change]
) -> list[AddedTurn]:
    """See TurnStore.add_turns."""
    added = turn_rows.add_turns(connection, user, turns)
    if changes:
        apply(connection, user, changes, ())
    return added


def _apply_run(connection: Connection, user: UserId, run: list[Change], fact_version: int) -> set[BlockId]:
    """Make changes of one type; the blocks that turns have left."""
    left: set[BlockId] = set()
    match run[0]:
        case AssignTurn():
            left = assign_turns(connection, user, [each for each in run if isinstance(each, AssignTurn)])
        case PutFact():
            new = [each.fact for each in run if isinstance(each, PutFact)]
            put_facts(connection, user, new, fact_version)
        case LogFactEvent():
            log_events(connection, user, [each.event for each in run if isinstance(each, LogFactEvent)])
        case _:
            for change in run:
                _apply_one(connection, user, change, fact_version)
    return left


def _apply_one(connection: Connection, user: UserId, change: Change, fact_version: int) -> None:
    match change:
        case AddVectors():
            _add_vectors(connection, user, change)
        case PutBlock():
            put_block(connection, user, change)
        case ChangeFact():
            change_fact(connection, user, change, fact_version)
        case ConfirmFact():
            confirm_fact(connection, user, change, fact_version)
        case AddEdit():
            add_edit(connection, user, change)


def _add_vectors(connection: Connection, user: UserId, change: AddVectors) -> None:
    encoded = change.encoded
    if len(encoded) != len(change.chunk_ids):
        raise InvalidInput("vectors must come one for each chunk")
    named = {"user": user, "ids": change.chunk_ids}
    present = {row.chunk_id: row.user_no for row in connection.execute(_present_chunks(), named)}
    if not present:
        return
    connection.execute(_drop_vectors(), {"user": user, "model": change.model_id, "ids": sorted(present)})
    number = model_no(connection, change.model_id)
    # A chunk named twice has one vector, the last given.
    latest = dict(zip(change.chunk_ids, encoded.parts(), strict=True))
    values = [
        {
            "user_no": present[chunk_id],
            "chunk_id": chunk_id,
            "model_no": number,
            "dim": encoded.dim,
            "data": row,
            "tokens": tokens,
            "pieces": pieces,
        }
        for chunk_id, (row, tokens, pieces) in latest.items()
        if chunk_id in present
    ]
    connection.execute(into(vectors), values)


@cache
def _present_chunks() -> Select[Any]:
    return select(chunks.c.chunk_id, chunks.c.user_no).where(owned(chunks), listed(chunks.c.chunk_id, "ids"))


@cache
def _drop_vectors() -> Delete:
    return delete(vectors).where(owned(vectors), of_model(), listed(vectors.c.chunk_id, "ids"))
