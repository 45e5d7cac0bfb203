"""The book of facts: a user's active facts as an answer needs them, kept up to date by what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from hmlr.core.tasks.answer.requests import listed, summed_up, wants_profile
from hmlr.core.tasks.outdated import Outdated
from hmlr.memory.facts.aliases import AliasIndex, joins_names
from hmlr.memory.facts.as_of import is_over
from hmlr.memory.facts.asked_time import AskedTime, asked_time, told_of
from hmlr.memory.facts.former import former, has_ended
from hmlr.memory.facts.hiding import Hidden, not_asked
from hmlr.memory.facts.links import Links, links_of
from hmlr.memory.facts.listing import of_kind
from hmlr.memory.facts.lookup import FactIndex, score_facts
from hmlr.memory.facts.outdated import outdated_quotes
from hmlr.memory.facts.portrait import portrait
from hmlr.memory.synthesis.scribe import profile_of
from hmlr.records import OWNER, Category, Fact, FactId, Hits, Profile, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactChanges, FactQuery
from hmlr.threads import unless_brief

MAX_RELEVANT = 12
_BINDING: frozenset[Category] = frozenset({"constraint", "preference"})
BRIEF_FACTS = 100  # scored in less than half a millisecond


@dataclass(frozen=True, kw_only=True)
class FactView:
    """What the facts say to one message."""

    constraints: tuple[Fact, ...] = ()
    preferences: tuple[Fact, ...] = ()  # latest first
    relevant: tuple[Fact, ...] = ()  # best first
    former: tuple[Fact, ...] = ()  # that no longer hold and would answer it, when it asks for what is
    listed: tuple[Fact, ...] = ()  # all of the kind that the message asks to list or count, oldest first
    by_turn: Mapping[TurnId, tuple[Fact, ...]] = field(default_factory=dict)  # the active ones
    about: tuple[frozenset[str], ...] = ()  # whom the message asks about, see `facts.about`
    past: bool = False  # the message asks for what was
    hidden: Hidden = field(default_factory=Hidden)  # the secrets that it does not ask for; in none of these

    def of_turns(self, hits: Hits) -> tuple[Fact, ...]:
        """One hop of causal hydration: the active facts that came from the turns found, best hit first."""
        turns = dict.fromkeys(turn_id for hit in hits for turn_id in hit.turn_ids)
        return self.hidden.facts(fact for turn_id in turns for fact in self.by_turn.get(turn_id, ()))


class FactBook:
    """Active facts of one user."""

    def __init__(self, store: Store, user: UserId) -> None:
        self._store = store
        self._user = user
        self._page = _Page()
        self._read_at = 0.0  # when what changed was last asked for, by the event loop's clock
        self._reading = asyncio.Lock()

    async def active(self) -> tuple[Fact, ...]:
        """All active facts, oldest first."""
        async with self._fresh() as page:
            return tuple(sorted(page.facts.values(), key=_age))

    async def aliases(self) -> AliasIndex:
        """Which names mean the same."""
        async with self._fresh() as page:
            return page.aliases

    async def links(self, text: str, since: float | None = None) -> Links:
        """Where the facts lead from what a text names; `since` as of `view`."""
        async with self._fresh(since) as page:
            brief = len(page.facts) <= BRIEF_FACTS
            return await unless_brief(
                brief, links_of, text, page.index, page.aliases, page.profile.constraints
            )

    async def view(
        self, message: str, now: datetime | None = None, *, since: float | None = None
    ) -> FactView:
        """What the facts say to a message of that time; without one, what holds at no time in particular.

        What was read after the moment `since`, of the event loop's clock, is fresh enough.
        """
        time = None if now is None else asked_time(message, now)
        async with self._fresh(since) as page:
            scored = await unless_brief(
                len(page.facts) <= BRIEF_FACTS,
                page.index.score,
                summed_up(message) or message,
                page.aliases,
                now,
            )
            relevant = [fact for fact, _ in scored[:MAX_RELEVANT]]
            ended = [] if time is None or time.past else page.ended_of(message, time, scored)
            if wants_profile(message):
                relevant = portrait(page.facts.values())
            elif time is not None and (time.past or any(_not_now(fact, time) for fact in relevant)):
                relevant = await self._at(message, time, page)
            own = _listed(message, relevant, page)
            hidden = not_asked(page.secrets.values(), (*own, *relevant))
            return FactView(
                listed=hidden.facts(_of_now(own, time)),
                constraints=hidden.facts(_of_now(page.profile.constraints, time)),
                preferences=hidden.facts(_of_now(reversed(page.profile.preferences), time)),
                former=hidden.facts(former(ended, _of_now(page.facts.values(), time))),
                relevant=hidden.facts(dict.fromkeys((*own, *relevant))),
                by_turn=page.by_turn,
                about=page.index.about(message),
                past=time is not None and time.past,
                hidden=hidden,
            )

    async def hidden(self, message: str, now: datetime, *, since: float | None = None) -> Hidden:
        """The secrets that a message does not ask for; `since` as of `view`."""
        async with self._fresh(since) as page:
            none = not page.secrets
        return Hidden() if none else (await self.view(message, now, since=since)).hidden

    async def _at(self, message: str, time: AskedTime, page: _Page) -> list[Fact]:
        """The facts of the time that is asked, what changed since then among them."""
        known = await self._store.facts(self._user, FactQuery(states=("active", "superseded")))
        facts = await unless_brief(len(known) <= BRIEF_FACTS, told_of, time, known)
        scored = await asyncio.to_thread(score_facts, message, facts, page.aliases, time.until)
        found = [fact for fact, _ in scored]
        if time.past:  # what was, before what is
            found.sort(key=lambda fact: fact.state == "active")
        return found[:MAX_RELEVANT]

    async def outdated(self, hits: Hits, now: datetime, hidden: Hidden) -> Mapping[str, Outdated]:
        """Quotes from the turns of the hits on which facts stand that no longer hold, and what they said.

        They read as the hits do, without the `hidden`.
        """
        turns = tuple({turn_id for hit in hits for turn_id in hit.turn_ids})
        if not turns:
            return {}
        return outdated_quotes(
            await self._store.facts(self._user, FactQuery(turn_ids=turns, states=None)), now, hidden
        )

    @asynccontextmanager
    async def _fresh(self, since: float | None = None) -> AsyncIterator[_Page]:
        """The page as of now; nobody changes it meanwhile."""
        async with self._reading:
            begun = asyncio.get_running_loop().time()
            if since is not None and self._read_at >= since:
                yield self._page
                return
            changes = await self._store.fact_changes(self._user, self._page.version)
            if changes.whole:
                # Changes tell of every state from here on; so far they told of what is active alone.
                self._page = _Page()
                gone = FactQuery(states=("superseded", "invalidated"))
                self._page.take_gone(await self._store.facts(self._user, gone))
            if changes.facts or changes.whole:
                # Names and constraints are arranged anew from all facts that there are.
                brief = len(self._page.facts) + len(changes.facts) <= BRIEF_FACTS
                await unless_brief(brief, self._page.take, changes)
            self._read_at = begun
            yield self._page


@dataclass
class _Page:
    """Active facts, arranged for every use."""

    version: int = 0
    facts: dict[FactId, Fact] = field(default_factory=dict)
    by_turn: dict[TurnId, tuple[Fact, ...]] = field(default_factory=dict)
    secrets: dict[FactId, Fact] = field(default_factory=dict)  # of every state
    index: FactIndex = field(default_factory=FactIndex)
    ended: FactIndex = field(default_factory=FactIndex)  # see `facts.former`
    aliases: AliasIndex = field(default_factory=AliasIndex)
    profile: Profile = field(default_factory=lambda: profile_of(()))  # constraints and preferences alone
    _joining: dict[FactId, Fact] = field(default_factory=dict)  # the facts behind `aliases`
    _binding: dict[FactId, Fact] = field(default_factory=dict)  # the facts behind `profile`

    def __post_init__(self) -> None:
        self.ended = FactIndex(beside=self.index)

    def ended_of(self, message: str, time: AskedTime, scored: Sequence[tuple[Fact, float]]) -> list[Fact]:
        """What fits a message and has come to its end, best first; `scored` are the active facts that fit."""
        over = [fact for fact, _ in scored if is_over(fact, time.until)]
        return over + [fact for fact, _ in self.ended.score(message, self.aliases, time.until)]

    def take_gone(self, facts: Iterable[Fact]) -> None:
        """Bring in facts that may no longer hold."""
        for fact in facts:
            if fact.category == "secret":
                self.secrets[fact.fact_id] = fact
            if has_ended(fact):
                self.ended.put(fact)
            else:
                self.ended.drop(fact.fact_id)

    def take(self, changes: FactChanges) -> None:
        """Bring in what has changed. Runs in a thread."""
        touched = [self.facts[fact.fact_id] for fact in changes.facts if fact.fact_id in self.facts]
        for fact in touched:
            self._remove(fact)
        for fact in changes.facts:
            if fact.state == "active":
                self._add(fact)
        self.take_gone(changes.facts)
        touched += changes.facts
        if any(joins_names(fact) for fact in touched):
            self.aliases = AliasIndex(sorted(self._joining.values(), key=_age))
        if any(fact.category in _BINDING for fact in touched):
            self.profile = profile_of(sorted(self._binding.values(), key=_age))
        self.version = changes.version

    def _add(self, fact: Fact) -> None:
        self.facts[fact.fact_id] = fact
        self.by_turn[fact.turn_id] = (*self.by_turn.get(fact.turn_id, ()), fact)
        self.index.put(fact)
        if joins_names(fact):
            self._joining[fact.fact_id] = fact
        if fact.category in _BINDING:
            self._binding[fact.fact_id] = fact

    def _remove(self, fact: Fact) -> None:
        del self.facts[fact.fact_id]
        left = tuple(each for each in self.by_turn[fact.turn_id] if each.fact_id != fact.fact_id)
        self.by_turn[fact.turn_id] = left
        self.index.drop(fact.fact_id)
        self._joining.pop(fact.fact_id, None)
        self._binding.pop(fact.fact_id, None)


def _listed(message: str, relevant: Sequence[Fact], page: _Page) -> list[Fact]:
    """The owner's facts of the kind that the message asks for; none when a fact tells how many there are."""
    kind = listed(message)
    if not kind or any(fact.key.startswith("number_of_") for fact in relevant):
        return []
    own = [fact for fact in page.facts.values() if fact.subject.casefold() == OWNER]
    return sorted(of_kind(own, kind), key=_age)


def _of_now(facts: Iterable[Fact], time: AskedTime | None) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if time is None or not _not_now(fact, time))


def _not_now(fact: Fact, time: AskedTime) -> bool:
    """Whether a fact that counts as active has not begun yet, or has come to the end it was told with."""
    over = fact.valid_to is not None and fact.valid_to <= time.until
    return over or fact.valid_from > time.until


def _age(fact: Fact) -> tuple[object, ...]:
    """The order of the store."""
    return fact.valid_from, fact.recorded_at, fact.fact_id
