"""What a certificate says of dossiers, entries and tags, and that it is so."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr import HMLRClient
from hmlr.errors import NotFound
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import Clock, door
from tests.opening import Place
from tests.places import holds


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        yield client


async def gardened(hmlr: HMLRClient) -> list[str]:
    """Two topics: one with a dossier of its own, one that lies in the dossier of another."""
    ids = await say(hmlr, "In this project we use Zebrawood 16.", "K-12 is also known as Styx.", session="a")
    ids += await say(hmlr, "My sister Wilhelmina lives in Molde.", session="b", days=10)
    ids += await say(hmlr, "Styx has a limit of 777 GB.", session="c", days=20)
    await hmlr.garden(include_active=True)
    return ids


async def test_a_certificate_counts_what_went_and_names_the_dossiers(hmlr: HMLRClient) -> None:
    tagged, _, sister, limit = await gardened(hmlr)
    (family,) = [each for each in await hmlr.dossiers() if "Wilhelmina" in each.search_summary]
    (styx,) = [each for each in await hmlr.dossiers() if "Styx" in each.search_summary]

    gone = await hmlr.forget(turn_id=sister)
    assert (gone.dossiers_removed, gone.dossiers_changed) == ((family.dossier_id,), ())
    assert (gone.dossier_entries, gone.tags_removed, gone.runs_sealed) == (family.facts, 0, 1)
    assert gone.verified
    with pytest.raises(NotFound):
        await hmlr.dossier(family.dossier_id)

    cut = await hmlr.forget(turn_id=limit)
    assert (cut.dossiers_removed, cut.dossiers_changed) == ((), (styx.dossier_id,))
    assert (cut.dossier_entries, cut.verified) == (1, True)
    told = (await hmlr.dossier(styx.dossier_id)).dossier
    assert "Styx" in told.summary
    assert "777" not in repr(told)

    untagged = await hmlr.forget(turn_id=tagged)
    assert (untagged.tags_removed, untagged.tags_changed) == (1, 0)


async def test_everything_is_counted_and_leaves_no_byte(hmlr: HMLRClient, database: Place) -> None:
    await gardened(hmlr)
    before = await hmlr.stats()
    gone = await hmlr.forget(everything=True)
    counted = (len(gone.dossiers_removed), gone.dossier_entries, gone.tags_removed)
    assert counted == (before.dossiers, before.dossier_facts, before.tags)
    assert gone.verified
    assert [word for word in ("Zebrawood", "777 GB", "Wilhelmina") if holds(database, word)] == []


async def test_a_rule_that_holds_for_fewer_turns_is_counted(hmlr: HMLRClient) -> None:
    ids = await say(
        hmlr,
        "In this project we use Postgres 16 for the ledger tables.",
        "From now on answer about the ledger in French.",
        "How do we index the ledger tables?",
        session="a",
    )
    await hmlr.garden(include_active=True)
    cut = await hmlr.forget(turn_id=ids[2])
    assert (cut.tags_removed, cut.tags_changed) == (0, 1)
