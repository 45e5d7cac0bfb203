"""Forgetting: what is to go is planned, erased, looked for once more, and proved to be gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import uuid_utils

from hmlr.core.services import Services
from hmlr.core.tasks.base import TaskRunner
from hmlr.errors import NotFound
from hmlr.memory.erasure import plan_fact, plan_rest, plan_turns, turns_of
from hmlr.memory.gardener.manual_gardener import Gardener
from hmlr.memory.purging import Purging
from hmlr.memory.synthesis.proving import proved
from hmlr.records import Certificate, FactId, Scope, SessionId, TurnId, UserId
from hmlr.store.care_records import Erased, ErasePlan
from hmlr.store.records import FactQuery, TurnQuery

# Each looks for what was written while the one before worked; a reply may be under way in each session.
ERASE_TRIES = 20


def quiet_gardener(services: Services, user: UserId) -> Gardener:
    """One that asks no model."""
    return Gardener(
        services.store,
        services.embedding,
        TaskRunner(None),
        user,
        services.clock,
        leasing=services.leasing,
    )


class Forgetting:
    """What one user wants forgotten."""

    def __init__(self, services: Services, user: UserId, purging: Purging) -> None:
        self._services = services
        self._store = services.store
        self._user = user
        self._purging = purging

    async def plan(self, *, turn_id: str | None, fact_id: str | None, session_id: str | None) -> ErasePlan:
        """What has to go with one thing, or everything when nothing is named. NotFound."""
        store, user = self._store, self._user
        if self._services.day_book is not None:
            await self._services.day_book.settle()  # or it would be written after everything was erased
        if turn_id is not None:
            return await plan_turns(store, user, [TurnId(turn_id)], scope="turn")
        if fact_id is not None:
            return await plan_fact(store, user, FactId(fact_id))
        if session_id is not None:
            turns = await turns_of(store, user, TurnQuery(session_id=SessionId(session_id)))
            return await plan_turns(store, user, turns, scope="session")
        return ErasePlan(scope="everything", target="", everything=True)

    async def plan_speaker(self, opened: TurnQuery) -> ErasePlan:
        """What has to go with the turns that a speaker opened. NotFound."""
        turns = await turns_of(self._store, self._user, opened)
        if not turns:
            raise NotFound(
                "that speaker said nothing in that time",
                hint="`recall --speaker NAME` shows what a speaker has said",
            )
        return await plan_turns(self._store, self._user, turns, scope="turn")

    async def erase(self, plan: ErasePlan, scope: Scope) -> Certificate:
        """Erase what was planned and what was made of it meanwhile; the proof."""
        now = self._services.clock()
        erased = await self._store.erase(self._user, plan, now=now)
        for _ in range(ERASE_TRIES):
            rest = await plan_rest(self._store, self._user, plan)
            if rest is None:
                break
            erased += await self._store.erase(self._user, rest, now=now)
        # What dossiers told of it is gone already; they are told anew from the facts that stay.
        await quiet_gardener(self._services, self._user).retell()
        verified = await self._purging.run() and await proved(self._store, self._user, erased.garden)
        restored: list[FactId] = []
        if erased.restored:  # but for those that went with the rest
            again = await self._store.facts(self._user, FactQuery(fact_ids=erased.restored))
            restored = [fact.fact_id for fact in again]
        return certificate(erased, scope, now, restored, verified=verified)


def certificate(
    erased: Erased, scope: Scope, now: datetime, restored: Sequence[FactId], *, verified: bool
) -> Certificate:
    """What a deletion removed."""
    garden = erased.garden
    return Certificate(
        certificate_id=str(uuid_utils.uuid7()),
        scope=scope,
        recorded_at=now,
        turns=erased.turns,
        messages=erased.messages,
        chunks=erased.chunks,
        vectors=erased.vectors,
        facts=erased.facts,
        facts_restored=tuple(restored),
        redactions=erased.rewrites,
        dossiers_removed=tuple(sorted(garden.dossiers_removed)),
        dossiers_changed=tuple(sorted(garden.dossiers_changed)),
        dossier_entries=garden.entries,
        tags_removed=garden.tags_removed,
        tags_changed=garden.tags_changed,
        runs_sealed=garden.runs_sealed,
        verified=verified,
    )
