"""GardenStore and edits by hand: they go with their run, fit what was read, and tell of nothing forgotten."""

from __future__ import annotations

import pytest

from hmlr.errors import Conflict
from hmlr.records import FactId, RunId
from hmlr.store.care_records import ErasePlan
from hmlr.store.garden_records import PLACE_FACT, RENAME_DOSSIER
from hmlr.store.port import Store
from hmlr.store.records import AddEdit
from tests.store.making import ADA, BOB, NOW
from tests.store.test_garden import D1, D2, RUN, export, fill, place, put, step


def edit(kind: str = RENAME_DOSSIER, target: str = D1, **payload: str) -> AddEdit:
    given = {"label": "Where I live", "run_id": RUN.run_id, **payload}
    return AddEdit(kind=kind, target=target, payload=given, recorded_at=NOW)


async def test_edits_are_written_with_their_step_and_go_when_it_is_undone(store: Store) -> None:
    await fill(store)
    await store.apply(ADA, [edit(run_id="another")])
    before = await export(store)
    given = (edit(), edit(PLACE_FACT, "f1", dossier_id=D1))
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(),), edits=given))
    read = (await store.garden_view(ADA, None)).edits
    assert [(each.kind, each.target) for each in read[1:]] == [(RENAME_DOSSIER, D1), (PLACE_FACT, "f1")]
    assert (await store.garden_view(BOB, None)).edits == ()
    await store.undo_run(ADA, RunId(RUN.run_id), now=NOW)
    assert await export(store) == before


async def test_an_edit_of_dossiers_that_have_changed_since_is_refused(store: Store) -> None:
    await fill(store)
    version = (await store.garden_mark(ADA)).garden_version
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(),), garden_version=version))
    before = await export(store)
    with pytest.raises(Conflict):
        await store.garden_step(ADA, step(dossiers=(put(D2),), garden_version=version, edits=(edit(),)))
    assert await export(store) == before


async def test_a_dossier_that_has_gained_facts_is_not_dropped(store: Store) -> None:
    await fill(store)
    await store.garden_step(ADA, step(dossiers=(put(), put(D2)), places=(place(),)))
    await store.garden_step(ADA, step(places=(place("f2"),)))  # meanwhile
    before = await export(store)
    with pytest.raises(Conflict):
        await store.garden_step(ADA, step(places=(place("f1", D2),), dropped=(D1,)))
    assert await export(store) == before


@pytest.mark.parametrize(
    ("label", "stays"), [("Where I live", True), ("My oslo flat", False), ("████ and so on", False)]
)
async def test_a_title_goes_that_shares_a_word_with_what_is_forgotten(
    store: Store, label: str, stays: bool
) -> None:
    await fill(store)
    given = (edit(label=label), edit(target="elsewhere", label=label))
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(), place("f2")), edits=given))
    plan = ErasePlan(scope="fact", target="f1", fact_ids=(FactId("f1"),), words=("Oslo is home",))
    await store.erase(ADA, plan, now=NOW)
    assert len((await store.garden_view(ADA, None)).edits) == 2 * stays


async def test_an_import_brings_no_title_back_that_told_of_what_is_forgotten(store: Store) -> None:
    await fill(store)
    given = step(dossiers=(put(),), places=(place(), place("f2")), edits=(edit(label="My oslo flat"),))
    await store.garden_step(ADA, given)
    records = await export(store)
    plan = ErasePlan(scope="fact", target="f1", fact_ids=(FactId("f1"),), words=("Oslo is home",))
    await store.erase(ADA, plan, now=NOW)
    await store.import_records(ADA, records)
    assert (await store.garden_view(ADA, None)).edits == ()
    assert await store.import_records(BOB, records)  # who has forgotten nothing gets it
    assert len((await store.garden_view(BOB, None)).edits) == 1
