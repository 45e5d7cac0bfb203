"""What every turn runs is built once: SQLAlchemy takes longer to build a statement than SQLite to run it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from hmlr.records import BlockId, FactId
from hmlr.store.port import Store
from hmlr.store.records import (
    AddVectors,
    AssignTurn,
    ChunkFilter,
    ConfirmFact,
    FactQuery,
    PutBlock,
    PutFact,
    TurnQuery,
)
from tests.store.making import ADA, NOW, block, encoded, fact, reply, turn


@pytest.fixture
def run() -> Iterator[list[Any]]:
    """All statements that are run; kept alive, so that another one is another object."""
    seen: list[Any] = []

    def look(_: Any, statement: Any, *context: Any) -> None:
        seen.append(statement)

    event.listen(Engine, "before_execute", look)
    yield seen
    event.remove(Engine, "before_execute", look)


async def one_turn(store: Store, number: int) -> None:
    (added,) = await store.add_turns(ADA, [turn("Oslo", jobs=("embed", "route"))])
    ids = (added.turn_id,)
    name = BlockId(f"b{number}")
    place = AssignTurn(turn_id=added.turn_id, block_id=name, by="rule")
    await store.apply(ADA, [PutBlock(block=block(name), version=0), place])
    await store.index_state(ADA, "m")
    await store.chunk_columns(ADA, 0)
    await store.vectors(ADA, "m", 0)
    await store.postings(ADA, ["oslo"])
    await store.chunk_ids(ADA, ChunkFilter(speaker="Ada"))
    await store.blocks(ADA, limit=12)
    await store.turns(ADA, TurnQuery(before_seq=added.seq, newest=True, limit=4))
    await store.add_reply(ADA, added.turn_id, reply(), jobs=("scribe",), erasures=added.erasures)
    leases = await store.claim(ADA, "embed", limit=9, lease_s=60, now=NOW)
    await store.renew(ADA, leases, lease_s=60, now=NOW)
    rows = await store.turn_chunks(ADA, ids)
    chunk_ids = tuple(row.chunk_id for row in rows)
    await store.chunks(ADA, chunk_ids)
    vectors = AddVectors(model_id="m", chunk_ids=chunk_ids, encoded=encoded(np.ones((len(rows), 2))))
    await store.apply(ADA, [vectors], finish=leases)
    learned = fact(added.turn_id, f"f{number}")
    again = ConfirmFact(fact_id=FactId(f"f{number}"), occurred_at=NOW)
    await store.apply(ADA, [PutFact(fact=learned), again])
    await store.facts(ADA, FactQuery(keys=("home",)))
    await store.fact_changes(ADA, 1)
    failed = await store.claim(ADA, "scribe", limit=9, lease_s=60, now=NOW)
    await store.fail(ADA, failed, error="no network", retry_at=None)
    await store.job_counts(ADA, NOW)
    await store.waiting_turns(ADA, ["route"], before_seq=added.seq, most=4, now=NOW)


async def test_a_later_turn_builds_no_statement(store: Store, run: list[Any]) -> None:
    await one_turn(store, 1)
    await one_turn(store, 2)  # the first one has nothing before it to read
    before = list(run)
    await one_turn(store, 3)
    known = {id(statement) for statement in before}
    assert len(run) - len(before) > 30
    assert [str(statement) for statement in run[len(before) :] if id(statement) not in known] == []
