"""The desk where a user reads and edits facts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.as_of import holds, is_over
from hmlr.memory.facts.contradictions import contradictions
from hmlr.memory.facts.edits import correct, correct_to, restore, retire, standing
from hmlr.memory.facts.keys import plain_name
from hmlr.memory.facts.known_at import as_known
from hmlr.memory.facts.listing import of_kind
from hmlr.memory.facts.statement import state
from hmlr.memory.facts.timeline import timeline
from hmlr.memory.intake import CORRECTIONS, Intake, check_text, check_time
from hmlr.records import (
    Contradiction,
    Fact,
    FactHistory,
    FactId,
    FactState,
    JobKind,
    Message,
    Timeline,
    UserId,
)
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery

MAX_VALUE_CHARS = 1000
TRIES = 3  # when a fact changes between our reading and our writing it
STATES: tuple[FactState, ...] = get_args(FactState)


class FactDesk:
    """Facts of one user."""

    def __init__(
        self,
        store: Store,
        user: UserId,
        intake: Intake,
        clock: Callable[[], datetime],
        aliases: Callable[[], Awaitable[AliasIndex]],
    ) -> None:
        self._store = store
        self._aliases = aliases
        self._user = user
        self._intake = intake
        self._clock = clock
        # One that its caller gave up is carried on: what that caller does next finds it done, or not begun.
        self._correcting = asyncio.Lock()

    async def facts(
        self,
        *,
        subject: str | None = None,
        key: str | None = None,
        kind: str | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        states: Sequence[FactState] = ("active",),
    ) -> list[Fact]:
        """The facts that match, those under other names of the subject included.

        With `as_of`, those that held at that event time, whatever they are now; with `known_at`, as they
        stood at that record time.
        """
        for name, moment in (("as_of", as_of), ("known_at", known_at)):
            if moment is not None:
                check_time(moment, what=name)
        if isinstance(states, str) or any(each not in STATES for each in states):
            raise InvalidInput(f"unknown state in {states!r}", hint=f"Give a list of {', '.join(STATES)}")
        wanted = None if as_of is not None or known_at is not None else tuple(states)
        found = await self._of(subject, FactQuery(key=key, states=wanted))
        if kind is not None:
            found = await asyncio.to_thread(of_kind, found, kind)
        if known_at is not None:
            found = await self._as_known(found, known_at)
        if kind is not None:
            found = await asyncio.to_thread(of_kind, found, kind)
        if as_of is not None:
            return [fact for fact in found if holds(fact, as_of)]
        now = self._clock() if known_at is None else min(self._clock(), known_at)
        return [
            fact
            for fact in found
            if fact.state in states and (fact.state != "active" or not is_over(fact, now))
        ]

    async def contradictions(self) -> list[Contradiction]:
        """The pairs of facts that cannot both hold; see `hmlr.memory.facts.contradictions`."""
        active = await self._store.facts(self._user, FactQuery())
        return await asyncio.to_thread(contradictions, active, await self._aliases(), self._clock())

    async def timeline(self, entity: str) -> Timeline:
        """Everything known of an entity under any of its names, in the order of event time."""
        check_text(entity, what="the name")
        if not entity.strip():
            raise InvalidInput("the name is empty", hint='Give a name as written, or "user" for the owner')
        every = await self._store.facts(self._user, FactQuery(states=None))
        return await asyncio.to_thread(timeline, entity, every, await self._aliases())

    async def _of(self, subject: str | None, query: FactQuery) -> list[Fact]:
        """The facts that match, of a subject under any of its names; in the order of the store."""
        if subject is None:
            return await self._store.facts(self._user, query)
        names = {name.casefold() for name in (await self._aliases()).names_of(subject)} | {subject.casefold()}
        plain = {plain_name(name) for name in names}
        names |= plain | {f"project {name}" for name in plain}
        found = [
            fact
            for name in sorted(names)
            for fact in await self._store.facts(self._user, replace(query, subject=name))
        ]
        return sorted(found, key=lambda fact: (fact.valid_from, fact.recorded_at, fact.fact_id))

    async def _as_known(self, found: Sequence[Fact], at: datetime) -> list[Fact]:
        events = await self._store.fact_events(self._user, [fact.fact_id for fact in found])
        causes = tuple({event.turn_id for event in events if event.turn_id is not None})
        turns = await self._store.turns(self._user, TurnQuery(turn_ids=causes)) if causes else []
        return as_known(found, events, at, {turn.turn_id: turn.occurred_at for turn in turns})

    async def history(self, fact_id: FactId) -> FactHistory:
        """All that was ever held under the subject and key of a fact, with every change. NotFound."""
        fact = await self._one(fact_id)
        query = FactQuery(subject=fact.subject, key=fact.key, states=None)
        facts = await self._store.facts(self._user, query)
        events = await self._store.fact_events(self._user, [each.fact_id for each in facts])
        return FactHistory(facts=tuple(facts), events=tuple(events))

    async def correct(self, fact_id: FactId, value: str, jobs: Sequence[JobKind]) -> Fact:
        """Say that a fact's value was wrong; the right one is a new fact, whose source is the correction.

        The correction is a turn of its own, so that the new fact has a quote to stand on. When an active fact
        says the right value already, that one takes the place of the wrong one, and is given back.
        """
        async with self._correcting:
            for _ in range(TRIES):
                try:
                    return await self._correct(fact_id, value, jobs)
                except Conflict:  # somebody else has changed the fact: it is read again
                    continue
            return await self._correct(fact_id, value, jobs)

    async def _correct(self, fact_id: FactId, value: str, jobs: Sequence[JobKind]) -> Fact:
        old = await self._one(fact_id)
        if not value.strip() or len(value) > MAX_VALUE_CHARS:
            raise InvalidInput(f"a value has 1 to {MAX_VALUE_CHARS} characters")
        check_text(value, what="the value")
        if old.state == "invalidated":
            raise InvalidInput("this fact was corrected already", hint="Correct the one that replaced it")
        now = self._clock()
        known = await self._of(old.subject, FactQuery(key=old.key))
        if right := standing(old, value, known):
            await self._store.apply(self._user, correct_to(old, right, now))
            return right
        text = f"Correction: {state(replace(old, value=value))}"
        turn = self._intake.turn(
            Message(content=text, metadata={"corrects": fact_id}), session_id=CORRECTIONS, now=now, jobs=jobs
        )
        changes, new = correct(old, value, text, turn.turn_id, now)
        await self._store.add_turns(self._user, [turn], changes=changes)
        return new

    async def retire(self, fact_id: FactId, reason: str) -> Fact:
        """Say that a fact no longer holds; `restore` takes it back."""
        fact = await self._one(fact_id)
        if fact.state != "active":
            raise InvalidInput(f"this fact is {fact.state} already")
        check_text(reason, what="the reason")
        await self._store.apply(self._user, retire(fact, reason[:MAX_VALUE_CHARS], self._clock()))
        return await self._one(fact_id)

    async def restore(self, fact_id: FactId) -> Fact:
        """Make a fact active again, whatever retired it."""
        fact = await self._one(fact_id)
        if fact.state == "active":
            return fact
        known = await self._store.facts(self._user, FactQuery(subject=fact.subject, key=fact.key))
        edits = await self._store.edits(self._user)
        await self._store.apply(self._user, restore(fact, self._clock(), known, edits))
        return await self._one(fact_id)

    async def _one(self, fact_id: FactId) -> Fact:
        found = await self._store.facts(self._user, FactQuery(fact_ids=(fact_id,), states=None))
        if not found:
            raise NotFound(f"there is no fact {fact_id!r}", hint="`facts` lists them with their ids")
        return found[0]
