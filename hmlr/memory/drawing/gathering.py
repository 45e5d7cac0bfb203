"""Reading what pictures of a user's memory show."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from hmlr.garden_records import Dossier
from hmlr.memory.drawing import dossiers_over_time, lattice_graph
from hmlr.memory.drawing.lattice_graph import Lattice, Leaf
from hmlr.memory.drawing.svg import Picture
from hmlr.memory.paging import pages
from hmlr.records import Fact, Turn, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery

BEGINNING = 160  # characters of a turn that are shown


async def draw_dossiers(store: Store, user: UserId, now: datetime) -> Picture:
    """The user's dossiers over time."""
    found = await store.dossiers(user, None)
    facts = {fact.fact_id: fact for fact in await store.facts(user, FactQuery(states=None))}
    held = [
        dossiers_over_time.Drawn(
            each.dossier.title,
            _in_order([facts[place.fact_id] for place in each.places if place.fact_id in facts]),
        )
        for each in found
    ]
    return await asyncio.to_thread(dossiers_over_time.picture, held, now)


def _in_order(facts: Sequence[Fact]) -> list[Fact]:
    return sorted(facts, key=lambda fact: (fact.valid_from, fact.occurred_at, fact.fact_id))


async def draw_lattice(store: Store, user: UserId) -> Picture:
    """The user's days, topics, turns, facts and dossiers."""
    of_turn: dict[str, list[Fact]] = {}
    for fact in await store.facts(user, FactQuery(states=None)):
        of_turn.setdefault(fact.turn_id, []).append(fact)
    leaves = [
        _leaf(turn, of_turn.get(turn.turn_id, []))
        async for page in pages(store, user, TurnQuery())
        for turn in page
    ]
    dossiers = await store.dossiers(user, None)
    lattice = Lattice(
        leaves=sorted(leaves, key=lambda leaf: leaf.day),
        labels={each.block.block_id: each.block.label for each in await store.blocks(user)},
        dossiers={each.dossier.dossier_id: _title(each.dossier) for each in dossiers},
        place_of={place.fact_id: place.dossier_id for each in dossiers for place in each.places},
    )
    return await asyncio.to_thread(lattice_graph.picture, lattice)


def _title(dossier: Dossier) -> str:
    return dossier.title or "(to be told anew)"


def _leaf(turn: Turn, facts: Sequence[Fact]) -> Leaf:
    first = turn.messages[0]
    return Leaf(
        turn_id=turn.turn_id,
        day=turn.occurred_at.astimezone(UTC).date(),
        block_id=turn.block_id,
        said=" ".join(first.content[:BEGINNING].split()) + ("…" if len(first.content) > BEGINNING else ""),
        facts=sorted(facts, key=lambda fact: fact.start),
    )
