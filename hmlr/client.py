"""HMLRClient: the public door of HMLR for Python programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, Unpack, overload

from hmlr.core import gardening, health
from hmlr.core.gardening import GardenArguments, checked_options
from hmlr.core.member import Member
from hmlr.core.services import Clock, open_services, utc_now
from hmlr.deep_records import DeepAnswer
from hmlr.errors import ClosedError, InvalidInput
from hmlr.garden_records import Dossier, DossierFile, GardenPlan, GardenProgress, GardenReport, GardenRun
from hmlr.llm.port import Model
from hmlr.llm.settings import LLMSettings
from hmlr.memory.embeddings.port import EmbedderSpec
from hmlr.memory.intake import (
    MAX_BUDGET_TOKENS,
    check_key,
    check_limit,
    check_messages,
    check_wait,
)
from hmlr.memory.intake import session_id as checked_session
from hmlr.memory.intake import user_id as checked_user
from hmlr.memory.portability import export_file, import_file
from hmlr.memory.retrieval.recall import Filters, RecallRequest
from hmlr.records import (
    Audit,
    Block,
    BlockId,
    Certificate,
    Context,
    Contradiction,
    Day,
    DayView,
    DossierId,
    Fact,
    FactHistory,
    FactId,
    FactState,
    Health,
    Hits,
    Message,
    Miss,
    NodeKind,
    Profile,
    Receipt,
    Reply,
    ReplyPart,
    RunId,
    SessionId,
    Stats,
    Timeline,
    Turn,
    TurnId,
)
from hmlr.settings import Settings
from hmlr.store.records import TurnQuery

DEFAULT_SESSION = "default"
MAX_TURNS = 1_000_000  # in one answer
MAX_ROUNDS = 100  # of tools, in one deep recall


class HMLRClient:
    """The memory of one user.

    Use it as an async context manager. Safe for concurrent calls on one event loop; several clients, of the
    same user or of others, may work on one database at the same time. Every method raises InvalidInput for
    arguments that make no sense, StorageError or TryLater when the database fails, ClosedError after closing.
    """

    def __init__(
        self,
        db_path: str | Path | None = None,
        user_id: str | None = None,
        *,
        model: Model | str | None = None,
        llm: LLMSettings | None = None,
        speaker: str | None = None,
        settings: Settings | None = None,
        embedder: EmbedderSpec | None = None,
        clock: Clock = utc_now,
    ) -> None:
        """`model` is "provider:model" or "offline"; None takes the settings' one, else the first provider
        with a key, else offline. `llm` says how models are called. `speaker` is the name under which the
        owner appears in messages, besides none.

        Raises ConfigurationError or InvalidInput; nothing is opened yet.
        """
        given = {"db_path": str(db_path) if db_path is not None else None, "user": user_id}
        given = {name: value for name, value in given.items() if value is not None}
        self.settings = settings.model_copy(update=given) if settings else Settings.load(**given)
        self.user_id = checked_user(self.settings.user)
        self._model = model
        self._llm = llm
        self._speaker = speaker
        self._embedder = embedder
        self._clock = clock
        self._host: HMLRClient | None = None  # whose open database this client uses
        self._open: Member | None = None

    def as_user(self, user_id: str, *, speaker: str | None = None) -> HMLRClient:
        """A client for another user of the same open database: `async with hmlr.as_user("bob") as bob`.

        It shares connections, embedder and model with this one, which has to stay open longer. That is how
        one process serves many users. Raises InvalidInput for a user id that makes no sense.
        """
        other = HMLRClient(
            settings=self.settings.model_copy(update={"user": user_id}), speaker=speaker, clock=self._clock
        )
        other._host = self
        return other

    async def __aenter__(self) -> Self:
        """Open the database and take up background work that an earlier process left."""
        if self._host is not None:
            services = self._host._member.services.for_user(self.user_id)
        else:
            services = await open_services(
                self.settings, model=self._model, llm=self._llm, embedder=self._embedder, clock=self._clock
            )
        self._open = Member(services, self.user_id, self._speaker)
        await self._open.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish the running batch of background work and close; the rest stays queued. Safe to repeat."""
        member, self._open = self._open, None
        if member is not None:
            await member.aclose()

    @property
    def _member(self) -> Member:
        if self._open is None:
            raise ClosedError("the client is not open", hint="Use `async with HMLRClient(...) as hmlr:`")
        return self._open

    # Conversation

    async def chat(
        self,
        message: str,
        *,
        session_id: str = DEFAULT_SESSION,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> Reply:
        """Store the message, answer it from memory, store the answer.

        The message is durable before anything else is tried; what failed on the way stands in
        `reply.degraded`. When this user forgets anything while the answer is written, the answer is given
        and not stored, since it may repeat what was forgotten; `degraded` says so.
        """
        reply: Reply | None = None
        async for part in self.chat_stream(
            message, session_id=session_id, occurred_at=occurred_at, metadata=metadata
        ):
            reply = part.reply or reply
        assert reply is not None  # noqa: S101 - the last part carries it, by contract
        return reply

    async def chat_stream(
        self,
        message: str,
        *,
        session_id: str = DEFAULT_SESSION,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> AsyncIterator[ReplyPart]:
        """Like `chat`, piece by piece; the last part carries the whole reply."""
        member = self._member
        said = Message(content=message, occurred_at=occurred_at, metadata=metadata or {})
        try:
            async for part in member.engine.run(said, checked_session(session_id)):
                yield part
        finally:
            member.background.notify()

    async def remember(
        self,
        messages: Sequence[Message],
        *,
        session_id: str = DEFAULT_SESSION,
        idempotency_key: str | None = None,
        idempotency_keys: Sequence[str] | None = None,
    ) -> Receipt:
        """Store messages as turns of one message each, all or none; durable when this returns.

        With a key (one for the call, or one a message) a repeated call stores nothing twice.
        """
        check_messages(messages)
        keys = _keys(len(messages), idempotency_key, idempotency_keys)
        return await self._member.remember(messages, checked_session(session_id), keys)

    # Recall

    async def recall(
        self,
        query: str,
        *,
        limit: int | None = None,
        budget_tokens: int | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        kinds: Sequence[NodeKind] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        session_id: str | None = None,
        block_id: str | None = None,
        speaker: str | None = None,
        metadata: Mapping[str, object] | None = None,
        explain: bool = False,
    ) -> Hits:
        """The best matching memories, best first; `hits.degraded` names what did not take part.

        `as_of` is event time, `known_at` record time: what had been said, or was known, by then. `since`
        (inclusive) and `until` (exclusive) bound event time. Without `kinds`: turns, and paragraphs of long
        ones. With `budget_tokens` the hits' texts fit into it together.
        """
        member = self._member
        if limit is None:  # a budget is filled from as many hits as it may take
            limit = self.settings.recall_limit if budget_tokens is None else 100
        request = RecallRequest(
            query=query,
            limit=limit,
            now=self._clock() if as_of is None else as_of,
            budget_tokens=budget_tokens,
            as_of=as_of,
            known_at=known_at,
            kinds=kinds,
            since=since,
            until=until,
            session_id=SessionId(session_id) if session_id is not None else None,
            block_id=BlockId(block_id) if block_id is not None else None,
            speaker=speaker,
            metadata=metadata or {},
            explain=explain,
        )
        return await member.recall(request)

    async def why_not(
        self, query: str, turn_id: str, *, limit: int | None = None, **filters: Unpack[Filters]
    ) -> Miss:
        """Why `recall` with these filters does not give a turn: its place in the ranking and what it lacks.

        Raises NotFound when there is no such turn.
        """
        request = RecallRequest(
            query=query,
            limit=self.settings.recall_limit if limit is None else limit,
            now=filters.get("as_of") or self._clock(),
            **filters,
        )
        return await self._member.recall.why_not(request, TurnId(turn_id))

    async def context(
        self, query: str, *, budget_tokens: int | None = None, session_id: str | None = None
    ) -> Context:
        """Memory for a prompt: fenced, dated and attributed, within the budget, constraints first."""
        return await self._member.context(
            query,
            budget_tokens=self.settings.budget_tokens
            if budget_tokens is None
            else check_limit(budget_tokens, what="budget_tokens", most=MAX_BUDGET_TOKENS),
            session_id=checked_session(session_id) if session_id is not None else None,
        )

    async def deep_recall(
        self, question: str, *, max_rounds: int = 8, budget_tokens: int = 8000
    ) -> DeepAnswer:
        """An answer that takes several steps, with a citation for each; every citation was found in memory.

        A model looks into memory with tools, in at most `max_rounds` rounds, in which it is shown at most
        `budget_tokens`. Without a model the answer is a chain of facts and quotes, two links deep, of at
        most `budget_tokens`. When a model fails, so it is too, and `degraded` says so. Nothing is stored.
        """
        return await self._member.deep_recall(
            question,
            now=self._clock(),
            max_rounds=check_limit(max_rounds, what="max_rounds", most=MAX_ROUNDS),
            budget_tokens=check_limit(budget_tokens, what="budget_tokens", most=MAX_BUDGET_TOKENS),
        )

    # Facts, blocks, profile

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
        """Facts by subject, under any of its names, and by key.

        `kind` is a word as people say it: "pets", "dogs", "allergies", "cities". How many there are is the
        length of the list, and each has its source. With `as_of` those that held at that event time; with
        `known_at` what was known at that record time.
        """
        return await self._member.facts.facts(
            subject=subject, key=key, kind=kind, as_of=as_of, known_at=known_at, states=states
        )

    async def contradictions(self) -> list[Contradiction]:
        """Pairs of facts that cannot both hold, each with its quote and source, until one is retired."""
        return await self._member.facts.contradictions()

    async def timeline(self, entity: str) -> Timeline:
        """Everything known of an entity under any of its names, in the order of event time, in every state.

        The owner is "user".
        """
        return await self._member.facts.timeline(entity)

    async def history(self, fact_id: str) -> FactHistory:
        """All values ever held under a fact's subject and key, and every change of state."""
        return await self._member.facts.history(FactId(fact_id))

    async def correct(self, fact_id: str, value: str) -> Fact:
        """Replace a wrong value: the old fact is invalidated, the new one is given."""
        return await self._member.correct(FactId(fact_id), value)

    async def retire(self, fact_id: str, reason: str) -> Fact:
        """Mark a fact as no longer true; `restore` takes it back."""
        return await self._member.facts.retire(FactId(fact_id), reason)

    async def restore(self, fact_id: str) -> Fact:
        """Make a fact active again."""
        return await self._member.facts.restore(FactId(fact_id))

    async def profile(self) -> Profile:
        """What holds for the user in every conversation."""
        return await self._member.profile()

    async def blocks(self) -> list[Block]:
        """Topics, the one with the latest turn first."""
        return await self._member.blocks.blocks()

    async def rename_block(self, block_id: str, label: str) -> Block:
        """Give a topic a label of one's own."""
        return await self._member.blocks.rename(BlockId(block_id), label)

    async def merge_blocks(self, block_id: str, into: str) -> Block:
        """Move a topic's turns into another topic."""
        return await self._member.blocks.merge(BlockId(block_id), BlockId(into))

    async def split_block(self, block_id: str, at_turn: str) -> Block:
        """Move a topic's turns from the given one on into a new topic."""
        return await self._member.blocks.split(BlockId(block_id), TurnId(at_turn))

    async def resume_block(self, block_id: str) -> Block:
        """Make a topic the active one; a session that begins with the next turn takes it up."""
        return await self._member.blocks.resume(BlockId(block_id))

    async def days(self, *, since: datetime | None = None, until: datetime | None = None) -> list[Day]:
        """The days on which something was said, in UTC, the latest first, each with its topics."""
        return await self._member.days.days(since, until)

    async def day(self, day: date) -> DayView:
        """One day: its topics, and the turns of each; an empty one when nothing was said."""
        return await self._member.days.day(day)

    async def turns(
        self,
        *,
        session_id: str | None = None,
        block_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Turn]:
        """Turns in the order they were stored; a day is `since` and `until`, a topic `block_id`."""
        query = TurnQuery(
            session_id=SessionId(session_id) if session_id is not None else None,
            block_id=BlockId(block_id) if block_id is not None else None,
            since=since,
            until=until,
            limit=None if limit is None else check_limit(limit, most=MAX_TURNS),
        )
        return await self._member.turns(query)

    # Gardening

    @overload
    async def garden(
        self, *, dry_run: Literal[True], all_users: bool = False, **options: Unpack[GardenArguments]
    ) -> GardenPlan: ...
    @overload
    async def garden(
        self,
        *,
        dry_run: Literal[False] = False,
        all_users: bool = False,
        progress: Callable[[GardenProgress], None] | None = None,
        **options: Unpack[GardenArguments],
    ) -> GardenReport: ...
    async def garden(
        self,
        *,
        dry_run: bool = False,
        all_users: bool = False,
        progress: Callable[[GardenProgress], None] | None = None,
        **options: Unpack[GardenArguments],
    ) -> GardenPlan | GardenReport:
        """Turn finished topics into long-term memory: tags, section rules, facts in dossiers.

        The topic that is talked about now waits, unless `include_active`. `all_users` gardens every memory
        of the database, `concurrency` of them, and as many model calls, at a time. `budget_tokens` and
        `budget_usd` are hard limits of this run: it stops before the call that would pass them. It stops as
        well before it changes much of what was in order, unless `allow_large` (docs/gardening.md), and once
        the model calls of a user have come to `daily_tokens` or `daily_usd` on this day (UTC). What could
        not be done, because the model is down or the budget spent, stays pending; the report says so.
        With `dry_run` nothing is written or sent: the plan shows the changes as the rules see them, and the
        model calls that they would take. Safe to repeat, and to kill: the next run goes on.
        """
        member = self._member
        users = await member.services.store.users() if all_users else [self.user_id]
        chosen = checked_options(**options)
        if dry_run:
            return await gardening.plan(member.services, users, chosen)
        return await gardening.run(member.services, users, chosen, progress)

    async def undo(self, run_id: str) -> GardenRun:
        """Take back what a garden run changed in this user's memory: an export is as it was before.

        Raises NotFound; Conflict when a later run has built on it; InvalidInput when something that it
        stands on was forgotten since.
        """
        return await self._member.services.store.undo_run(self.user_id, RunId(run_id), now=self._clock())

    async def garden_runs(self) -> list[GardenRun]:
        """The runs of the gardener over this user's memory, the latest first."""
        return await self._member.services.store.garden_runs(self.user_id)

    async def dossiers(self) -> list[Dossier]:
        """Dossiers, the one with the latest event first."""
        found = await self._member.services.store.dossiers(self.user_id, None)
        return [each.dossier for each in found]

    async def dossier(self, dossier_id: str) -> DossierFile:
        """A dossier with its facts, each with quote and turn, and every change of it. NotFound."""
        return await self._member.services.store.dossier(self.user_id, DossierId(dossier_id))

    # Care

    async def forget(
        self,
        *,
        turn_id: str | None = None,
        fact_id: str | None = None,
        session_id: str | None = None,
        everything: bool = False,
    ) -> Certificate:
        """Erase exactly one thing: a turn, a fact, a session, or everything of this user. May take seconds.

        Nothing of it is left in the database, its indexes or its files; the certificate says what went.
        """
        chosen = [each for each in (turn_id, fact_id, session_id, everything or None) if each is not None]
        if len(chosen) != 1:
            raise InvalidInput(
                "forget takes exactly one of turn_id, fact_id, session_id and everything=True",
                hint="Name what is to be forgotten",
            )
        return await self._member.forget(turn_id=turn_id, fact_id=fact_id, session_id=session_id)

    async def export(self, path: str | Path) -> int:
        """Write everything of this user to a file (JSON Lines); the number of records."""
        member = self._member
        return await export_file(member.services.store, self.user_id, Path(path))

    async def import_(self, path: str | Path) -> int:
        """Take in an exported file under this user, all or nothing; the number of records that were new."""
        member = self._member
        count = await import_file(member.services.store, self.user_id, Path(path))
        member.background.notify()
        return count

    async def rebuild(self) -> int:
        """Make everything derived anew from the turns and the user's edits; the number of messages read."""
        return await self._member.rebuild()

    async def retry(self) -> int:
        """Make parked background jobs due again; the number of them."""
        return await self._member.retry()

    async def flush(self, timeout_s: float | None = None) -> bool:
        """Wait for the background work that can be done; whether none is left, parked jobs included."""
        return await self._member.background.drain(check_wait(timeout_s))

    async def stats(self) -> Stats:
        """How much is stored for this user, and what the model calls of this client cost and took."""
        services = self._member.services
        stored = await services.store.stats(self.user_id)
        if services.opened_model is None:
            return stored
        gateway = services.opened_model.gateway
        spending, latencies = gateway.ledger.entries(), gateway.metrics.latencies()
        return replace(stored, spending=spending, latencies=latencies)

    async def audit(self) -> Audit:
        """How many facts are duplicates, contradicted, stale, echoes, unsourced or secret, with examples.

        Reads every message of the user; changes nothing.
        """
        return await self._member.audit()

    async def health(self) -> Health:
        """What is configured, whether it works, and what to do where it does not."""
        member = self._member
        return await health.check(member.services, self.user_id)


def _keys(count: int, key: str | None, keys: Sequence[str] | None) -> list[str | None]:
    if key is not None and keys is not None:
        raise InvalidInput("give idempotency_key or idempotency_keys, not both")
    if keys is not None:
        if len(keys) != count:
            raise InvalidInput(f"{count} messages but {len(keys)} idempotency_keys")
        return [check_key(each) for each in keys]
    return [check_key(f"{key}:{number}") if key is not None else None for number in range(count)]
