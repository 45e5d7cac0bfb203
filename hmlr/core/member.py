"""One user's side of the open services: the parts that work on that user's memory, wired together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

from hmlr.core.conversation_engine import ConversationEngine
from hmlr.core.forgetting import Forgetting, quiet_gardener
from hmlr.core.relay import Relay
from hmlr.core.services import Services, open_errands
from hmlr.errors import MissingPackage, TooLarge
from hmlr.memory.analyst import Analyst
from hmlr.memory.auditing import audit
from hmlr.memory.background import Background
from hmlr.memory.block_desk import BlockDesk
from hmlr.memory.cancelling import to_its_end
from hmlr.memory.days import DayDesk
from hmlr.memory.deep.deep_recall import DeepRecall
from hmlr.memory.deep.places import Memory
from hmlr.memory.embed_job import EmbedJob
from hmlr.memory.fact_scrubber import fact_scrubber
from hmlr.memory.facts.as_of import is_over
from hmlr.memory.facts.book import FactBook
from hmlr.memory.facts.desk import FactDesk
from hmlr.memory.facts.statement import state, state_at
from hmlr.memory.intake import Intake, check_query
from hmlr.memory.purging import Purging
from hmlr.memory.retrieval.dossier_book import DossierBook, ShownDossier
from hmlr.memory.retrieval.governor import Governor
from hmlr.memory.retrieval.hydration import hydrate
from hmlr.memory.retrieval.recall import Recall, RecallRequest
from hmlr.memory.route_job import RouteJob
from hmlr.memory.synthesis.dossier_desk import DossierDesk
from hmlr.memory.synthesis.scribe import profile_of, scribe
from hmlr.records import (
    Audit,
    Certificate,
    Context,
    Fact,
    FactId,
    JobKind,
    Message,
    Profile,
    Receipt,
    SessionId,
    Turn,
    UserId,
)
from hmlr.store.records import NewTurn, TurnQuery

T = TypeVar("T")
logger = logging.getLogger(__name__)

# A context is filled from this many hits: more would not fit into any usual budget.
CONTEXT_HITS = 60


class Member:
    """The memory of one user, open."""

    def __init__(self, services: Services, user: UserId, speaker: str | None) -> None:
        store, clock, runner = services.store, services.clock, services.runner
        self.services = services
        self._user = user
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._purging = Purging(store)
        self._forgetting = Forgetting(services, user, self._purging)
        self._intake = Intake(owner_name=speaker, max_message_chars=services.settings.max_message_chars)
        self._book = FactBook(store, user)
        combined = runner.model is not None and services.settings.combined_analysis
        analyst = Analyst(runner, self._statements) if combined else None
        governor = Governor(store, services.lattice, runner, user, analyst=analyst)
        self._dossiers = DossierBook(store, user)
        self.engine = ConversationEngine(
            services, user, self._intake, governor, book=self._book, dossiers=self._dossiers
        )
        self.relay = Relay(services, self.engine)
        self.recall = Recall(store, services.lattice, self._book, self._dossiers, user)
        self.facts = FactDesk(store, user, self._intake, clock, self._book.aliases)
        self.days = DayDesk(store, user)
        self.deep_recall = self._deep_recall()
        self.blocks = BlockDesk(store, user, clock)
        self.dossiers = DossierDesk(store, services.embedding, user, clock)
        self.background = self._background(governor, analyst)

    def _deep_recall(self) -> DeepRecall:
        """Searching in steps over all the places of this memory."""
        services = self.services
        places = Memory(
            store=services.store,
            user=self._user,
            lattice=services.lattice,
            recall=self.recall,
            facts=self.facts,
            dossiers=self._dossiers,
        )
        opened = services.opened_model
        return DeepRecall(
            places,
            self._book,
            opened.gateway if opened else None,
            toolless=opened is None and services.runner.model is not None,
        )

    def _background(self, governor: Governor, analyst: Analyst | None) -> Background:
        """The learning from turns, by kind of job."""
        services, store, user = self.services, self.services.store, self._user
        runner, embedding, lattice = services.runner, services.embedding, services.lattice
        embed = EmbedJob(store, embedding, lattice, user, quiet_gardener(services, user).fill_vectors)
        return Background(
            store,
            user,
            {
                "embed": embed.handle,
                "route": RouteJob(store, lattice, governor, user).handle,
                "scrub": fact_scrubber(store, runner, user, analyst=analyst).handle,
                "scribe": scribe(store, runner, user, analyst=analyst).handle,
            },
            services.clock,
            leasing=services.leasing,
            slow=frozenset(("route", "scrub", "scribe") if runner.model else ()),
            # Rules answer from what the turns before taught, and wait for it: it may not wait for them.
            later=frozenset(("embed",) if runner.model else ()),
            foreground=services.foreground,
        )

    async def _statements(self, text: str) -> tuple[str, ...]:
        """The known facts that a text bears on, as a model reads them."""
        view = await self._book.view(text)
        return tuple(dict.fromkeys(state(fact) for fact in (*view.constraints, *view.relevant)))

    @property
    def quiet_jobs(self) -> tuple[JobKind, ...]:
        """The jobs of a correction: it is found again, but has no topic and teaches no further fact."""
        return tuple(kind for kind in self.engine.turn_jobs if kind == "embed")

    async def start(self) -> None:
        """Take up what was left: jobs, turns without vectors of the present model, erasures not purged."""
        embedding = self.services.embedding
        if embedding.model_id is not None:
            missing = await self.services.store.turns_without_vectors(self._user, embedding.model_id)
            if missing:
                await self.services.store.add_jobs(self._user, "embed", missing)
        self._purging.start()
        self.background.start()

    async def aclose(self) -> None:
        """Stop background work after its batch, then close the services, also for a cancelled caller."""
        try:
            await self.background.aclose()
        finally:
            await to_its_end(self._close())

    async def _close(self) -> None:
        try:
            await asyncio.gather(*self._unfinished, return_exceptions=True)
            await self._purging.aclose()
        finally:
            await self.services.aclose()

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do work of several steps to its end, also when the caller no longer waits for it."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_report)
            raise

    async def correct(self, fact_id: FactId, value: str) -> Fact:
        """Replace a fact's value; see `HMLRClient.correct`."""
        new = await self._whole(self.facts.correct(fact_id, value, self.quiet_jobs))
        self.background.notify()
        return new

    async def remember(
        self, messages: Sequence[Message], session_id: SessionId, keys: Sequence[str | None]
    ) -> Receipt:
        """Store messages, each a turn of its own."""
        most = self.services.settings.max_batch_messages
        if len(messages) > most:
            raise TooLarge(
                f"{len(messages)} messages in one call, the limit is {most}", hint="Send less at once"
            )
        if not messages:
            return Receipt(turn_ids=(), stored=0, repeated=0)
        new = await asyncio.to_thread(self._new_turns, messages, session_id, keys)
        added = await self.services.store.add_turns(self._user, new)
        self.background.notify()
        stored = sum(each.created for each in added)
        return Receipt(
            turn_ids=tuple(each.turn_id for each in added), stored=stored, repeated=len(added) - stored
        )

    def _new_turns(
        self, messages: Sequence[Message], session_id: SessionId, keys: Sequence[str | None]
    ) -> list[NewTurn]:
        now = self.services.clock()
        jobs = self.engine.turn_jobs
        return [
            self._intake.turn(message, session_id=session_id, now=now, jobs=jobs, key=key)
            for message, key in zip(messages, keys, strict=True)
        ]

    async def context(self, query: str, *, budget_tokens: int, session_id: SessionId | None) -> Context:
        """A prompt's memory for a question."""
        check_query(query)
        now = self.services.clock()
        request = RecallRequest(query=query, limit=CONTEXT_HITS, now=now)
        hits, view, window, dossiers = await asyncio.gather(
            self.recall(request),
            self._book.view(query, now),
            self._window(session_id),
            self._about(query),
        )
        hits = view.hidden.hits(hits)
        outdated = await self._book.outdated(hits, now, view.hidden)
        found = self.engine.preparing.found(hits, window, view, outdated, dossiers)
        return hydrate(found, budget_tokens=budget_tokens, statement=lambda fact: state_at(fact, now))

    async def _about(self, query: str) -> tuple[ShownDossier, ...]:
        """The dossiers that a question is about."""
        if not await self._dossiers.any():  # the usual case until somebody gardens: no vector is made for it
            return ()
        return await self._dossiers.about(query, await self.services.lattice.query_vector(self._user, query))

    async def _window(self, session_id: SessionId | None) -> list[Turn]:
        return [] if session_id is None else await self.engine.preparing.window(session_id)

    async def turns(self, query: TurnQuery) -> list[Turn]:
        """The turns that match."""
        return await self.services.store.turns(self._user, query)

    async def profile(self) -> Profile:
        """What holds in every conversation."""
        now = self.services.clock()
        return profile_of(fact for fact in await self._book.active() if not is_over(fact, now))

    async def audit(self) -> Audit:
        """See `hmlr.memory.auditing`."""
        return await audit(self.services.store, self._user, await self._book.aliases(), self.services.clock)

    async def retry(self) -> int:
        """Make parked jobs due again."""
        count = await self.services.store.retry_failed(self._user)
        with contextlib.suppress(MissingPackage):  # then no worker has ever been started from here
            async with aclosing(await open_errands(self.services)) as errands:
                count += await errands.retry(self._user)
        self.background.notify()
        return count

    async def rebuild(self) -> int:
        """Chunks and index first, then facts and blocks, which the background makes again."""
        count = await self.services.store.rebuild_search()
        await self.services.store.drop_knowledge(self._user)
        await self._purging.run()
        self.background.notify()
        return count

    async def forget(
        self, *, turn_id: str | None, fact_id: str | None, session_id: str | None
    ) -> Certificate:
        """Erase one thing, or everything when nothing is named; see `HMLRClient.forget`."""
        plan = await self._forgetting.plan(turn_id=turn_id, fact_id=fact_id, session_id=session_id)
        return await self._whole(self._forgetting.erase(plan, plan.scope))

    async def forget_speaker(self, opened: TurnQuery) -> Certificate:
        """Erase the turns that a speaker opened."""
        plan = await self._forgetting.plan_speaker(opened)
        return await self._whole(self._forgetting.erase(plan, "speaker"))


def _report(task: asyncio.Task[Any]) -> None:
    """Say that something failed of which nobody awaits the result."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        logger.warning("a cancelled call was carried on and failed: %s", type(error).__name__)
