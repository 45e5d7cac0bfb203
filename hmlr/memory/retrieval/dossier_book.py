"""The book of dossiers: which ones a question is about, the facts they stand on, and the tags of blocks."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log

from hmlr.garden_records import Dossier
from hmlr.language.tokens import content_words
from hmlr.memory.facts.hiding import Hidden
from hmlr.memory.retrieval.lattice import QueryVector
from hmlr.records import BlockId, Fact, FactId, Hit, Hits, Source, Tag, UserId
from hmlr.store.garden_records import FoundDossier, GardenMark
from hmlr.store.port import Store
from hmlr.store.records import FactQuery

# A dossier is about a question that names it or comes near it; less is chance (see fact_routing.voting).
LEAST_SCORE = 0.35
NEXT_BEST = 0.6  # of the best one's score: another dossier that is as much about it
MOST_SHOWN = 2  # dossiers in one context
MOST_SOURCES = 100  # of one hit


@dataclass(frozen=True, kw_only=True)
class ShownDossier:
    """A dossier with the facts that it brings."""

    dossier: Dossier
    score: float
    signals: Mapping[str, float]
    facts: tuple[Fact, ...] = ()  # in every state, in event-time order

    def without(self, hidden: Hidden) -> ShownDossier:
        """The dossier without secrets that nobody has asked for."""
        if not hidden.secrets:
            return self
        summary = hidden.text(self.dossier.summary, {fact.turn_id for fact in self.facts})
        dossier = replace(self.dossier, summary=summary)
        return replace(self, dossier=dossier, facts=hidden.facts(self.facts))


@dataclass(frozen=True)
class _Page:
    """Dossiers as of a moment, ready to be compared."""

    mark: GardenMark | None = None
    model_id: str | None = None  # whose vectors they have
    found: tuple[FoundDossier, ...] = ()
    words: tuple[frozenset[str], ...] = ()
    rarity: Mapping[str, float] = field(default_factory=dict)


class DossierBook:
    """Dossiers and tags of one user, read again when gardening or forgetting has changed them."""

    def __init__(self, store: Store, user: UserId) -> None:
        self._store = store
        self._user = user
        self._page = _Page()
        self._latest: GardenMark | None = None
        self._read_at = 0.0  # when that was asked for, by the event loop's clock
        self._reading = asyncio.Lock()

    async def any(self) -> bool:
        """Whether there are dossiers; cheap."""
        return bool((await self._fresh(self._page.model_id)).found)

    async def about(
        self, question: str, vector: QueryVector, *, limit: int = MOST_SHOWN
    ) -> tuple[ShownDossier, ...]:
        """The dossiers that a question is about, best first, with their facts; `vector` is its own."""
        scored = await self.search(question, vector, limit=limit)
        kept = [each for each in scored if each.score >= NEXT_BEST * scored[0].score]
        return tuple(await self._with_facts(kept))

    async def search(self, question: str, vector: QueryVector, *, limit: int) -> list[ShownDossier]:
        """The dossiers that a question is about, best first, without their facts."""
        page = await self._fresh(vector.model_id)
        if not page.found:
            return []
        return (await asyncio.to_thread(_scored, page, question, vector))[:limit]

    async def hits(self, question: str, vector: QueryVector, *, limit: int, hidden: Hidden) -> list[Hit]:
        """The same as results of recall, each with the turns that it stands on; without the `hidden`."""
        scored = await self.search(question, vector, limit=limit)
        return [_hit(each, hidden) for each in await self._with_facts(scored)]

    async def tagged(self, hits: Hits, since: float | None = None) -> Hits:
        """The hits with what held for their turns: tags of their blocks, and section rules.

        Whether there are any may have been read at any time after `since`, of the event loop's clock.
        """
        block_ids = {hit.block_id for hit in hits if hit.block_id is not None}
        if not block_ids or not (await self._mark(since)).garden_version:
            return hits
        tags: dict[BlockId, list[Tag]] = {}
        for tag in await self._store.tags(self._user, sorted(block_ids)):
            tags.setdefault(tag.block_id, []).append(tag)
        if not tags:
            return hits
        items = tuple(
            replace(hit, tags=tuple(tag for tag in tags[hit.block_id] if _holds(tag, hit)))
            if hit.block_id in tags
            else hit
            for hit in hits
        )
        return replace(hits, items=items)

    async def _fresh(self, model_id: str | None) -> _Page:
        async with self._reading:
            mark = await self._mark(None)
            known = self._page.mark
            same = known and (known.erasures, known.garden_version) == (mark.erasures, mark.garden_version)
            if not same or self._page.model_id != model_id:
                found = await self._store.dossiers(self._user, model_id) if mark.garden_version else []
                self._page = await asyncio.to_thread(_page, mark, model_id, found)
            return self._page

    async def _mark(self, since: float | None) -> GardenMark:
        begun = asyncio.get_running_loop().time()
        if self._latest is None or since is None or self._read_at < since:
            self._latest, self._read_at = await self._store.garden_mark(self._user), begun
        return self._latest

    async def _with_facts(self, shown: Sequence[ShownDossier]) -> list[ShownDossier]:
        """The dossiers with their facts; without those that gardening has merged or removed meanwhile."""
        held = {each.dossier.dossier_id: each.places for each in self._page.found}
        filled = []
        for each in shown:
            if (places := held.get(each.dossier.dossier_id)) is not None:
                ids = tuple(FactId(place.fact_id) for place in places)
                facts = await self._store.facts(self._user, FactQuery(fact_ids=ids, states=None))
                filled.append(replace(each, facts=tuple(facts)))
        return filled


def _holds(tag: Tag, hit: Hit) -> bool:
    return not tag.turn_ids or not set(tag.turn_ids).isdisjoint(hit.turn_ids)


def _page(mark: GardenMark, model_id: str | None, found: Sequence[FoundDossier]) -> _Page:
    told = tuple(each for each in found if each.dossier.summary)
    words = tuple(
        content_words(f"{each.dossier.title} {each.dossier.search_summary} {each.dossier.summary}")
        for each in told
    )
    count = Counter(word for each in words for word in each)
    rarity = {word: log(1 + len(told) / number) for word, number in count.items()}
    return _Page(mark, model_id, told, words, rarity)


def _scored(page: _Page, question: str, vector: QueryVector) -> list[ShownDossier]:
    """Dossiers by the share of the question's words they have, rare ones counting more, and by nearness."""
    asked, row = content_words(question), vector.row
    unknown = log(2 + len(page.found))
    total = sum(page.rarity.get(word, unknown) for word in asked) or 1.0
    shown = []
    for each, words in zip(page.found, page.words, strict=True):
        signals = {"words": round(sum(page.rarity[word] for word in asked & words) / total, 4)}
        if row is not None and each.vector is not None and len(each.vector.row) == len(row):
            signals["vector"] = round(max(0.0, float(each.vector.row @ row)), 4)
        score = round(sum(signals.values()), 4)
        if score >= LEAST_SCORE:
            shown.append(ShownDossier(dossier=each.dossier, score=score, signals=signals))
    return sorted(shown, key=lambda each: (-each.score, each.dossier.dossier_id))


def _hit(shown: ShownDossier, hidden: Hidden) -> Hit:
    dossier, facts = shown.without(hidden).dossier, shown.facts[:MOST_SOURCES]
    sources = {fact.message_id: _source(fact) for fact in facts}
    return Hit(
        kind="dossier",
        text=f"{dossier.title}\n{dossier.summary}",
        score=shown.score,
        signals=shown.signals,
        similarity=shown.signals.get("vector"),
        turn_ids=tuple(dict.fromkeys(fact.turn_id for fact in facts)),
        occurred_at=dossier.happened_to,
        sources=tuple(sources.values()),
        node_id=dossier.dossier_id,
    )


def _source(fact: Fact) -> Source:
    roles = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool"}
    return Source(
        turn_id=fact.turn_id,
        message_id=fact.message_id,
        role=roles.get(fact.said_by, "user"),  # type: ignore[arg-type]
        speaker=None if fact.said_by in roles else fact.said_by,
        occurred_at=fact.occurred_at,
        metadata={},
    )
