"""The bed: what a gardener has before it, and how its work on one block becomes a step to be written."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.garden_records import GardenRun
from hmlr.memory.gardener.pending import Unit, pending
from hmlr.memory.synthesis.shelf import Shelf
from hmlr.memory.synthesis.work import Work
from hmlr.records import BlockId, Tag, TurnId, UserId
from hmlr.store.garden_records import GardenedBlock, GardenMark, GardenStep, GardenView


class Bed:
    """A user's memory as it was read, changed by what was written since."""

    def __init__(self, user: UserId, view: GardenView, *, active: bool) -> None:
        self.user = user
        self.shelf = Shelf(view)
        self.units = pending(view, active=active)
        self._mark = view.mark

    @property
    def garden_version(self) -> int:
        """The version of the dossiers that was read."""
        return self._mark.garden_version

    def holds(self, mark: GardenMark) -> bool:
        """Whether it is still what is stored: neither have facts changed nor was anything forgotten."""
        same = (self._mark.erasures, self._mark.fact_version)
        return same == (mark.erasures, mark.fact_version)

    def standing_for(self, turn_id: TurnId) -> Unit | None:
        """The unit that the turn stands for among the jobs."""
        return next((unit for unit in self.units if unit.turn_id == turn_id), None)

    def unit(self, block_id: BlockId | None) -> Unit | None:
        """What is to be gardened of a block; None when nothing is."""
        return next((unit for unit in self.units if unit.block_id == block_id), None)

    def step(self, unit: Unit, work: Work, tags: Sequence[Tag], run: GardenRun | None) -> GardenStep:
        """What the work on a unit changes."""
        shelf = self.shelf
        block = None
        if unit.block is not None:
            block = GardenedBlock(
                block_id=unit.block.block.block_id, version=unit.block.version, tags=tuple(tags)
            )
        return GardenStep(
            erasures=self._mark.erasures,
            run=run,
            dossiers=tuple(shelf.dossiers[each].put() for each in sorted(work.touched)),
            places=tuple(
                shelf.dossiers[shelf.place_of[fact_id]].facts[fact_id] for fact_id in sorted(work.moved)
            ),
            dropped=tuple(work.dropped),
            block=block,
            events=tuple(work.events) if run is not None else (),
        )

    def written(self, step: GardenStep, unit: Unit) -> None:
        """The step is stored: its versions are the stored ones now."""
        for put in step.dossiers:
            self.shelf.dossiers[put.dossier_id].version = put.version + 1
        self.units.remove(unit)
