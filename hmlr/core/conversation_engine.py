"""The conversation engine: one turn from the message to the stored reply (docs/architecture.md).

Order: the user's message is durable before anything else happens; then routing, search, facts and the
session's window are fetched together; then the answer is written, streamed and stored. Extraction runs in
the background from durable jobs.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from hmlr.core.services import Services
from hmlr.core.tasks.answer.given import AnswerInput, KnownFact
from hmlr.core.tasks.answer.requests import summed_up
from hmlr.core.tasks.answer.task import ANSWER, AnswerText
from hmlr.core.tasks.base import Answer
from hmlr.core.tasks.memory_filter.task import Kept
from hmlr.core.tasks.outdated import Outdated
from hmlr.core.tasks.routing.task import Routing
from hmlr.errors import HMLRError
from hmlr.memory.catching_up import CatchingUp
from hmlr.memory.echo import is_echo
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
    MessageId,
    Reply,
    ReplyPart,
    SessionId,
    StoredMessage,
    Turn,
    TurnId,
    Usage,
    UserId,
)
from hmlr.store.records import AddedTurn, Lease, NewTurn, TurnQuery
from hmlr.threads import unless_brief

T = TypeVar("T")
Counted = Answer[Routing] | Answer[Kept] | Answer[AnswerText]
# A message asks by its beginning; what is pasted behind it is stored and learned from all the same.
ASKED_CHARS = 4000
BRIEF_CHARS = 1000
TURN_JOBS: tuple[JobKind, ...] = ("embed", "route", "scrub", "scribe")


@dataclass
class _Trace:
    """What happened on the way of one turn."""

    timings_ms: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure a stage's wall time."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[stage] = round((time.perf_counter() - start) * 1000, 2)

    async def guarded(self, stage: str, work: Callable[[], Awaitable[T]], fallback: T) -> T:
        """A stage's value; when it fails the turn goes on without it and says so."""
        with self.timed(stage):
            try:
                return await work()
            except HMLRError as error:
                self.degraded.append(f"{stage}: {error}")
                return fallback

    def count(self, stage: str, answer: Counted) -> None:
        """Add an answer's cost, and its failure if the rule had to step in."""
        self.usage += answer.usage
        if answer.failure:
            self.degraded.append(f"{stage}: {answer.failure}")


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
        self._intake = intake
        self._governor = governor
        self._book = book
        self._dossiers = dossiers
        self._catching_up = CatchingUp(services.store, user, services.clock)

    @property
    def turn_jobs(self) -> tuple[JobKind, ...]:
        """The background work that a new turn needs."""
        return TURN_JOBS if self._services.embedding.available else TURN_JOBS[1:]

    async def run(self, message: Message, session_id: SessionId) -> AsyncIterator[ReplyPart]:
        """One turn; the last part carries the whole reply. It is stored before the last of its text is given.

        InvalidInput before anything is stored. Once this has yielded or raised anything else, the user's
        message is stored; TryLater and StorageError mean that it may not be.
        """
        trace = _Trace()
        with trace.timed("total"), self._services.foreground.turn():
            now = self._services.clock()
            with trace.timed("store"):
                turn, added = await self._store_message(message, session_id, now)
                lease = added.leases[0] if added.leases else None
            async with self._returned(lease):
                with trace.timed("embed"):
                    vector = await self._services.lattice.query_vector(_asked(turn))
                trace.degraded += vector.degraded
                routed, hits, window, facts, dossiers = await asyncio.gather(
                    trace.guarded("routing", lambda: self._route(turn, vector.row, lease), None),
                    trace.guarded("recall", lambda: self._search(turn, vector, trace), Hits()),
                    trace.guarded("window", lambda: self.window(turn.session_id, turn.seq), list[Turn]()),
                    trace.guarded("facts", lambda: self._facts(turn), FactView()),
                    trace.guarded(
                        "dossiers",
                        lambda: self._dossiers.about(_asked(turn), vector.row),
                        tuple[ShownDossier, ...](),
                    ),
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
                    "store_reply", lambda: self._store_reply(turn, added, answer, context), None
                )
        block_id = routed.block_id if routed else None
        yield ReplyPart(text=held)
        yield ReplyPart(text="", reply=_reply(turn, answer, hits, block_id, trace))

    async def _store_message(
        self, message: Message, session_id: SessionId, now: datetime
    ) -> tuple[Turn, AddedTurn]:
        new: NewTurn = await unless_brief(
            _is_brief(message.content),
            self._intake.turn,
            message,
            session_id=session_id,
            now=now,
            jobs=self.turn_jobs,
            held=("route",),
        )
        added = (await self._services.store.add_turns(self._user, [new]))[0]
        first = new.messages[0]
        stored = StoredMessage(
            message_id=_message_id(added.turn_id, 0),
            turn_id=added.turn_id,
            session_id=session_id,
            position=0,
            role=first.role,
            speaker=first.speaker,
            content=first.content,
            occurred_at=first.occurred_at,
            recorded_at=first.recorded_at,
            metadata=first.metadata,
            owner=first.owner,
        )
        turn = Turn(
            turn_id=added.turn_id,
            seq=added.seq,
            session_id=session_id,
            block_id=None,
            occurred_at=first.occurred_at,
            recorded_at=now,
            messages=(stored,),
        )
        return turn, added

    async def _route(
        self, turn: Turn, vector: NDArray[np.float32] | None, lease: Lease | None
    ) -> Routed | None:
        try:
            return (await self._governor.route([Arrival(turn=turn, vector=vector, lease=lease)]))[0]
        except HMLRError as error:
            await self._give_back(lease, type(error).__name__)
            raise

    async def _give_back(self, lease: Lease | None, reason: str) -> None:
        """Leave the routing to the background."""
        if lease is not None:
            now = self._services.clock()
            await self._services.store.fail(self._user, [lease], error=reason, retry_at=now)

    @asynccontextmanager
    async def _returned(self, lease: Lease | None) -> AsyncIterator[None]:
        """A caller who gives up before the turn is routed leaves that to the background at once."""
        try:
            yield
        except asyncio.CancelledError:
            with suppress(HMLRError):  # LeaseLost: it was routed already
                await self._give_back(lease, "Cancelled")
            raise

    async def _search(self, turn: Turn, vector: QueryVector, trace: _Trace) -> Hits:
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

    async def _store_reply(
        self, turn: Turn, added: AddedTurn, answer: Answer[AnswerText], context: Context
    ) -> None:
        """Store the reply, unless something was forgotten since the turn was: it may be made of that."""
        now = self._services.clock()
        echo = answer.by == "rule" or is_echo(answer.value.text, context)
        reply = await unless_brief(
            _is_brief(answer.value.text),
            self._intake.message,
            Message(role="assistant", content=answer.value.text, occurred_at=_reply_time(turn, now)),
            position=1,
            now=now,
            echo=echo,
        )
        jobs = () if echo else tuple(kind for kind in self.turn_jobs if kind in ("embed", "scrub"))
        await self._services.store.add_reply(
            self._user, turn.turn_id, reply, jobs=jobs, erasures=added.erasures
        )


def _asked(turn: Turn) -> str:
    return turn.messages[0].content[:ASKED_CHARS]


def _is_brief(content: object) -> bool:
    """Whether a text is cut into chunks and terms in less than a millisecond; intake refuses what is none."""
    return not isinstance(content, str) or len(content) <= BRIEF_CHARS


def _reply_time(turn: Turn, now: datetime) -> datetime:
    """A reply to a turn dated in the past belongs to that date, not to today."""
    live = turn.occurred_at == turn.recorded_at
    return now if live else turn.occurred_at


def _known(facts: tuple[Fact, ...], now: datetime) -> tuple[KnownFact, ...]:
    return tuple(KnownFact(fact=fact, statement=state_at(fact, now)) for fact in facts)


def _message_id(turn_id: TurnId, position: int) -> MessageId:
    return MessageId(f"{turn_id}/{position}")


def _reply(
    turn: Turn, answer: Answer[AnswerText], hits: Hits, block_id: BlockId | None, trace: _Trace
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
