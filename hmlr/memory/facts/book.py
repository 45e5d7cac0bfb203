"""The book of facts: a user's active facts as an answer needs them, cached until one changes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.lookup import score_facts
from hmlr.memory.synthesis.scribe import profile_of
from hmlr.records import Fact, Hits, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery

MAX_RELEVANT = 12


@dataclass(frozen=True, kw_only=True)
class FactView:
    """What the facts say to one message."""

    constraints: tuple[Fact, ...] = ()
    relevant: tuple[Fact, ...] = ()  # best first
    active: tuple[Fact, ...] = ()

    def of_turns(self, hits: Hits) -> tuple[Fact, ...]:
        """One hop of causal hydration: the active facts that came from the turns found."""
        turns = {turn_id for hit in hits for turn_id in hit.turn_ids}
        return tuple(fact for fact in self.active if fact.turn_id in turns)


@dataclass(frozen=True, kw_only=True)
class _Page:
    version: int
    active: tuple[Fact, ...]
    aliases: AliasIndex


class FactBook:
    """Active facts of one user."""

    def __init__(self, store: Store, user: UserId) -> None:
        self._store = store
        self._user = user
        self._page: _Page | None = None
        self._loading = asyncio.Lock()

    async def active(self) -> tuple[Fact, ...]:
        """All active facts, oldest first."""
        return (await self._fresh()).active

    async def aliases(self) -> AliasIndex:
        """Which names mean the same."""
        return (await self._fresh()).aliases

    async def other_names(self, text: str) -> tuple[str, ...]:
        """Further names of the things that a text names."""
        return tuple((await self._fresh()).aliases.expand(text))

    async def view(self, message: str) -> FactView:
        """What the facts say to a message."""
        page = await self._fresh()
        scored = await asyncio.to_thread(score_facts, message, page.active, page.aliases)
        return FactView(
            constraints=profile_of(page.active).constraints,
            relevant=tuple(fact for fact, _ in scored[:MAX_RELEVANT]),
            active=page.active,
        )

    async def outdated(self, hits: Hits) -> frozenset[TurnId]:
        """Turns among the hits that taught facts of which none holds any more."""
        turns = tuple({turn_id for hit in hits for turn_id in hit.turn_ids})
        if not turns:
            return frozenset()
        facts = await self._store.facts(self._user, FactQuery(turn_ids=turns, states=None))
        holding = {fact.turn_id for fact in facts if fact.state == "active"}
        return frozenset({fact.turn_id for fact in facts} - holding)

    async def _fresh(self) -> _Page:
        async with self._loading:
            version = await self._store.fact_version(self._user)
            if self._page is None or self._page.version != version:
                active = tuple(await self._store.facts(self._user, FactQuery()))
                aliases = await asyncio.to_thread(AliasIndex, active)
                self._page = _Page(version=version, active=active, aliases=aliases)
            return self._page
