"""SQLite finds rows that are named by what names them: no call on a few rows reads all rows of the user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from hmlr.records import BlockId, FactId
from hmlr.store.records import AddVectors, AssignTurn, ConfirmFact, FactQuery, PutBlock, PutFact, TurnQuery
from hmlr.store.sqlite.store import SqliteStore
from tests.store.making import ADA, NOW, block, encoded, fact, reply, turn
from tests.store.reading import state_of

_NOBODY_HAS_MANY = ("users", "edits", "tombstones")
# The largest of a user's numbers stands at the end of an index: one row is read.
_LARGEST = ("SELECT max(chunks.chunk_id)", "SELECT max(vectors.vector_no)")
_OF_A_USER = ("(user_id=?)", "(user_no=?)", "(user_no=? AND model_no=?)")
_BY_USER = (
    "SEARCH chunks USING COVERING INDEX ix_chunks_user",
    "SEARCH vectors USING COVERING INDEX ix_vectors_model",
)


@pytest.fixture
def plans() -> Iterator[dict[str, list[str]]]:
    """The plans of all statements that are run, by statement."""
    seen: dict[str, list[str]] = {}

    def look(connection: Any, _: Any, statement: str, parameters: Any, *context: bool) -> None:
        many = context[-1]
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")) and statement not in seen:
            raw = connection.connection.driver_connection
            first = parameters[0] if many else parameters
            plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", first).fetchall()
            seen[statement] = [row[3] for row in plan]

    event.listen(Engine, "before_cursor_execute", look)
    yield seen
    event.remove(Engine, "before_cursor_execute", look)


def wasteful(plans: dict[str, list[str]]) -> list[str]:
    return [
        f"{step}: {statement}"
        for statement, steps in plans.items()
        for step in steps
        if step.startswith("SEARCH")
        and step.endswith(_OF_A_USER)
        and not step.startswith(tuple(f"SEARCH {name}" for name in _NOBODY_HAS_MANY))
        and not (step.startswith(_BY_USER) and all(largest in statement for largest in _LARGEST))
    ]


async def test_the_oldest_job_of_each_kind_answers_for_what_is_left_to_learn(
    store: SqliteStore, db_path: Path, plans: dict[str, list[str]]
) -> None:
    await store.add_turns(ADA, [turn("Oslo", jobs=("embed",))])
    plans.clear()
    await store.users_left("learn", NOW)
    (steps,) = plans.values()
    jobs = {step for step in steps if "jobs" in step}
    oldest = "SEARCH jobs USING INDEX ix_jobs_due (user_id=? AND kind=? AND state=?)"
    assert oldest in jobs
    assert all("COVERING INDEX" in step for step in jobs - {oldest})  # from user to user
    assert not [step for step in steps if "B-TREE" in step]


async def test_what_is_named_is_found_by_its_name(
    store: SqliteStore, db_path: Path, plans: dict[str, list[str]]
) -> None:
    jobs = ("embed", "route")
    first, second = await store.add_turns(ADA, [turn("Oslo", jobs=jobs), turn("Bergen", jobs=jobs)])
    await store.add_turns(ADA, [turn("Oslo", idempotency_key="k")])
    ids = (first.turn_id, second.turn_id)
    await store.add_reply(ADA, first.turn_id, reply())
    leases = await store.claim(ADA, "embed", limit=9, lease_s=60, now=NOW)
    await store.renew(ADA, leases, lease_s=60, now=NOW)
    await store.waiting_turns(ADA, ["route"], before_seq=second.seq, most=4, now=NOW)
    rows = await store.turn_chunks(ADA, ids)
    chunk_ids = tuple(row.chunk_id for row in rows)
    vectors = AddVectors(model_id="m", chunk_ids=chunk_ids, encoded=encoded(np.ones((len(rows), 2))))
    await store.apply(ADA, [vectors], finish=leases)
    places = [AssignTurn(turn_id=turn_id, block_id=BlockId("b1"), by="rule") for turn_id in ids]
    await store.apply(ADA, [PutBlock(block=block(), version=0), *places, PutFact(fact=fact(first.turn_id))])
    await store.chunks(ADA, chunk_ids)
    await state_of(store, ADA, "m")
    await store.turns(ADA, TurnQuery(turn_ids=ids))
    await store.turns(ADA, TurnQuery(block_id=BlockId("b1"), newest=True, limit=4))
    await store.blocks(ADA, limit=12)
    await store.blocks(ADA, block_ids=[BlockId("b1")])
    version = (await store.fact_changes(ADA, 0)).version
    plans.pop(next(statement for statement in plans if "ORDER BY facts.valid_from" in statement))  # all facts
    await store.apply(ADA, [ConfirmFact(fact_id=FactId("f1"), occurred_at=NOW)])
    await store.fact_changes(ADA, version)
    await store.facts(ADA, FactQuery(turn_ids=ids, states=None))
    await store.facts(ADA, FactQuery(fact_ids=(FactId("f1"),), states=None))
    await store.facts(ADA, FactQuery(keys=("home",), states=None))
    await store.facts(ADA, FactQuery(categories=("policy",), states=None))
    assert len(plans) > 20
    assert wasteful(plans) == []
    # What stands twice for `doctor` (schema: twice) is no way to rows.
    assert not [step for steps in plans.values() for step in steps if "_twice" in step]
