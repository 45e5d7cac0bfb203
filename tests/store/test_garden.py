"""GardenStore: a step is whole or nothing, a fact has one place, and the way back leads to what was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hmlr.errors import Conflict, InvalidInput, LeaseLost, NotFound
from hmlr.garden_records import DossierEvent, GardenDone, GardenRun
from hmlr.records import BlockId, DossierId, FactId, MessageId, RunId, Tag, TagId, TurnId, Usage
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.garden_records import (
    DossierVector,
    GardenedBlock,
    GardenStep,
    Place,
    PutDossier,
    told_of,
)
from hmlr.store.port import Store
from hmlr.store.records import AssignTurn, FactQuery, PutBlock, PutFact
from tests.store.making import ADA, BOB, NOW, block, fact, later, slices, turn

D1, D2 = DossierId("d1"), DossierId("d2")
RUN = GardenRun(
    run_id=RunId("r1"),
    started_at=NOW,
    ended_at=None,
    undone_at=None,
    sealed=False,
    done=GardenDone(blocks=1, usage=Usage(calls=3, cost_usd=0.5)),
)
VECTOR = DossierVector(model_id="m", row=np.array([0.5, -0.25], np.float32))


async def fill(store: Store) -> list[TurnId]:
    """Two turns in one paused block, a fact from each."""
    added = await store.add_turns(ADA, [turn("Oslo is home\nIn this project tea"), turn("Bergen is home")])
    ids = [each.turn_id for each in added]
    facts = [fact(ids[0]), fact(ids[1], "f2", value="Bergen", valid_from=later(days=1))]
    await store.apply(
        ADA,
        [
            PutBlock(block=block(state="PAUSED"), version=0),
            *(AssignTurn(turn_id=each, block_id=BlockId("b1"), by="rule", activate=False) for each in ids),
            *(PutFact(fact=each) for each in facts),
        ],
    )
    return ids


def put(dossier_id: DossierId = D1, version: int = 0, **given: Any) -> PutDossier:
    texts = {"title": "Homes", "summary": "Oslo", "search_summary": "home Oslo", "vector": VECTOR}
    return PutDossier(dossier_id=dossier_id, version=version, **(texts | given))


def place(fact_id: str = "f1", dossier_id: DossierId = D1, told: str = "") -> Place:
    return Place(fact_id=FactId(fact_id), dossier_id=dossier_id, statement="Home: Oslo", told=told)


def tag(turn_id: TurnId, *turn_ids: TurnId, tag_id: str = "t1") -> Tag:
    return Tag(
        tag_id=TagId(tag_id), block_id=BlockId("b1"), kind="environment", text="tea",
        quote="In this project tea", message_id=MessageId(f"{turn_id}/0"), turn_ids=turn_ids,
    )  # fmt: skip


def event(change: Any = "created", **given: Any) -> DossierEvent:
    values = {"dossier_id": D1, "fact_id": None, "other": None, "run_id": RUN.run_id, "by": "rule"}
    return DossierEvent(change=change, recorded_at=NOW, **(values | given))


def step(**given: Any) -> GardenStep:
    return GardenStep(**({"erasures": 0, "run": RUN} | given))


async def export(store: Store) -> list[Any]:
    return [record async for record in store.export(ADA)]


async def test_a_step_comes_back_as_it_was_given(store: Store) -> None:
    first, second = await fill(store)
    told = told_of((await store.facts(ADA, FactQuery()))[0])
    gardened = GardenedBlock(
        block_id=BlockId("b1"), version=1, tags=(tag(first), tag(first, second, tag_id="t2"))
    )
    await store.garden_step(
        ADA, step(dossiers=(put(),), places=(place(told=told),), block=gardened, events=(event(),))
    )
    (found,) = await store.dossiers(ADA, "m")
    assert (found.dossier.title, found.dossier.facts, found.dossier.stale) == ("Homes", 1, False)
    assert (found.dossier.happened_from, found.dossier.learned_at) == (NOW, NOW)
    assert found.vector is not None
    assert found.vector.row.tolist() == VECTOR.row.tolist()
    assert (await store.dossiers(ADA, "other"))[0].vector is None
    file = await store.dossier(ADA, D1)
    assert [(entry.statement, entry.fact.value) for entry in file.entries] == [("Home: Oslo", "Oslo")]
    assert file.events == (event(),)
    assert await store.tags(ADA, [BlockId("b1")]) == list(gardened.tags)
    assert (await store.blocks(ADA))[0].block.state == "GARDENED"
    assert await store.garden_runs(ADA) == [RUN]
    view = await store.garden_view(ADA, "m")
    assert [each.fact_id for each in view.facts] == ["f1", "f2"]
    assert set(view.block_of.values()) == {"b1"}
    assert view.blocks[0].last_turn == second


async def test_nothing_of_it_is_anothers(store: Store) -> None:
    await fill(store)
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(),)))
    assert await store.dossiers(BOB, "m") == []
    assert await store.garden_runs(BOB) == []
    assert (await store.garden_view(BOB, "m")).dossiers == ()
    with pytest.raises(NotFound):
        await store.dossier(BOB, D1)
    with pytest.raises(NotFound):
        await store.undo_run(BOB, RUN.run_id, now=NOW)
    with pytest.raises(Conflict):
        await store.garden_step(BOB, step(dossiers=(put(),), places=(place(),)))
    assert await store.dossiers(BOB, "m") == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"dossiers": (put(version=3),)},
        {"places": (place("f9"),)},
        {"block": GardenedBlock(block_id=BlockId("b1"), version=7, tags=())},
        {"erasures": 1},
    ],
)
async def test_a_step_that_does_not_fit_changes_nothing(store: Store, wrong: dict[str, Any]) -> None:
    await fill(store)
    before = await export(store)
    with pytest.raises(Conflict):
        await store.garden_step(ADA, step(**({"dossiers": (put(D2),)} | wrong)))
    assert await export(store) == before
    assert await store.garden_runs(ADA) == []


async def test_a_lost_lease_writes_nothing(store: Store) -> None:
    _, second = await fill(store)
    await store.add_jobs(ADA, "garden", [second])
    (lease,) = await store.claim(ADA, "garden", limit=1, lease_s=10, now=NOW)
    assert (await store.job_counts(ADA, NOW)).waiting == 0  # no work of the background's
    (again,) = await store.claim(ADA, "garden", limit=1, lease_s=10, now=later(seconds=11))
    with pytest.raises(LeaseLost):
        await store.garden_step(ADA, step(dossiers=(put(),), places=(place(),)), finish=[lease])
    assert await store.dossiers(ADA, "m") == []
    await store.fail(ADA, [again], error="Down", retry_at=later(days=1))
    assert await store.claim(ADA, "garden", limit=1, lease_s=10, now=NOW) == []
    await store.hasten(ADA, "garden")
    assert len(await store.claim(ADA, "garden", limit=1, lease_s=10, now=NOW)) == 1


async def test_a_fact_that_moves_leaves_its_place(store: Store) -> None:
    await fill(store)
    await store.garden_step(ADA, step(dossiers=(put(), put(D2)), places=(place(), place("f2"))))
    merged = event("merged", other=D2)
    await store.garden_step(
        ADA, step(places=(place("f1", D2), place("f2", D2)), dropped=(D1,), events=(merged,))
    )
    (left,) = await store.dossiers(ADA, "m")
    assert (left.dossier.dossier_id, left.dossier.facts) == (D2, 2)
    assert (await store.dossier(ADA, D1)).dossier == left.dossier


async def test_undo_leads_back_run_by_run(store: Store) -> None:
    first, _ = await fill(store)
    before = await export(store)
    gardened = GardenedBlock(block_id=BlockId("b1"), version=1, tags=(tag(first),))
    await store.garden_step(
        ADA, step(dossiers=(put(),), places=(place(),), block=gardened, events=(event(),))
    )
    between = await export(store)
    second = replace(RUN, run_id=RunId("r2"))
    again = GardenedBlock(block_id=BlockId("b1"), version=2, tags=())
    await store.garden_step(
        ADA,
        step(
            run=second,
            dossiers=(put(version=1, title="Other"), put(D2)),
            places=(place("f1", D2), place("f2")),
            block=again,
            events=(event("appended", run_id=RunId("r2")),),
        ),
    )
    with pytest.raises(Conflict, match="r2"):
        await store.undo_run(ADA, RUN.run_id, now=NOW)
    undone = await store.undo_run(ADA, RunId("r2"), now=later(days=1))
    assert undone.undone_at == later(days=1)
    assert await export(store) == between
    await store.undo_run(ADA, RUN.run_id, now=NOW)
    assert await export(store) == before
    assert all(check.ok for check in await store.check())


async def test_undo_goes_back_behind_all_steps_of_a_run(store: Store) -> None:
    first, _ = await fill(store)
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(),)))
    before = await export(store)
    second = replace(RUN, run_id=RunId("r2"))
    for number, title in enumerate(("Other", "Another"), 1):
        block = GardenedBlock(block_id=BlockId("b1"), version=number, tags=(tag(first, tag_id=title),))
        dossiers = (put(version=number, title=title), put(D2, version=number - 1))
        places = (place("f1", D2, told=title),)
        await store.garden_step(ADA, step(run=second, dossiers=dossiers, places=places, block=block))
    await store.undo_run(ADA, RunId("r2"), now=NOW)
    assert await export(store) == before


async def test_what_told_of_a_forgotten_fact_is_emptied(store: Store) -> None:
    first, second = await fill(store)
    facts = {each.fact_id: told_of(each) for each in await store.facts(ADA, FactQuery())}
    places = tuple(place(fact_id, told=told) for fact_id, told in facts.items())
    gardened = GardenedBlock(
        block_id=BlockId("b1"), version=1, tags=(tag(first), tag(first, second, tag_id="t2"))
    )
    await store.garden_step(ADA, step(dossiers=(put(),), places=places, block=gardened))
    content = "████ is home\n██ ████ ███████ ███"
    rewrite = Rewrite(message_id=MessageId(f"{first}/0"), content=content, chunks=tuple(slices(content)))
    plan = ErasePlan(
        scope="fact", target="f1", fact_ids=(FactId("f1"),), rewrites=(rewrite,), words=("Oslo",)
    )
    await store.erase(ADA, plan, now=NOW)
    (left,) = await store.dossiers(ADA, "m")
    assert (left.dossier.title, left.dossier.summary, left.dossier.search_summary) == ("", "", "")
    assert (left.vector, left.dossier.facts, left.dossier.stale) == (None, 1, True)
    assert await store.tags(ADA, [BlockId("b1")]) == []
    assert (await store.garden_runs(ADA))[0].sealed
    with pytest.raises(InvalidInput):
        await store.undo_run(ADA, RUN.run_id, now=NOW)
    with pytest.raises(Conflict):  # it was made before: it may tell of what is forgotten
        await store.garden_step(ADA, step(dossiers=(put(version=2),)))
    await store.erase(ADA, ErasePlan(scope="turn", target=second, turn_ids=(second,)), now=NOW)
    assert await store.dossiers(ADA, "m") == []
    assert {each["type"] for each in await export(store)}.isdisjoint({"dossier", "dossier_event", "tag"})


async def test_a_forgotten_turn_leaves_the_rule_for_the_others(store: Store) -> None:
    first, second = await fill(store)
    gardened = GardenedBlock(block_id=BlockId("b1"), version=1, tags=(tag(first, first, second),))
    await store.garden_step(ADA, step(block=gardened))
    await store.erase(ADA, ErasePlan(scope="turn", target=second, turn_ids=(second,)), now=NOW)
    (left,) = await store.tags(ADA, [BlockId("b1")])
    assert left.turn_ids == (first,)


async def test_an_import_takes_no_text_that_told_of_what_is_missing(store: Store) -> None:
    await fill(store)
    places = (place(), place("f2"))
    await store.garden_step(ADA, step(dossiers=(put(),), places=places, events=(event(),)))
    records = await export(store)
    await store.erase(ADA, ErasePlan(scope="fact", target="f1", fact_ids=(FactId("f1"),)), now=NOW)
    await store.erase(ADA, ErasePlan(scope="fact", target="f2", fact_ids=(FactId("f2"),)), now=NOW)
    assert await store.import_records(ADA, records) == 0
    for number, record in enumerate(records):
        if record["type"] == "fact" and record["fact_id"] == "f2":
            del records[number]
            break
    assert await store.import_records(BOB, records) == len(records) - 1  # the entry of f2 is left out
    (found,) = await store.dossiers(BOB, "m")
    assert (found.dossier.title, found.dossier.summary, found.dossier.facts) == ("", "", 1)
