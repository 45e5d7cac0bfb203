"""Dossiers renamed, merged and split by hand: every fact keeps one place, and the gardener keeps to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.garden_records import Dossier
from hmlr.records import Fact
from hmlr.sync import HMLRClient as SyncClient
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import Clock, door, settled
from tests.gardens import exported, places
from tests.opening import Place

TOLD = ("K-12 is also known as Styx.", "Styx has a limit of 400 GB.", "K-12 uses Postgres.")
FAMILY = "My sister Wilhelmina lives in Molde."


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        await say(client, *TOLD, session="a")
        await say(client, FAMILY, session="b", days=10)
        await client.garden(include_active=True)
        yield client


async def about(hmlr: HMLRClient, name: str) -> Dossier:
    """The one dossier that is found by a name."""
    (found,) = [each for each in await hmlr.dossiers() if name in each.search_summary]
    return found


async def places_of(database: Place) -> list[int]:
    """How many places each fact has."""
    return [len(held) for held in places(await exported(database)).values()]


async def test_a_merge_brings_all_together_and_is_undone(hmlr: HMLRClient, database: Place) -> None:
    before = await exported(database)
    styx, family = await about(hmlr, "Styx"), await about(hmlr, "Wilhelmina")
    edit = await hmlr.merge_dossiers(family.dossier_id, styx.dossier_id)
    assert edit.dossier.dossier_id == styx.dossier_id
    assert "Wilhelmina" in edit.dossier.title  # the rule's title says what it holds now
    assert edit.dossier.facts == styx.facts + family.facts
    assert "Molde" in edit.dossier.summary
    assert "Wilhelmina" in edit.dossier.search_summary
    assert set(await places_of(database)) == {1}
    file = await hmlr.dossier(family.dossier_id)  # the id leads there
    assert file.dossier == edit.dossier
    logged = {(event.change, event.by) for event in file.events if event.run_id == edit.run_id}
    assert logged == {("appended", "user"), ("retold", "rule")}
    (hit, *_) = await hmlr.recall("Molde", kinds=["dossier"])  # the vector is that of the new text
    assert hit.node_id == styx.dossier_id
    await hmlr.undo(edit.run_id)
    assert await exported(database) == before


async def test_an_import_brings_the_log_of_what_was_merged_away(
    hmlr: HMLRClient, database: Place, databases: Callable[[str], Place], tmp_path: Path
) -> None:
    styx, family = await about(hmlr, "Styx"), await about(hmlr, "Wilhelmina")
    await hmlr.merge_dossiers(family.dossier_id, styx.dossier_id)
    file, there = tmp_path / "out.jsonl", databases("there")
    await hmlr.export(file)
    async with door(there, clock=Clock(), embedder=hash_embedder()) as other:
        await other.import_(file)
        assert await other.import_(file) == 0
        assert (await other.dossier(family.dossier_id)).dossier.dossier_id == styx.dossier_id
    assert await exported(there) == await exported(database)


async def test_what_is_merged_stays_so(hmlr: HMLRClient) -> None:
    styx, family = await about(hmlr, "Styx"), await about(hmlr, "Wilhelmina")
    await hmlr.merge_dossiers(family.dossier_id, styx.dossier_id)
    await say(hmlr, "Wilhelmina has a limit of 12 GB.", session="c", days=20)
    await hmlr.garden(include_active=True)
    assert (await about(hmlr, "Wilhelmina")).dossier_id == styx.dossier_id
    await hmlr.rebuild()
    await settled(hmlr)
    await hmlr.garden(include_active=True)
    again = await about(hmlr, "Wilhelmina")
    assert (again.dossier_id, "Styx" in again.search_summary) == (styx.dossier_id, True)


async def test_what_is_split_is_not_merged_again(hmlr: HMLRClient, database: Place) -> None:
    styx = await about(hmlr, "Styx")
    file = await hmlr.dossier(styx.dossier_id)
    (limit,) = [entry.fact for entry in file.entries if "400 GB" in entry.fact.value]
    edit = await hmlr.split_dossier(styx.dossier_id, [limit.fact_id], title="Quotas")
    assert (edit.dossier.title, edit.dossier.facts) == ("Quotas", 1)
    assert "400" not in (await hmlr.dossier(styx.dossier_id)).dossier.summary
    events = (await hmlr.dossier(edit.dossier.dossier_id)).events
    assert [event.change for event in events if event.by == "user"] == [
        "renamed", "created", "appended", "split",
    ]  # fmt: skip
    await say(hmlr, "Styx is also known as River-9.", session="c", days=20)  # by rule a reason to merge
    report = await hmlr.garden(include_active=True)
    assert report.done.merged == 0
    for rebuilt in (False, True):
        if rebuilt:
            await hmlr.rebuild()
            await settled(hmlr)
            await hmlr.garden(include_active=True)
        quotas = await hmlr.dossier(edit.dossier.dossier_id)
        assert quotas.dossier.title == "Quotas"
        assert "400 GB" in quotas.dossier.summary
        assert "400 GB" not in (await hmlr.dossier(styx.dossier_id)).dossier.summary
        assert set(await places_of(database)) == {1}


async def test_without_the_split_the_same_alias_merges(hmlr: HMLRClient) -> None:
    await say(hmlr, "Phoenix was renamed Aether in 2021.", session="c", days=20)
    await hmlr.garden(include_active=True)
    one, other = await about(hmlr, "Styx"), await about(hmlr, "Aether")
    await hmlr.rename_dossier(one.dossier_id, "Mine")
    await hmlr.rename_dossier(other.dossier_id, "Mine, too")
    await say(hmlr, "Aether is identical to today's K-12.", session="d", days=30)
    assert (await hmlr.garden(include_active=True)).done.merged == 0  # the user has named both
    for run in [run for run in await hmlr.garden_runs() if run.done.renamed or run.done.blocks][:3]:
        await hmlr.undo(run.run_id)
    assert (await hmlr.garden(include_active=True)).done.merged == 1


async def test_a_title_stays_until_it_tells_of_what_is_forgotten(hmlr: HMLRClient) -> None:
    family = await about(hmlr, "Wilhelmina")
    edit = await hmlr.rename_dossier(family.dossier_id, "Up north")
    assert edit.dossier.title == "Up north"
    await say(hmlr, "Wilhelmina has a limit of 12 GB.", session="c", days=20)
    await hmlr.garden(include_active=True)
    (limit,) = [fact for fact in await hmlr.facts(subject="Wilhelmina") if "12 GB" in fact.value]
    await hmlr.forget(fact_id=limit.fact_id)
    assert (await about(hmlr, "Wilhelmina")).title == "Up north"
    await hmlr.rename_dossier(family.dossier_id, "The Molde people")
    (lives,) = [fact for fact in await hmlr.facts(subject="Wilhelmina") if fact.value == "Molde"]
    assert (await hmlr.forget(fact_id=lives.fact_id)).verified
    assert "Molde" not in repr(await hmlr.dossiers())


async def test_bad_ids_and_senseless_edits_are_refused(hmlr: HMLRClient, database: Place) -> None:
    before = await exported(database)
    styx, family = await about(hmlr, "Styx"), await about(hmlr, "Wilhelmina")
    own = [entry.fact.fact_id for entry in (await hmlr.dossier(styx.dossier_id)).entries]
    other = (await hmlr.dossier(family.dossier_id)).entries[0].fact.fact_id
    for missing in (
        hmlr.rename_dossier("nowhere", "x"),
        hmlr.merge_dossiers("nowhere", styx.dossier_id),
        hmlr.merge_dossiers(styx.dossier_id, "nowhere"),
        hmlr.split_dossier(styx.dossier_id, ["nowhere"]),
    ):
        with pytest.raises(NotFound, match="there is no"):
            await missing
    for senseless, why in (
        (hmlr.rename_dossier(styx.dossier_id, " "), "empty"),
        (hmlr.merge_dossiers(styx.dossier_id, styx.dossier_id), "into itself"),
        (hmlr.split_dossier(styx.dossier_id, []), "no fact"),
        (hmlr.split_dossier(styx.dossier_id, own), "all facts"),
        (hmlr.split_dossier(styx.dossier_id, [other]), "not in that dossier"),
    ):
        with pytest.raises(InvalidInput, match=why):
            await senseless
    assert await exported(database) == before


async def test_edits_are_undone_in_their_order(hmlr: HMLRClient, database: Place) -> None:
    before = await exported(database)
    styx, family = await about(hmlr, "Styx"), await about(hmlr, "Wilhelmina")
    named = await hmlr.rename_dossier(styx.dossier_id, "Mine")
    merged = await hmlr.merge_dossiers(family.dossier_id, styx.dossier_id)
    with pytest.raises(Conflict, match="has built on"):
        await hmlr.undo(named.run_id)
    await hmlr.undo(merged.run_id)
    await hmlr.undo(named.run_id)
    assert await exported(database) == before


def test_the_synchronous_door_arranges_too(database: Place) -> None:
    with SyncClient(database, model="offline", embedder=hash_embedder()) as hmlr:
        hmlr.chat("My sister is called Wilhelmina.")
        assert hmlr.flush(10)
        hmlr.garden(include_active=True)
        (dossier,) = hmlr.dossiers()
        edit = hmlr.rename_dossier(dossier.dossier_id, "Family")
        assert [each.title for each in hmlr.dossiers()] == ["Family"]
        hmlr.undo(edit.run_id)
        assert hmlr.dossiers() == [dossier]
        assert hmlr.draw_dossiers().startswith("<svg")


async def test_a_dossier_that_is_merged_while_a_question_is_asked_breaks_no_answer(
    hmlr: HMLRClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "Where does Wilhelmina live, and what limit has Styx?"
    first, second = await hmlr.recall(question, kinds=["dossier"])
    store = hmlr._member.services.store
    facts = store.facts

    async def merged_meanwhile(*asked: Any) -> list[Fact]:
        monkeypatch.setattr(store, "facts", facts)
        await hmlr.merge_dossiers(second.node_id, first.node_id)
        await hmlr.recall("Wilhelmina", kinds=["dossier"])  # another question has it read anew
        return await facts(*asked)

    monkeypatch.setattr(store, "facts", merged_meanwhile)
    hits = await hmlr.recall(question, kinds=["dossier"])
    assert first.node_id in {hit.node_id for hit in hits}
