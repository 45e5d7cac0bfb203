"""How the user has arranged dossiers by hand: what the gardener keeps to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from hmlr.records import DossierId, FactId
from hmlr.store.garden_records import MERGE_DOSSIER, PLACE_FACT, RENAME_DOSSIER
from hmlr.store.records import Edit


@dataclass(frozen=True, kw_only=True)
class DossierArrangement:
    """Where the user has put facts, and what dossiers are called; of two edits the later one holds."""

    places: Mapping[FactId, DossierId] = field(default_factory=dict)
    heirs: Mapping[DossierId, DossierId] = field(default_factory=dict)  # merged -> into
    titles: Mapping[DossierId, str] = field(default_factory=dict)

    @classmethod
    def of(cls, edits: Iterable[Edit]) -> DossierArrangement:
        """The arrangement that the edits, in the order they were made, add up to."""
        places: dict[FactId, DossierId] = {}
        heirs: dict[DossierId, DossierId] = {}
        titles: dict[DossierId, str] = {}
        for edit in edits:
            if edit.kind == PLACE_FACT:
                places[FactId(edit.target)] = DossierId(str(edit.payload["dossier_id"]))
            elif edit.kind == MERGE_DOSSIER:
                heirs[DossierId(edit.target)] = DossierId(str(edit.payload["into"]))
            elif edit.kind == RENAME_DOSSIER:
                titles[DossierId(edit.target)] = str(edit.payload["label"])
        return cls(places=places, heirs=heirs, titles=titles)

    def renamed(self, dossier_id: DossierId, title: str) -> DossierArrangement:
        """The arrangement with one more title."""
        return replace(self, titles={**self.titles, dossier_id: title})

    def heir(self, dossier_id: DossierId) -> DossierId:
        """The dossier that this one was merged into by hand, over all merges; itself when it was not."""
        passed = {dossier_id}
        while (heir := self.heirs.get(dossier_id)) is not None and heir not in passed:
            passed.add(heir)
            dossier_id = heir
        return dossier_id

    def place_of(self, fact_id: FactId) -> DossierId | None:
        """The dossier that the user has put the fact into; None when he has not."""
        wanted = self.places.get(fact_id)
        return None if wanted is None else self.heir(wanted)

    def kept(self) -> frozenset[DossierId]:
        """The dossiers that stay: the user has named them, or put facts into them."""
        return frozenset((*map(self.heir, self.places.values()), *self.titles))
