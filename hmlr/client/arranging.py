"""The client for arranging dossiers by hand, and for seeing how a memory is arranged."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.client.base import ClientBase
from hmlr.garden_records import DossierEdit
from hmlr.memory.drawing.gathering import draw_dossiers, draw_lattice
from hmlr.records import DossierId, FactId


class Arranging(ClientBase):
    """Rename, merge and split dossiers; draw them, and the lattice.

    Every edit is logged with the dossier, and is a run that `undo` takes back. Texts and vectors are made
    anew by rule, without a model. The gardener keeps to an edit, also after a rebuild: it neither merges what
    was split, nor parts what was merged, nor renames. Every fact stays in exactly one dossier.
    """

    async def rename_dossier(self, dossier_id: str, title: str) -> DossierEdit:
        """Give a dossier a title of one's own. NotFound."""
        return await self._member.dossiers.rename(DossierId(dossier_id), title)

    async def merge_dossiers(self, dossier_id: str, into: str) -> DossierEdit:
        """Move a dossier's facts into another one; its id leads there from then on.

        NotFound; InvalidInput when both are one.
        """
        return await self._member.dossiers.merge(DossierId(dossier_id), DossierId(into))

    async def split_dossier(
        self, dossier_id: str, fact_ids: Sequence[str], *, title: str | None = None
    ) -> DossierEdit:
        """Move facts of a dossier into a new one; without a title it gets one from its facts.

        NotFound for an unknown dossier or fact; InvalidInput for facts that lie elsewhere, and for all facts
        of the dossier, or none.
        """
        wanted = [FactId(each) for each in fact_ids]
        return await self._member.dossiers.split(DossierId(dossier_id), wanted, title)

    async def draw_dossiers(self, *, html: bool = False) -> str:
        """The dossiers over time as one SVG document, or as one HTML page; it needs nothing beside it."""
        drawn = await draw_dossiers(self._member.services.store, self.user_id, self._clock())
        return drawn.html() if html else drawn.svg()

    async def draw_blocks(self, *, html: bool = False) -> str:
        """Days, topics, turns, facts and dossiers as one SVG document, or as one HTML page."""
        drawn = await draw_lattice(self._member.services.store, self.user_id)
        return drawn.html() if html else drawn.svg()
