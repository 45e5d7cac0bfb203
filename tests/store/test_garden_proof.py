"""The proof of an erasure: what a dossier says is held against the facts that stay."""

from __future__ import annotations

from hmlr.memory.synthesis.proving import proved
from hmlr.records import DossierId
from hmlr.store.care_records import ErasedGarden
from hmlr.store.port import Store
from tests.store.making import ADA
from tests.store.test_garden import D1, fill, place, put, step


async def test_a_dossier_that_still_tells_of_it_is_not_proved_clean(store: Store) -> None:
    await fill(store)
    held = (place(), place("f2"))
    await store.garden_step(ADA, step(dossiers=(put(title="Oslo"),), places=held))
    erased = ErasedGarden(dossiers_changed=frozenset({D1}))
    assert await proved(store, ADA, erased)
    await store.garden_step(ADA, step(dossiers=(put(version=1, title="Oslo, once Zanzibar"),)))
    assert not await proved(store, ADA, erased)
    assert not await proved(store, ADA, ErasedGarden(dossiers_removed=frozenset({D1})))
    assert await proved(store, ADA, ErasedGarden(dossiers_removed=frozenset({DossierId("gone")})))
