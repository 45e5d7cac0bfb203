"""The conversation engine: one turn from the message to the stored reply (docs/architecture.md).

Order: the user's message is durable before anything else happens; then routing, search, facts and the
session's window are fetched together; then the answer is written, streamed and stored. Extraction runs in
the background from durable jobs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager

from hmlr.core.services import Services
from hmlr.core.tasks.answer.task import ANSWER, AnswerText
from hmlr.core.tasks.base import Answer
from hmlr.core.turn_keeping import TurnKeeping
from hmlr.core.turn_preparing import Prepared, TurnPreparing
from hmlr.core.turn_trace import TurnTrace
from hmlr.memory.facts.book import FactBook
from hmlr.memory.intake import Intake
from hmlr.memory.retrieval.dossier_book import DossierBook
from hmlr.memory.retrieval.governor import Governor
from hmlr.records import JobKind, Message, Reply, ReplyPart, SessionId, Turn, UserId
from hmlr.store.records import AddedTurn

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
        self._keeping = TurnKeeping(
            services.store,
            user,
            intake,
            clock=services.clock,
            leasing=services.leasing,
            jobs=lambda: self.turn_jobs,
        )
        self.preparing = TurnPreparing(services, user, self._keeping, governor, book=book, dossiers=dossiers)

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
        with trace.timed("total"), self.foreground():
            prepared: Prepared | None = None
            async with self.stored(message, session_id, trace, key) as (turn, added):
                if len(turn.messages) == 1:
                    prepared = await self.preparing.prepare(turn, added, trace)
            if prepared is None:
                yield ReplyPart(text="", reply=_reply_before(turn, trace))
                return
            answer: Answer[AnswerText] | None = None
            held = ""  # the latest piece, so that a reader who has the whole text left a stored reply behind
            with trace.timed("answer"):
                async for part in self._services.runner.stream(ANSWER, prepared.given):
                    answer = part.answer
                    if answer is None and held:
                        yield ReplyPart(text=held)
                        held = ""
                    held += part.text
            assert answer is not None  # noqa: S101 - a stream ends with its answer, by contract
            trace.count("answer", answer)
            await self.keep(prepared, answer, trace)
        yield ReplyPart(text=held)
        yield ReplyPart(text="", reply=_reply(prepared, answer, trace))

    def foreground(self) -> AbstractContextManager[None]:
        """Within it, somebody waits for an answer."""
        return self._services.foreground.turn()

    @asynccontextmanager
    async def stored(
        self, message: Message, session_id: SessionId, trace: TurnTrace, key: str | None
    ) -> AsyncIterator[tuple[Turn, AddedTurn]]:
        """Store the message as a turn, which is prepared in the block; see `TurnKeeping.message`."""
        async with AsyncExitStack() as stack:
            with trace.timed("store"):
                keeping = self._keeping.message(message, session_id, self._services.clock(), key)
                stored = await stack.enter_async_context(keeping)
            yield stored

    async def keep(self, prepared: Prepared, answer: Answer[AnswerText], trace: TurnTrace) -> None:
        """Store the reply; when that fails, the trace knows."""
        turn, added, context = prepared.turn, prepared.added, prepared.given.context
        with trace.timed("store_reply"):
            await trace.guarded(
                "store_reply", lambda: self._keeping.reply(turn, added, answer, context), None
            )


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


def _reply(prepared: Prepared, answer: Answer[AnswerText], trace: TurnTrace) -> Reply:
    timings: Mapping[str, float] = trace.timings_ms
    return Reply(
        text=answer.value.text,
        turn_id=prepared.turn.turn_id,
        block_id=prepared.block_id,
        hits=prepared.hits.items,
        usage=trace.usage,
        timings_ms=timings,
        degraded=tuple(dict.fromkeys(trace.degraded)),
    )
