"""What is to be gardened: finished blocks, and what came to light about gardened ones since. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from hmlr.records import BlockId, Fact, FactId, TurnId
from hmlr.store.garden_records import GardenBlock, GardenView, told_of


@dataclass(kw_only=True)
class Unit:
    """What is gardened in one step: a block, or the facts that belong to none, such as corrections."""

    block: GardenBlock | None
    place: list[FactId] = field(default_factory=list)  # facts without a place
    retell: list[FactId] = field(default_factory=list)  # facts that their dossiers tell otherwise
    turn_id: TurnId | None = None  # stands for it among the jobs

    @property
    def block_id(self) -> BlockId | None:
        """The block's id."""
        return self.block.block.block_id if self.block else None


def pending(view: GardenView, *, active: bool) -> list[Unit]:
    """The units that need gardening, oldest first; the ACTIVE block only with `active`."""
    told = {place.fact_id: place.told for place in view.places}
    units = {each.block.block_id: Unit(block=each, turn_id=each.last_turn) for each in view.blocks}
    running = {key for key, unit in units.items() if _runs(unit) and not active}
    loose = Unit(block=None)
    for fact in view.facts:
        block_id = view.block_of.get(fact.turn_id)
        unit = units.get(block_id, loose) if block_id is not None else loose
        if fact.fact_id not in told:
            if fact.turn_id not in view.unrouted:
                _note(unit, unit.place, fact)
        elif told[fact.fact_id] != told_of(fact):  # whatever its block does, the dossier is out of date
            unit = loose if block_id in running else unit
            _note(unit, unit.retell, fact)
    due = [unit for key, unit in units.items() if key not in running and _due(unit)]
    return [*due, *([loose] if loose.place or loose.retell else [])]


def _note(unit: Unit, facts: list[FactId], fact: Fact) -> None:
    facts.append(fact.fact_id)
    unit.turn_id = unit.turn_id or fact.turn_id


def _runs(unit: Unit) -> bool:
    return unit.block is not None and unit.block.block.state == "ACTIVE"


def _due(unit: Unit) -> bool:
    gardened = unit.block is not None and unit.block.block.state == "GARDENED"
    return not gardened or bool(unit.place or unit.retell)
