"""The handler of `route` jobs: imported turns, and those whose process died, find their blocks in order."""

from __future__ import annotations

from collections.abc import Sequence

from hmlr.memory.block_desk import Arrangement
from hmlr.memory.intake import CORRECTIONS
from hmlr.memory.retrieval.governor import Arrival, Governor
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.memory.retrieval.topics import vector_of
from hmlr.records import UserId
from hmlr.store.port import Store
from hmlr.store.records import Lease, TurnQuery


class RouteJob:
    """Routes turns one after the other, since each is routed against the one before."""

    def __init__(self, store: Store, lattice: Lattice, governor: Governor, user: UserId) -> None:
        self._store = store
        self._lattice = lattice
        self._governor = governor
        self._user = user

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Route the leased turns in the order of arrival."""
        by_turn = {lease.turn_id: lease for lease in leases}
        found = await self._store.turns(self._user, TurnQuery(turn_ids=tuple(by_turn)))
        turns = [turn for turn in found if turn.session_id != CORRECTIONS]
        corrections = [by_turn[turn.turn_id] for turn in found if turn.session_id == CORRECTIONS]
        if corrections:  # they belong to a fact, not to a topic
            await self._store.apply(self._user, [], finish=corrections)
        index = await self._lattice.index(self._user)
        arranged = Arrangement.of(await self._store.edits(self._user))
        arrivals = [
            Arrival(
                turn=turn,
                vector=vector_of(index, turn),
                model_id=index.model_id,
                lease=by_turn[turn.turn_id],
                place=arranged.places.get(turn.turn_id),
            )
            for turn in turns
        ]
        if arrivals:
            await self._governor.route(arrivals, arranged.labels)
