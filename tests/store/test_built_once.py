"""What turns, gardening and forgetting run is built once: to build a statement costs more than to run it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import event as events
from sqlalchemy.engine import Engine

from hmlr.errors import Conflict
from hmlr.records import BlockId, FactEvent, FactId, MessageId, RunId, TurnId
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.garden_records import GardenedBlock
from hmlr.store.port import Store
from hmlr.store.records import (
    AddEdit,
    AddVectors,
    AssignTurn,
    ChangeFact,
    ConfirmFact,
    FactQuery,
    LogFactEvent,
    PutBlock,
    PutFact,
    TurnQuery,
)
from hmlr.store.search_records import UNREAD, ChunkFilter
from tests.store.making import ADA, NOW, block, encoded, fact, reply, slices, turn
from tests.store.test_garden import D1, D2, RUN, event, place, put, step, tag


@pytest.fixture
def run() -> Iterator[list[Any]]:
    """All statements that are run; kept alive, so that another one is another object."""
    seen: list[Any] = []

    def look(_: Any, statement: Any, *context: Any) -> None:
        seen.append(statement)

    events.listen(Engine, "before_execute", look)
    yield seen
    events.remove(Engine, "before_execute", look)


async def one_turn(store: Store, number: int) -> None:
    (added,) = await store.add_turns(ADA, [turn("Oslo", jobs=("embed", "route"))])
    ids = (added.turn_id,)
    name = BlockId(f"b{number}")
    place = AssignTurn(turn_id=added.turn_id, block_id=name, by="rule")
    await store.apply(ADA, [PutBlock(block=block(name), version=0), place])
    await store.index_news(ADA, "m", UNREAD)
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
    assert len(run) - len(before) > 30
    assert built(run, before) == []


def built(run: list[Any], before: list[Any]) -> list[str]:
    """What was run since and was never run before."""
    known = {id(statement) for statement in before}
    return [str(statement) for statement in run[len(before) :] if id(statement) not in known]


async def two_turns(store: Store) -> tuple[TurnId, TurnId]:
    """Two turns in a block with a name of the user's; the second one's fact has followed the first one's."""
    added = await store.add_turns(ADA, [turn("Oslo\nIn this project tea"), turn("Bergen")])
    first, second = (each.turn_id for each in added)
    named = block(label="Bergen trip", state="PAUSED", renamed=True)
    moved = FactEvent(
        fact_id=FactId("f1"), change="superseded", by="rule", reason="Bergen", turn_id=second, recorded_at=NOW
    )
    await store.apply(
        ADA,
        [
            PutBlock(block=named, version=0),
            *(AssignTurn(turn_id=turn_id, block_id=named.block_id, by="rule") for turn_id in (first, second)),
            PutFact(fact=fact(first, said_by="Bergen")),
            PutFact(fact=fact(second, "f2", value="Bergen")),
            ChangeFact(
                fact_id=FactId("f1"), expected="active", state="superseded", superseded_by=FactId("f2"),
                reason="Bergen", valid_to=NOW,
            ),
            LogFactEvent(event=moved),
            AddEdit(kind="rename_block", target="b1", payload={"label": "Bergen trip"}, recorded_at=NOW),
            AddEdit(kind="rename_dossier", target="d1", payload={"label": "Bergen"}, recorded_at=NOW),
            AddEdit(kind="correct", target="f1", payload={"value": "Bergen", "fact": "f1"}, recorded_at=NOW),
            AddEdit(kind="retire", target="f2", payload={"reason": "over"}, recorded_at=NOW),
        ],
    )  # fmt: skip
    return first, second


async def two_runs(store: Store, first: TurnId, second: TurnId) -> None:
    """A run that makes a dossier and tags, and one that changes and drops them, undone."""
    read = {"erasures": (await store.garden_mark(ADA)).erasures}
    (there,) = await store.blocks(ADA)
    tags = (tag(first, second), tag(first, first, second, tag_id="t2"))
    gardened = GardenedBlock(block_id=BlockId("b1"), version=there.version, tags=tags)
    made = {"dossiers": (put(summary="Bergen"),), "places": (place(), place("f2"))}
    await store.garden_step(ADA, step(**read, **made, block=gardened, events=(event(fact_id=FactId("f2")),)))
    later_run = replace(RUN, run_id=RunId("r2"))
    again = replace(gardened, version=there.version + 1, tags=())
    renamed = AddEdit(kind="x", target="d2", payload={"label": "Tea", "run_id": "r2"}, recorded_at=NOW)
    moved = {"dossiers": (put(version=1), put(D2)), "places": (place("f1", D2), place("f2", D2))}
    logged = event("merged", other=D2, run_id=RunId("r2"))
    await store.garden_step(
        ADA,
        step(**read, **moved, run=later_run, dropped=(D1,), block=again, events=(logged,), edits=(renamed,)),
    )
    with pytest.raises(Conflict):
        await store.undo_run(ADA, RUN.run_id, now=NOW)
    await store.undo_run(ADA, RunId("r2"), now=NOW)


async def two_erasures(store: Store, first: TurnId, second: TurnId) -> None:
    """The second turn is forgotten with its words, then everything."""
    rewrite = Rewrite(
        message_id=MessageId(f"{first}/0"), content="Oslo", chunks=tuple(slices("Oslo")), speaker="Ada",
        metadata={"a": 1},
    )  # fmt: skip
    erased = await store.erase(
        ADA,
        ErasePlan(
            scope="turn",
            target=second,
            turn_ids=(second,),
            rewrites=(rewrite,),
            requoted=((FactId("f1"), "Osl"),),
            blocks=(block(label="Trip"),),
            words=("Bergen",),
        ),
        now=NOW,
    )
    assert (erased.turns, erased.rewrites, erased.facts) == (1, 1, 1)
    assert erased.garden.dossiers_changed == {D1}
    assert (erased.garden.tags_removed, erased.garden.runs_sealed) == (2, 1)
    await store.erase(ADA, ErasePlan(scope="everything", target="ada", everything=True), now=NOW)


async def test_later_garden_steps_undos_and_erasures_build_no_statement(store: Store, run: list[Any]) -> None:
    before: list[Any] = []
    for _ in range(2):
        before = list(run)
        ids = await two_turns(store)
        await two_runs(store, *ids)
        await two_erasures(store, *ids)
    assert len(run) - len(before) > 100
    assert built(run, before) == []
