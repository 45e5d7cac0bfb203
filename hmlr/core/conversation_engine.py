"""The conversation engine: one turn from the message to the stored reply (docs/architecture.md).

Order: the user's message is durable before anything else happens; then routing, search, facts and the
session's window are fetched together; then the answer is written, streamed and stored. Extraction runs in
the background from durable jobs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from hmlr.core.services import Services
from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.requests import summed_up
from hmlr.core.tasks.answer.talks import Talks
from hmlr.core.tasks.answer.task import ANSWER, AnswerText
from hmlr.core.tasks.base import Answer
from hmlr.core.tasks.outdated import Outdated
from hmlr.core.turn_keeping import TurnKeeping
from hmlr.core.turn_trace import TurnTrace
from hmlr.errors import HMLRError
from hmlr.memory.catching_up import CatchingUp
from hmlr.memory.days import DayDesk
from hmlr.memory.facts.book import FactBook, FactView
from hmlr.memory.facts.statement import state_at
from hmlr.memory.intake import Intake
from hmlr.memory.retrieval.dossier_book import DossierBook, ShownDossier
from hmlr.memory.retrieval.governor import Arrival, Governor, Routed
from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.hydration import Found, hydrate
from hmlr.memory.retrieval.lattice import QueryVector
from hmlr.records import (
    BlockId,
    Context,
    Fact,
    Hits,
    JobKind,
    Message,
    Reply,
    ReplyPart,
    SessionId,
    Turn,
    UserId,
)
from hmlr.store.records import AddedTurn, Lease, TurnQuery

# A message asks by its beginning; what is pasted behind it is stored and learned from all the same.
ASKED_CHARS = 4000
TURN_JOBS: tuple[JobKind, ...] = ("embed", "route", "scrub", "scribe")


class ConversationEngine:
    """Runs the turns of one user. Safe for concurrent turns."""

    def __init__(
        self,
        services: Services,
        user: UserId,
        intake: Intake,
        governor: Governor,
        *,
        book: FactBook,
        dossiers: DossierBook,
    ) -> None:
        self._services = services
        self._user = user
        self._keeping = TurnKeeping(
            services.store, user, intake, clock=services.clock, jobs=lambda: self.turn_jobs
        )
        self._governor = governor
        self._book = book
        self._dossiers = dossiers
        self._days = DayDesk(services.store, user)
        self._catching_up = CatchingUp(services.store, user, services.clock)

    @property
    def turn_jobs(self) -> tuple[JobKind, ...]:
        """The background work that a new turn needs."""
        return TURN_JOBS if self._services.embedding.available else TURN_JOBS[1:]

    async def run(
        self, message: Message, session_id: SessionId, key: str | None = None
    ) -> AsyncIterator[ReplyPart]:
        """One turn; the last part carries the whole reply. It is stored before the last of its text is given.

        InvalidInput before anything is stored. Once this has yielded or raised anything else, the user's
        message is stored; TryLater and StorageError mean that it may not be. A message whose key is known is
        not stored again: its reply is given, or made when there is none.
        """
        trace = TurnTrace()
        with trace.timed("total"), self._services.foreground.turn():
            now = self._services.clock()
            with trace.timed("store"):
                turn, added = await self._keeping.message(message, session_id, now, key)
                lease = added.leases[0] if added.leases else None
            if len(turn.messages) > 1:
                yield ReplyPart(text="", reply=_reply_before(turn, trace))
                return
            async with self._returned(lease):
                with trace.timed("embed"):
                    vector = await self._services.lattice.query_vector(_asked(turn))
                trace.degraded += vector.degraded
                routed, hits, window, facts, dossiers, talks = await asyncio.gather(
                    trace.guarded("routing", lambda: self._route(turn, vector.row, added), None),
                    trace.guarded("recall", lambda: self._search(turn, vector, trace), Hits()),
                    trace.guarded("window", lambda: self.window(turn.session_id, turn.seq), list[Turn]()),
                    trace.guarded("facts", lambda: self._facts(turn), FactView()),
                    trace.guarded(
                        "dossiers",
                        lambda: self._dossiers.about(_asked(turn), vector.row),
                        tuple[ShownDossier, ...](),
                    ),
                    trace.guarded("days", lambda: self._talks(turn), None),
                )
            if routed is not None:
                trace.count("routing", routed.answer)
            trace.degraded += hits.degraded
            nothing: Mapping[str, Outdated] = {}
            outdated = await trace.guarded(
                "outdated", lambda: self._book.outdated(hits, turn.occurred_at), nothing
            )
            found = replace(self.found(hits, window, facts, outdated), dossiers=dossiers)
            given, context = self._hydrate(turn, found, facts)
            given = replace(given, talks=talks)
            answer: Answer[AnswerText] | None = None
            held = ""  # the latest piece, so that a reader who has the whole text left a stored reply behind
            with trace.timed("answer"):
                async for part in self._services.runner.stream(ANSWER, given):
                    answer = part.answer
                    if answer is None and held:
                        yield ReplyPart(text=held)
                        held = ""
                    held += part.text
            assert answer is not None  # noqa: S101 - a stream ends with its answer, by contract
            trace.count("answer", answer)
            with trace.timed("store_reply"):
                await trace.guarded(
                    "store_reply", lambda: self._keeping.reply(turn, added, answer, context), None
                )
        block_id = routed.block_id if routed else turn.block_id
        yield ReplyPart(text=held)
        yield ReplyPart(text="", reply=_reply(turn, answer, hits, block_id, trace))

    async def _route(self, turn: Turn, vector: NDArray[np.float32] | None, added: AddedTurn) -> Routed | None:
        if not added.created:  # it was routed, or will be in the background
            return None
        lease = added.leases[0] if added.leases else None
        try:
            return (await self._governor.route([Arrival(turn=turn, vector=vector, lease=lease)]))[0]
        except HMLRError as error:
            await self._keeping.give_back(lease, type(error).__name__)
            raise

    @asynccontextmanager
    async def _returned(self, lease: Lease | None) -> AsyncIterator[None]:
        """A caller who gives up before the turn is routed leaves that to the background at once."""
        try:
            yield
        except asyncio.CancelledError:
            with suppress(HMLRError):  # LeaseLost: it was routed already
                await self._keeping.give_back(lease, "Cancelled")
            raise

    async def _search(self, turn: Turn, vector: QueryVector, trace: TurnTrace) -> Hits:
        text = summed_up(_asked(turn)) or _asked(turn)
        query = SearchQuery(
            text=text,
            limit=self._services.settings.recall_limit,
            now=turn.occurred_at,
            exclude=frozenset({turn.turn_id}),
            links=await self._book.links(text),
        )
        hits = await self._services.lattice.search(self._user, query, vector=vector)
        kept, answer = await self._governor.filter(text, hits)
        if answer is not None:
            trace.count("filter", answer)
        return await self._dossiers.tagged(kept)

    async def _facts(self, turn: Turn) -> FactView:
        """What the facts say, those of the turns before included: rules learn them in a moment."""
        if self._services.runner.model is None:
            await self._catching_up.before(turn.seq)
        return await self._book.view(_asked(turn), turn.occurred_at)

    async def _talks(self, turn: Turn) -> Talks | None:
        """What was talked about on the days that the message asks for."""
        return await self._days.talks(_asked(turn), turn.occurred_at, but=turn.turn_id)

    async def window(self, session_id: SessionId, before_seq: int | None = None) -> list[Turn]:
        """The last turns of a session, oldest first, as many as the settings say."""
        limit = self._services.settings.window_turns
        if not limit:
            return []
        query = TurnQuery(session_id=session_id, before_seq=before_seq, newest=True, limit=limit)
        return list(reversed(await self._services.store.turns(self._user, query)))

    def found(
        self, hits: Hits, window: list[Turn], facts: FactView, outdated: Mapping[str, Outdated]
    ) -> Found:
        """What goes into a context; one hop further, the facts of the turns that were found."""
        nearest = Hits(items=hits.items[: self._services.settings.recall_limit])
        return Found(
            constraints=facts.constraints,
            preferences=facts.preferences,
            window=tuple(window),
            facts=tuple(dict.fromkeys((*facts.relevant, *facts.of_turns(nearest)))),
            hits=hits.items,
            outdated=outdated,
            degraded=hits.degraded,
        )

    def _hydrate(self, turn: Turn, found: Found, facts: FactView) -> tuple[AnswerInput, Context]:
        now, budget = turn.occurred_at, self._services.settings.budget_tokens
        context = hydrate(found, budget_tokens=budget, statement=lambda fact: state_at(fact, now))
        said = [message for each in found.window for message in each.messages if message.role == "user"]
        given = AnswerInput(
            message=_asked(turn),
            now=now,
            context=context,
            constraints=_known(facts.constraints, now),
            facts=_known(facts.relevant, now),
            listed=_known(facts.listed, now),
            hits=found.hits,
            outdated=found.outdated,
            about=facts.about,
            past=facts.past,
            previous=said[-1] if said else None,
        )
        return given, context


def _reply_before(turn: Turn, trace: TurnTrace) -> Reply:
    """The reply that the turn has already, without what led to it."""
    return Reply(
        text=turn.messages[1].content,
        turn_id=turn.turn_id,
        block_id=turn.block_id,
        hits=(),
        usage=trace.usage,
        timings_ms=trace.timings_ms,
        degraded=(),
    )


def _asked(turn: Turn) -> str:
    return turn.messages[0].content[:ASKED_CHARS]


def _known(facts: tuple[Fact, ...], now: datetime) -> tuple[KnownFact, ...]:
    return tuple(KnownFact(fact=fact, statement=state_at(fact, now)) for fact in facts)


def _reply(
    turn: Turn, answer: Answer[AnswerText], hits: Hits, block_id: BlockId | None, trace: TurnTrace
) -> Reply:
    timings: Mapping[str, float] = trace.timings_ms
    return Reply(
        text=answer.value.text,
        turn_id=turn.turn_id,
        block_id=block_id,
        hits=hits.items,
        usage=trace.usage,
        timings_ms=timings,
        degraded=tuple(dict.fromkeys(trace.degraded)),
    )
