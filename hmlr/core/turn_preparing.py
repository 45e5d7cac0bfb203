"""A turn on its way to the answer: its message is stored, then everything that bears on it is fetched."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from hmlr.core.services import Services
from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.requests import summed_up
from hmlr.core.tasks.answer.talks import Talks
from hmlr.core.tasks.outdated import Outdated
from hmlr.core.turn_keeping import TurnKeeping
from hmlr.core.turn_trace import TurnTrace
from hmlr.errors import HMLRError
from hmlr.memory.catching_up import CatchingUp
from hmlr.memory.days import DayDesk
from hmlr.memory.facts.book import FactBook, FactView
from hmlr.memory.facts.statement import state_at
from hmlr.memory.retrieval.dossier_book import DossierBook, ShownDossier
from hmlr.memory.retrieval.governor import Arrival, Governor, Routed
from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.hydration import Found, hydrate
from hmlr.memory.retrieval.lattice import QueryVector
from hmlr.records import BlockId, Fact, Hits, SessionId, Turn, TurnId, UserId
from hmlr.store.records import AddedTurn, TurnQuery

# A message asks by its beginning; what is pasted behind it is stored and learned from all the same.
ASKED_CHARS = 4000
MAX_TOLD = 500  # turns of a session that are looked through for what a prompt tells anyway


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A turn whose message is stored, with everything that was found for it."""

    turn: Turn
    added: AddedTurn
    given: AnswerInput
    hits: Hits
    block_id: BlockId | None


class TurnPreparing:
    """Prepares the turns of one user. Safe for concurrent turns."""

    def __init__(
        self,
        services: Services,
        user: UserId,
        keeping: TurnKeeping,
        governor: Governor,
        *,
        book: FactBook,
        dossiers: DossierBook,
    ) -> None:
        self._services = services
        self._user = user
        self._keeping = keeping
        self._governor = governor
        self._book = book
        self._dossiers = dossiers
        self._days = DayDesk(services.store, user)
        self._catching_up = CatchingUp(services.store, user, services.clock, services.foreground)

    async def prepare(
        self, turn: Turn, added: AddedTurn, trace: TurnTrace, *, told: AbstractSet[str] | None = None
    ) -> Prepared:
        """Find what there is for a turn that was just stored; of stages that fail the trace knows.

        Runs while the turn's routing is the caller's. `told` are the texts that the prompt holds anyway, when
        it brings its own history: the session's window is not needed then, and they are not recalled.
        """
        # All that is found is as of this moment, or later: what one part has read serves the others.
        since = asyncio.get_running_loop().time()
        told_turns = frozenset({turn.turn_id, *(await self._told(turn, told))})
        with trace.timed("embed"):
            vector = await self._services.lattice.query_vector(self._user, _asked(turn))
        trace.degraded += vector.degraded
        routed, hits, window, facts, dossiers, talks = await asyncio.gather(
            trace.guarded("routing", lambda: self._route(turn, vector, added, since), None),
            trace.guarded("recall", lambda: self._search(turn, vector, trace, told_turns, since), Hits()),
            trace.guarded("window", lambda: self._window(turn, told), list[Turn]()),
            trace.guarded("facts", lambda: self._facts(turn, since), FactView()),
            trace.guarded(
                "dossiers",
                lambda: self._dossiers.about(_asked(turn), vector),
                tuple[ShownDossier, ...](),
            ),
            trace.guarded("days", lambda: self._talks(turn), None),
        )
        if routed is not None:
            trace.count("routing", routed.answer)
        trace.degraded += hits.degraded
        hits, talks = facts.hidden.hits(hits), facts.hidden.talks(talks)
        nothing: Mapping[str, Outdated] = {}
        outdated = await trace.guarded(
            "outdated", lambda: self._book.outdated(hits, turn.occurred_at, facts.hidden), nothing
        )
        found = self.found(hits, window, facts, outdated, dossiers)
        given = replace(self._hydrate(turn, found, facts), talks=talks)
        block_id = routed.block_id if routed else turn.block_id
        return Prepared(turn=turn, added=added, given=given, hits=hits, block_id=block_id)

    async def _route(self, turn: Turn, vector: QueryVector, added: AddedTurn, since: float) -> Routed | None:
        if not added.created:  # it was routed when it came first, or will be by the background
            return None
        lease = added.leases[0] if added.leases else None
        try:
            arrival = Arrival(
                turn=turn, vector=vector.row, model_id=vector.model_id, lease=lease, since=since
            )
            return (await self._governor.route([arrival]))[0]
        except HMLRError as error:
            await self._keeping.give_back(lease, type(error).__name__)
            raise

    async def _search(
        self,
        turn: Turn,
        vector: QueryVector,
        trace: TurnTrace,
        told: frozenset[TurnId],
        since: float,
    ) -> Hits:
        text = summed_up(_asked(turn)) or _asked(turn)
        query = SearchQuery(
            text=text,
            limit=self._services.settings.recall_limit,
            now=turn.occurred_at,
            exclude=told,
            links=await self._book.links(text, since),
        )
        hits = await self._services.lattice.search(self._user, query, vector=vector, since=since)
        if hits and self._services.runner.model is not None:  # the filter's prompt tells no secrets either
            hits = (await self._book.hidden(_asked(turn), turn.occurred_at, since=since)).hits(hits)
        kept, answer = await self._governor.filter(text, hits)
        if answer is not None:
            trace.count("filter", answer)
        return await self._dossiers.tagged(kept, since)

    async def _facts(self, turn: Turn, since: float) -> FactView:
        """What the facts say, those of the turns before included: rules learn them in a moment."""
        if self._services.runner.model is None:
            await self._catching_up.before(turn.seq)
            since = asyncio.get_running_loop().time()
        return await self._book.view(_asked(turn), turn.occurred_at, since=since)

    async def _talks(self, turn: Turn) -> Talks | None:
        """What was talked about on the days that the message asks for."""
        return await self._days.talks(_asked(turn), turn.occurred_at, but=turn.turn_id)

    async def _told(self, turn: Turn, told: AbstractSet[str] | None) -> frozenset[TurnId]:
        """The turns of this session that the prompt tells anyway."""
        if not told:
            return frozenset()
        query = TurnQuery(
            session_id=turn.session_id, before_seq=turn.seq, newest=True, limit=min(len(told), MAX_TOLD)
        )
        found = await self._services.store.turns(self._user, query)
        return frozenset(each.turn_id for each in found if each.messages[0].content in told)

    async def _window(self, turn: Turn, told: AbstractSet[str] | None) -> list[Turn]:
        return await self.window(turn.session_id, turn.seq) if told is None else []

    async def window(self, session_id: SessionId, before_seq: int | None = None) -> list[Turn]:
        """The last turns of a session, oldest first, as many as the settings say."""
        limit = self._services.settings.window_turns
        if not limit:
            return []
        query = TurnQuery(session_id=session_id, before_seq=before_seq, newest=True, limit=limit)
        return list(reversed(await self._services.store.turns(self._user, query)))

    def found(
        self,
        hits: Hits,
        window: list[Turn],
        facts: FactView,
        outdated: Mapping[str, Outdated],
        dossiers: tuple[ShownDossier, ...],
    ) -> Found:
        """What goes into a context; one hop further, the facts of the turns that were found.

        Of secrets only those that the message asks for: `hits` come without the others. The session's window
        is the conversation itself, word for word.
        """
        nearest = Hits(items=hits.items[: self._services.settings.recall_limit])
        return Found(
            constraints=facts.constraints,
            preferences=facts.preferences,
            window=tuple(window),
            facts=tuple(dict.fromkeys((*facts.relevant, *facts.of_turns(nearest)))),
            dossiers=tuple(each.without(facts.hidden) for each in dossiers),
            hits=hits.items,
            outdated=outdated,
            degraded=hits.degraded,
        )

    def _hydrate(self, turn: Turn, found: Found, facts: FactView) -> AnswerInput:
        now, budget = turn.occurred_at, self._services.settings.budget_tokens
        context = hydrate(found, budget_tokens=budget, statement=lambda fact: state_at(fact, now))
        said = [message for each in found.window for message in each.messages if message.role == "user"]
        return AnswerInput(
            message=_asked(turn),
            now=now,
            context=context,
            constraints=_known(facts.constraints, now),
            facts=_known(facts.relevant, now),
            former=_known(facts.former, now),
            listed=_known(facts.listed, now),
            hits=found.hits,
            outdated=found.outdated,
            about=facts.about,
            past=facts.past,
            previous=said[-1] if said else None,
        )


def _asked(turn: Turn) -> str:
    return turn.messages[0].content[:ASKED_CHARS]


def _known(facts: tuple[Fact, ...], now: datetime) -> tuple[KnownFact, ...]:
    return tuple(KnownFact(fact=fact, statement=state_at(fact, now)) for fact in facts)
