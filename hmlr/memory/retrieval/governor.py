"""The governor: decides which topic a turn belongs to, and which of the found memories matter."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from hmlr.core.tasks.base import Answer, TaskRunner
from hmlr.core.tasks.memory_filter.task import MEMORY_FILTER, FilterInput, Kept
from hmlr.core.tasks.routing.task import ROUTING, Routing, RoutingInput
from hmlr.errors import Conflict, LeaseLost
from hmlr.memory.analyst import Analyst
from hmlr.memory.blocks import extend_header, new_block
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.memory.retrieval.topics import TopicBook, TopicState, first_words
from hmlr.records import BlockId, BlockState, Hits, SessionId, Turn, UserId
from hmlr.store.port import Store
from hmlr.store.records import AssignTurn, Change, Lease, PutBlock

# Another process may change a block between our reading and our writing it; then we decide again.
TRIES = 8
PAUSE_S = 0.02  # twice as long after each conflict, by chance shorter: two that collided would do so again


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A turn to be routed, the vector of its message if there is one, and the job that it finishes."""

    turn: Turn
    vector: NDArray[np.float32] | None
    model_id: str | None  # whose vector it is
    lease: Lease | None
    place: BlockId | None = None  # where the user has put it; then nothing is decided
    since: float | None = None  # search data read after this moment of the loop's clock is fresh enough


@dataclass(frozen=True, kw_only=True)
class Routed:
    """Where a turn went, and how that was decided."""

    block_id: BlockId
    answer: Answer[Routing]


@dataclass
class _Plan:
    """Turns put into blocks one after the other, to be written in one transaction."""

    states: dict[BlockId, TopicState]  # the topic with the latest turn first
    latest_seq: int = 0  # of all turns that are in a topic
    active: BlockId | None = None  # the topic that becomes ACTIVE; None: it stays as it is
    changes_before: int = 0  # how often this process had changed topics when it was made
    pinned: dict[BlockId, TopicState] = field(default_factory=dict)  # older ones that the user put turns into
    labels: Mapping[BlockId, str] = field(default_factory=dict)  # the user's own, for blocks made again
    current: dict[SessionId, BlockId | None] = field(default_factory=dict)
    read_versions: dict[BlockId, int] = field(default_factory=dict)
    assigned: list[AssignTurn] = field(default_factory=list)

    def view(self, arrival: Arrival) -> RoutingInput:
        """The router's input for a turn, as things stand after those before it."""
        current = self.current[arrival.turn.session_id]
        topics = {
            block_id: state.topic(arrival.vector, arrival.model_id) for block_id, state in self.states.items()
        }
        return RoutingInput(
            message=first_words(arrival.turn),
            current=topics.pop(current, None) if current else None,
            others=tuple(topics.values()),
            has_vectors=arrival.vector is not None,
        )

    def put(self, arrival: Arrival, answer: Answer[Routing]) -> BlockId:
        """Put the turn into the block that was decided on; the header grows with it."""
        turn = arrival.turn
        chosen = answer.value.block_id
        state = (self.states.pop(chosen, None) or self.pinned.pop(chosen, None)) if chosen else None
        if state is None:
            block = new_block(turn.turn_id, turn.occurred_at)
            if arrival.place is not None:
                block = replace(block, block_id=arrival.place)
            if label := self.labels.get(block.block_id):
                block = replace(block, label=label, renamed=True)
            state = TopicState(block=replace(block, state="PAUSED"), version=0)
        block_id = state.block.block_id
        self.read_versions.setdefault(block_id, state.version)
        late = turn.seq < self.latest_seq  # its process died, say, before it was routed
        if not late:
            self.active, self.latest_seq = block_id, turn.seq
        state.last_seq = max(state.last_seq, turn.seq)
        text = first_words(turn)
        grown = extend_header(state.block, state.words, text, label=answer.value.label)
        state.block = replace(grown, turn_count=grown.turn_count + 1)
        state.remember(text, arrival.vector, arrival.model_id)
        self.states = {block_id: state, **self.states}
        if late:
            self.states = dict(sorted(self.states.items(), key=lambda each: -each[1].last_seq))
        self.current[turn.session_id] = block_id
        self.assigned.append(
            AssignTurn(turn_id=turn.turn_id, block_id=block_id, by=answer.by, activate=not late)
        )
        return block_id

    def changes(self) -> list[Change]:
        """Each header once, as it is at the end, then the turns in their order."""
        headers: list[Change] = []
        # Who pauses is said here, or the store would say it, under a version that the book has not seen.
        for block_id, topic in self.states.items():
            if topic.block.state == "ACTIVE" and self.active is not None:
                self.read_versions.setdefault(block_id, topic.version)
        for block_id, version in self.read_versions.items():
            block = self.states[block_id].block
            active = self.active or (block_id if block.state == "ACTIVE" else None)
            state: BlockState = "ACTIVE" if block_id == active else "PAUSED"
            headers.append(PutBlock(block=replace(block, state=state), version=version))
        return [*headers, *self.assigned]


class Governor:
    """Routing and filtering for one user."""

    def __init__(
        self,
        store: Store,
        lattice: Lattice,
        runner: TaskRunner,
        user: UserId,
        *,
        analyst: Analyst | None = None,
    ) -> None:
        self._store = store
        self._lattice = lattice
        self._runner = runner
        self._analyst = analyst
        self._user = user
        self._book = TopicBook(store, user)
        self._writing = asyncio.Lock()  # around reading, deciding by rule and writing; never a model call
        self._changes = 0  # of the book's topics, by this process: a plan from before one is made again

    async def route(
        self, arrivals: Sequence[Arrival], labels: Mapping[BlockId, str] | None = None
    ) -> list[Routed]:
        """Put turns into blocks, each against the one before, and finish their jobs with it.

        Rules decide all in one transaction. A model is asked turn by turn, with nothing held meanwhile.
        """
        if self._runner.model is None:
            return await self._written(arrivals, {}, labels or {})
        routed: list[Routed] = []
        for arrival in arrivals:
            plan = await self._plan([arrival])
            answer = await self._decide(arrival, plan)
            routed += await self._written([arrival], {arrival.turn.turn_id: answer}, labels or {}, plan)
        return routed

    async def _decide(self, arrival: Arrival, plan: _Plan) -> Answer[Routing]:
        if arrival.place is not None:
            return Answer(value=Routing(action="resume", block_id=arrival.place), by="user")
        if self._analyst is not None:
            return await self._analyst.route(plan.view(arrival), arrival.turn.messages[0])
        return await self._runner.run(ROUTING, plan.view(arrival))

    async def _written(
        self,
        arrivals: Sequence[Arrival],
        answers: Mapping[str, Answer[Routing]],
        labels: Mapping[BlockId, str],
        plan: _Plan | None = None,
    ) -> list[Routed]:
        for attempt in range(TRIES):
            try:
                async with self._writing:
                    # What was read before the model was asked serves, unless a turn beside it was written.
                    if attempt or plan is None or plan.changes_before != self._changes:
                        plan = await self._plan(arrivals)
                    return await self._write(plan, arrivals, answers, labels)
            except LeaseLost:
                raise
            except Conflict:
                if attempt == TRIES - 1:
                    raise
            await asyncio.sleep(PAUSE_S * 2**attempt * random.random())  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    async def _write(
        self,
        plan: _Plan,
        arrivals: Sequence[Arrival],
        answers: Mapping[str, Answer[Routing]],
        labels: Mapping[BlockId, str],
    ) -> list[Routed]:
        plan.labels = labels
        self._changes += 1
        routed = []
        for arrival in arrivals:
            answer = answers.get(arrival.turn.turn_id) or await self._decide(arrival, plan)
            routed.append(Routed(block_id=plan.put(arrival, answer), answer=answer))
            await asyncio.sleep(0)  # rules answer without a pause, and others want their turn
        try:
            leases = [arrival.lease for arrival in arrivals if arrival.lease]
            await self._store.apply(self._user, plan.changes(), finish=leases)
        except BaseException:
            self._book.clear()  # its headers are ahead of what is stored
            raise
        finally:
            self._changes += 1
        self._book.keep(plan.states, plan.read_versions)
        return routed

    async def _plan(self, arrivals: Sequence[Arrival]) -> _Plan:
        changes_before = self._changes
        index = await self._lattice.index(self._user, arrivals[0].since if len(arrivals) == 1 else None)
        states = {state.block.block_id: state for state in await self._book.latest(index)}
        latest_seq = max((state.last_seq for state in states.values()), default=0)
        plan = _Plan(states=states, changes_before=changes_before, latest_seq=latest_seq)
        places = {arrival.place for arrival in arrivals if arrival.place is not None} - plan.states.keys()
        plan.pinned = await self._book.load(sorted(places), index)
        for arrival in arrivals:
            session = arrival.turn.session_id
            if session not in plan.current:
                before = await self._book.current(session, arrival.turn.seq)
                plan.current[session] = before or await self._book.resumed(arrival.turn)
        return plan

    async def filter(self, message: str, hits: Hits) -> tuple[Hits, Answer[Kept] | None]:
        """The hits that matter, most important first. When the model fails, the best by score stay."""
        if not hits:
            return hits, None
        answer = await self._runner.run(MEMORY_FILTER, FilterInput(message=message, hits=hits.items))
        kept = tuple(hits.items[number - 1] for number in answer.value.keep)
        return Hits(items=kept, degraded=hits.degraded), answer
