"""The proof of an erasure in dossiers: they are read again, and held against the facts that stay."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from hmlr.core.tasks.offered import said_in
from hmlr.core.tasks.titles import FIELD_WORDS
from hmlr.language.literal import new_words
from hmlr.memory.synthesis.homes import HOMES
from hmlr.memory.synthesis.shelf import OpenDossier, Shelf
from hmlr.records import DossierId, UserId
from hmlr.store.care_records import ErasedGarden
from hmlr.store.port import GardenStore


async def proved(store: GardenStore, user: UserId, erased: ErasedGarden) -> bool:
    """Whether the removed dossiers are gone, and the changed ones say nothing but what their facts say."""
    if not (erased.dossiers_removed or erased.dossiers_changed):
        return True
    view = await store.garden_view(user, None)
    if not erased.dossiers_removed.isdisjoint(each.dossier_id for each in view.dossiers):
        return False
    shelf = await asyncio.to_thread(Shelf, view)
    return await asyncio.to_thread(_literal, shelf, erased.dossiers_changed)


def _literal(shelf: Shelf, ids: Collection[DossierId]) -> bool:
    return all(not foreign_words(shelf, shelf.dossiers[each]) for each in ids if each in shelf.dossiers)


def foreign_words(shelf: Shelf, dossier: OpenDossier) -> tuple[str, ...]:
    """The words of a dossier's texts that none of its facts says; a title of the user's own is his."""
    facts = shelf.of(dossier)
    months = (f"{each.fact.valid_from:%B %Y}" for each in facts)
    own = shelf.arranged.titles.get(dossier.dossier_id, "")
    sources = (*said_in(facts), *months, *HOMES.values(), own)
    texts = (dossier.title, dossier.summary, dossier.search_summary)
    statements = (place.statement for place in dossier.facts.values())
    return new_words("\n".join((*texts, *statements)), sources, also=FIELD_WORDS)
