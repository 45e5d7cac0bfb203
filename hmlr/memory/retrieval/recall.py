"""Recall: the public search, with its kinds, filters, times and budget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict, get_args

from hmlr.errors import InvalidInput, NotFound
from hmlr.language.tokens import content_words
from hmlr.memory.facts.as_of import holds, is_over
from hmlr.memory.facts.book import FactBook
from hmlr.memory.facts.lookup import score_facts
from hmlr.memory.facts.statement import state
from hmlr.memory.intake import MAX_BUDGET_TOKENS, check_limit, check_metadata, check_query, check_time
from hmlr.memory.retrieval.dossier_book import DossierBook
from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.hydration import within_budget
from hmlr.memory.retrieval.lattice import TEXT_KINDS, Lattice
from hmlr.memory.retrieval.outdated import marked
from hmlr.memory.retrieval.why_not import why_not
from hmlr.records import Block, BlockId, Fact, Hit, Hits, Miss, NodeKind, SessionId, Source, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery
from hmlr.store.search_records import ChunkFilter

KINDS: tuple[NodeKind, ...] = get_args(NodeKind)


class Filters(TypedDict, total=False):
    """What narrows a search; see `HMLRClient.recall`."""

    as_of: datetime | None
    known_at: datetime | None
    since: datetime | None
    until: datetime | None
    session_id: SessionId | None
    block_id: BlockId | None
    speaker: str | None
    metadata: Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class RecallRequest:
    """A question with everything that narrows it; see `HMLRClient.recall`."""

    query: str
    limit: int
    now: datetime
    budget_tokens: int | None = None
    as_of: datetime | None = None
    known_at: datetime | None = None
    kinds: Sequence[NodeKind] | None = None
    since: datetime | None = None
    until: datetime | None = None
    session_id: SessionId | None = None
    block_id: BlockId | None = None
    speaker: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    explain: bool = False

    @property
    def narrowed(self) -> bool:
        """Whether only a part of what is known now may be found."""
        times = (self.as_of, self.known_at, self.since, self.until)
        parts = (self.session_id, self.block_id, self.speaker, self.metadata or None)
        return any(each is not None for each in (*times, *parts))

    def check(self) -> None:
        """Refuse what makes no sense, before anything is searched."""
        check_query(self.query)
        check_limit(self.limit)
        if self.budget_tokens is not None:
            check_limit(self.budget_tokens, what="budget_tokens", most=MAX_BUDGET_TOKENS)
        for name in ("as_of", "known_at", "since", "until"):
            value = getattr(self, name)
            if value is not None:
                check_time(value, what=name)
        if self.since is not None and self.until is not None and self.since > self.until:
            raise InvalidInput("since lies after until: no time is between them", hint="Swap the two")
        for kind in self.kinds or ():
            if kind not in KINDS:
                raise InvalidInput(f"unknown kind {kind!r}", hint=f"Use {', '.join(KINDS)}")
        check_metadata(self.metadata)


class Recall:
    """Search for one user."""

    def __init__(
        self, store: Store, lattice: Lattice, book: FactBook, dossiers: DossierBook, user: UserId
    ) -> None:
        self._store = store
        self._dossiers = dossiers
        self._lattice = lattice
        self._book = book
        self._user = user

    async def __call__(self, request: RecallRequest) -> Hits:
        """The best hits, best first. Texts, unless other kinds are asked for."""
        request.check()
        if not request.query.strip():
            return Hits()
        kinds = tuple(request.kinds or TEXT_KINDS)
        found: list[Hit] = []
        degraded: tuple[str, ...] = ()
        if set(kinds) & {"turn", "paragraph", "sentence"}:
            texts = await self._lattice.search(self._user, await self._search_query(request, kinds))
            found += texts.items
            degraded = texts.degraded
        if "fact" in kinds:
            found += await self._facts(request)
        if "block" in kinds:
            found += await self._blocks(request)
        if "dossier" in kinds:
            found += await self._found_dossiers(request)
        if len(kinds) > 1 and not set(kinds) <= {"turn", "paragraph"}:
            found.sort(key=lambda hit: -hit.score)
        if request.budget_tokens is not None:
            found = within_budget(found, request.budget_tokens)
        hits = Hits(items=tuple(found[: request.limit]), degraded=degraded)
        hits = await marked(self._store, self._user, hits, as_of=request.as_of, known_at=request.known_at)
        return await self._dossiers.tagged(hits)

    async def why_not(self, request: RecallRequest, turn_id: TurnId) -> Miss:
        """The place of a turn in the ranking, and what keeps it from being a hit. NotFound for no turn."""
        request.check()
        if not await self._store.turns(self._user, TurnQuery(turn_ids=(turn_id,))):
            raise NotFound(f"there is no turn {turn_id}", hint="It was forgotten, or was never stored")
        query = await self._search_query(request, TEXT_KINDS)
        return await why_not(self._lattice, self._user, query, turn_id)

    async def _search_query(self, request: RecallRequest, kinds: Sequence[NodeKind]) -> SearchQuery:
        until = request.until
        if request.as_of is not None:
            until = min(until, request.as_of) if until else request.as_of
        where = ChunkFilter(
            session_id=request.session_id,
            block_id=request.block_id,
            speaker=request.speaker,
            since=request.since,
            until=until,
            known_until=request.known_at,
            metadata=request.metadata,
        )
        budgeted = request.budget_tokens is not None
        return SearchQuery(
            text=request.query,
            limit=request.limit,
            now=request.now,
            where=where,
            per_message=3 if budgeted else 1,
            sentences="sentence" in kinds,
            budgeted=budgeted,
            links=await self._book.links(request.query),
            explain=request.explain,
        )

    async def _facts(self, request: RecallRequest) -> list[Hit]:
        """Facts that bear on the question: active ones, or with `as_of` those that held then."""
        timed = request.as_of is not None or request.known_at is not None
        known: Sequence[Fact] = (
            await self._store.facts(self._user, FactQuery(states=None))
            if timed
            else await self._book.active()
        )
        aliases = await self._book.aliases()

        def found() -> list[Hit]:
            facts = (fact for fact in known if _passes(fact, request))
            scored = score_facts(request.query, facts, aliases, request.now)
            return [_fact_hit(fact, score) for fact, score in scored]

        return await asyncio.to_thread(found)

    async def _found_dossiers(self, request: RecallRequest) -> list[Hit]:
        """Dossiers that the question is about. They tell of now and of all blocks: no other time or part."""
        if request.narrowed:
            return []
        vector = await self._lattice.query_vector(self._user, request.query)
        hidden = await self._book.hidden(request.query, request.now)
        return await self._dossiers.hits(request.query, vector, limit=request.limit, hidden=hidden)

    async def _blocks(self, request: RecallRequest) -> list[Hit]:
        """Blocks whose header shares words with the question."""
        stored = await self._store.blocks(self._user)
        return await asyncio.to_thread(_block_hits, request.query, [entry.block for entry in stored])


def _passes(fact: Fact, request: RecallRequest) -> bool:
    if request.known_at is not None and fact.recorded_at > request.known_at:
        return False
    at = request.as_of or (request.known_at and min(request.now, request.known_at))
    if not holds(fact, at) if at is not None else is_over(fact, request.now):
        return False
    if request.since is not None and fact.occurred_at < request.since:
        return False
    return not (request.until is not None and fact.occurred_at >= request.until)


def _block_hits(query: str, blocks: Sequence[Block]) -> list[Hit]:
    hits = []
    asked = content_words(query)
    for block in blocks:
        header = f"{block.label}: {block.summary}"
        shared = len(asked & content_words(" ".join((header, *block.keywords))))
        if shared:
            score = shared / max(len(asked), 1)
            hits.append(
                Hit(
                    kind="block", text=header, score=score, signals={"words": score}, similarity=None,
                    turn_ids=(), occurred_at=block.last_at, sources=(), node_id=block.block_id,
                    block_id=block.block_id,
                )
            )  # fmt: skip
    return sorted(hits, key=lambda hit: -hit.score)


def _fact_hit(fact: Fact, score: float) -> Hit:
    said_by_owner = fact.said_by in ("user", "assistant", "system", "tool")
    return Hit(
        kind="fact",
        text=state(fact),
        score=round(score, 4),
        signals={"words": round(score, 4)},
        similarity=None,
        turn_ids=(fact.turn_id,),
        occurred_at=fact.occurred_at,
        sources=(
            Source(
                turn_id=fact.turn_id,
                message_id=fact.message_id,
                role="user" if fact.owner or not said_by_owner else "assistant",
                speaker=None if said_by_owner else fact.said_by,
                occurred_at=fact.occurred_at,
                metadata={},
            ),
        ),
        node_id=fact.fact_id,
    )
