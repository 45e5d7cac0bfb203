"""The part of the store that gardening uses."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hmlr.garden_records import DossierFile, GardenRun
from hmlr.records import BlockId, DossierId, RunId, Tag, UserId
from hmlr.store.garden_records import DossierVector, FoundDossier, GardenMark, GardenStep, GardenView
from hmlr.store.records import Lease
from hmlr.store.sql import garden, garden_step, garden_undo
from hmlr.store.sql.gate import Gate


class SqlGarden:
    """GardenStore on a relational database."""

    _gate: Gate

    async def garden_mark(self, user: UserId) -> GardenMark:
        """See GardenStore."""
        return await self._gate.read(user, lambda c: garden.garden_mark(c, user))

    async def garden_view(self, user: UserId, model_id: str | None) -> GardenView:
        """See GardenStore."""
        return await self._gate.patient.read(user, lambda c: garden.garden_view(c, user, model_id))

    async def garden_step(self, user: UserId, step: GardenStep, *, finish: Sequence[Lease] = ()) -> None:
        """See GardenStore."""
        await self._gate.write(user, lambda c: garden_step.garden_step(c, user, step, finish))

    async def undo_run(self, user: UserId, run_id: RunId, *, now: datetime) -> GardenRun:
        """See GardenStore."""
        return await self._gate.patient.write(user, lambda c: garden_undo.undo_run(c, user, run_id, now))

    async def garden_runs(self, user: UserId) -> list[GardenRun]:
        """See GardenStore."""
        return await self._gate.read(user, lambda c: garden.read_runs(c, user))

    async def dossiers(self, user: UserId, model_id: str | None) -> list[FoundDossier]:
        """See GardenStore."""
        return await self._gate.read(user, lambda c: garden.read_dossiers(c, user, model_id))

    async def dossier(self, user: UserId, dossier_id: DossierId) -> DossierFile:
        """See GardenStore."""
        return await self._gate.read(user, lambda c: garden.read_dossier(c, user, dossier_id))

    async def put_dossier_vectors(
        self, user: UserId, vectors: Sequence[tuple[DossierId, str, DossierVector]]
    ) -> None:
        """See GardenStore."""
        await self._gate.write(user, lambda c: garden_step.put_vectors(c, user, vectors))

    async def tags(self, user: UserId, block_ids: Sequence[BlockId]) -> list[Tag]:
        """See GardenStore."""
        return await self._gate.read(user, lambda c: garden.read_tags(c, user, block_ids))
