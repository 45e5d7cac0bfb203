"""The bed of one user's memory: read from the store, and again when it has changed."""

from __future__ import annotations

import asyncio

from hmlr.memory.gardener.bed import Bed
from hmlr.memory.gardener.pending import Unit, pending
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.records import BlockId, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import Lease, TurnQuery


class Beds:
    """Keeps the bed of one user; with `active` it holds the block talked about now, too."""

    def __init__(
        self, store: Store, user: UserId, vectors: DossierVectors, model_id: str | None, *, active: bool
    ) -> None:
        self._store = store
        self._user = user
        self._vectors = vectors
        self._model_id = model_id
        self._active = active
        self._bed: Bed | None = None

    async def waiting(self) -> list[Unit]:
        """What is to be gardened, oldest first."""
        view = await self._store.garden_view(self._user, self._model_id)
        return await asyncio.to_thread(pending, view, active=self._active)

    def drop(self) -> None:
        """Have the bed read again: what was worked out on it was not written."""
        self._bed = None

    async def _current(self) -> Bed:
        """The bed, read again when facts have changed or anything was forgotten."""
        mark = await self._store.garden_mark(self._user)
        if self._bed is None or not self._bed.holds(mark):
            self._bed = await self.fresh()
        return self._bed

    async def fresh(self, *, store_vectors: bool = True) -> Bed:
        """The bed as the store has it; dossiers without a vector of the present model are given one."""
        view = await self._store.garden_view(self._user, self._model_id)
        bed = await asyncio.to_thread(Bed, self._user, view, active=self._active)
        made = await self._vectors.fill(bed.shelf)
        if made and store_vectors:
            vectors = [(each.dossier_id, each.search_summary, vector) for each, vector in made]
            await self._store.put_dossier_vectors(self._user, vectors)
        return bed

    async def behind(self, lease: Lease) -> tuple[Bed, Unit | None]:
        """The bed, and what a lease stands for in it; None when somebody has done it, or talks about it."""
        bed = await self._current()
        unit = await self._unit(bed, lease)
        if unit is None:  # perhaps its topic was finished since the bed was read
            bed = self._bed = await self.fresh()
            unit = await self._unit(bed, lease)
        return bed, unit

    async def _unit(self, bed: Bed, lease: Lease) -> Unit | None:
        return bed.standing_for(lease.turn_id) or bed.unit(await self._block_of(lease.turn_id))

    async def _block_of(self, turn_id: TurnId) -> BlockId | None:
        turns = await self._store.turns(self._user, TurnQuery(turn_ids=(turn_id,)))
        return turns[0].block_id if turns else None
