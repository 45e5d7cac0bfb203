"""The lattice: search over a user's paragraphs, with the turn, block, day and facts above each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable, StorageBusy, StorageError
from hmlr.language.tokens import query_terms
from hmlr.memory.embeddings.port import Asked
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.facts.links import Links
from hmlr.memory.retrieval.asking import names_of, take_apart
from hmlr.memory.retrieval.hits import SearchQuery, finished
from hmlr.memory.retrieval.index import UserIndex
from hmlr.memory.retrieval.index_cache import IndexCache
from hmlr.memory.retrieval.moments import Bounds, bounds_of, event_named, telling
from hmlr.memory.retrieval.partial import by_words
from hmlr.memory.retrieval.scoring import CANDIDATES, Search
from hmlr.memory.retrieval.serving import Opener, Served, Serving
from hmlr.records import ChunkId, Hit, Hits, NodeKind, UserId
from hmlr.store.port import Store
from hmlr.store.search_records import ChunkFilter, Postings
from hmlr.threads import unless_brief

# More candidates than asked for are read, since some only repeat others.
SPARE_CANDIDATES = 30
BRIEF_HITS = 100
BRIEF_CHUNKS = 100  # scored in about a millisecond, token vectors included
LEXICAL_ONLY = "no embedder: search was lexical"
OTHER_MODEL = "the embedding model is not the one that made the stored vectors: search was lexical"
FORMER_FAILED = "the former embedding model can't be loaded: what has no new vector yet is found by words"
STILL_READING = "the memory is large and still being read: found by the database's own index"
TEXT_KINDS: tuple[NodeKind, ...] = ("turn", "paragraph")


@dataclass(frozen=True, kw_only=True)
class QueryVector:
    """A question's vector, or why there is none."""

    asked: Asked | None = None
    model_id: str | None = None  # it can be compared with vectors of this model only
    degraded: tuple[str, ...] = ()

    @property
    def row(self) -> NDArray[np.float32] | None:
        """The unit vector of the text as a whole."""
        return None if self.asked is None else self.asked.row


class Lattice:
    """Hybrid search; every call works on the user's own data alone."""

    def __init__(
        self, store: Store, embedding: EmbeddingService, opener: Opener, *, max_index_bytes: int
    ) -> None:
        """Indexes of users in memory may take so many bytes, but for the one used last."""
        self._store = store
        self.serving = Serving(store, embedding, opener)
        self._indexes = IndexCache(store, max_bytes=max_index_bytes)

    async def index(self, user: UserId, since: float | None = None) -> UserIndex:
        """The user's search data, up to date, with the vectors of the model that answers.

        What was read after the moment `since`, of the event loop's clock, is fresh enough.
        """
        served = await self.serving.of(user)
        return await self._indexes.fresh(user, served.by.model_id, since)

    async def search(
        self,
        user: UserId,
        query: SearchQuery,
        *,
        vector: QueryVector | None = None,
        since: float | None = None,
    ) -> Hits:
        """The best paragraphs, best first; `vector` is the question's, when the caller has asked already.

        What was read after the moment `since`, of the event loop's clock, is fresh enough.
        Raises StorageError and StorageBusy; finding nothing is no error.
        """
        search, degraded = await self.prepared(user, query, vector=vector, since=since)
        hits = await self._best(user, query, search, frozenset(query.terms))
        return Hits(items=tuple(hits), degraded=degraded)

    async def prepared(
        self,
        user: UserId,
        query: SearchQuery,
        *,
        vector: QueryVector | None = None,
        since: float | None = None,
    ) -> tuple[Search, tuple[str, ...]]:
        """All that a search needs, read and taken apart, and what does not take part in it."""
        served = await self.serving.of(user)
        asked, postings, index, allowed = await asyncio.gather(
            self._asked(served, query.text, vector),
            self._store.postings(user, query.terms),
            self._indexes.fresh(user, served.by.model_id, since),
            self._allowed(user, query.where),
        )
        if index.of is not None:
            index = await self._part(user, index, asked, postings, query.links)
            asked = replace(asked, degraded=(*asked.degraded, STILL_READING))
        if asked.asked is not None and not comparable(index, asked.asked.row):
            asked = QueryVector(degraded=(*asked.degraded, OTHER_MODEL))
        known = asked.asked if index.vectors.count else None  # else there is nothing to compare it with
        bounds = await self._bounds(user, query)
        search = Search(
            index=index,
            question=take_apart(query.text, query.now, index.speakers, known, index.vectors, bounds=bounds),
            postings=[postings.get(term) for term in _told(query.own_terms, index.speakers)],
            names=[[postings.get(term) for term in query_terms(name)] for name in query.links.names],
            places=query.links.places,
            standing=query.links.standing,
            forbidden=_forbidden(index, query, allowed, index.n),
            budgeted=query.budgeted,
        )
        return search, asked.degraded

    async def _part(
        self,
        user: UserId,
        index: UserIndex,
        asked: QueryVector,
        postings: Mapping[str, Postings],
        links: Links,
    ) -> UserIndex:
        """What the database itself finds for a question, of a memory that is still being read."""
        model_id, extent = index.model_id, index.of
        assert model_id is not None and extent is not None  # noqa: S101 - it is a part
        linked = [link.turn_id for link in (*links.places, *links.standing)]
        near: list[ChunkId] = []
        if asked.row is not None:
            near = await self._store.nearest(user, model_id, asked.row, CANDIDATES)
        rows = await self._store.turn_chunks(user, linked)
        worded = await asyncio.to_thread(by_words, postings, extent)
        return await self._indexes.part(user, model_id, [*near, *worded, *(row.chunk_id for row in rows)])

    async def aclose(self) -> None:
        """End what goes on in the background, and close former models."""
        await self._indexes.aclose()
        await self.serving.aclose()

    async def _bounds(self, user: UserId, query: SearchQuery) -> Bounds | None:
        """The time that a question takes from an event ("before I moved"), when it is clear which that is."""
        event = event_named(query.text, query.now)
        if event is None:
            return None
        found = await self.search(user, replace(query, text=event.clause, limit=5, links=Links()))
        told = telling(event, found.items)
        return None if told is None else bounds_of(event, told)

    async def _best(
        self, user: UserId, query: SearchQuery, search: Search, terms: frozenset[str]
    ) -> list[Hit]:
        """The best hits; repetitions are passed over, so it may take more candidates than hits."""
        count = query.limit * query.per_message + SPARE_CANDIDATES
        while True:
            wanted = max(CANDIDATES, 2 * count)
            scored = await unless_brief(search.n <= BRIEF_CHUNKS, search.scored, wanted)
            candidates = scored.top(count)
            rows = await self._store.chunks(user, [candidate.chunk_id for candidate in candidates])
            hits = await unless_brief(count <= BRIEF_HITS, finished, candidates, rows, query, terms)
            if len(hits) == query.limit or len(candidates) < count:
                return hits
            count *= 4

    async def query_vector(self, user: UserId, text: str) -> QueryVector:
        """The vector of a question, for `search` and whoever else compares with it.

        By the model that answers the user. Never an error: `degraded` says what failed.
        """
        try:
            served = await self.serving.of(user)
        except (StorageError, StorageBusy) as error:
            return QueryVector(degraded=(f"the database failed, search was lexical: {error}",))
        return await _vector(served, text)

    async def _asked(self, served: Served, text: str, vector: QueryVector | None) -> QueryVector:
        """The vector that was given, unless another model answers since."""
        if vector is None or vector.model_id not in (None, served.by.model_id):
            return await _vector(served, text)
        return vector

    async def _allowed(self, user: UserId, where: ChunkFilter) -> NDArray[np.int64] | None:
        if where.empty:
            return None
        return np.asarray(await self._store.chunk_ids(user, where), dtype=np.int64)


async def _vector(served: Served, text: str) -> QueryVector:
    former = (f"{FORMER_FAILED}: {served.former_failed}",) if served.former_failed else ()
    try:
        asked = await served.by.ask(text)
    except EmbedderUnavailable:
        return QueryVector(degraded=(LEXICAL_ONLY,))
    except EmbedderError as error:
        return QueryVector(degraded=(f"embedder failed, search was lexical: {error}",))
    return QueryVector(asked=asked, model_id=served.by.model_id, degraded=former)


def comparable(index: UserIndex, vector: NDArray[np.float32]) -> bool:
    """Whether a vector has the stored vectors' length: a model may be replaced under its name."""
    return not index.vectors.dim or index.vectors.dim == len(vector)


def _told(terms: Sequence[str], speakers: Iterable[str]) -> Sequence[str]:
    """The terms that are no speaker's name, if there are any: who is asked about is a signal of its own."""
    names = {term for speaker in speakers for name in names_of(speaker) for term in query_terms(name)}
    return [term for term in terms if term not in names] or terms


def _forbidden(
    index: UserIndex, query: SearchQuery, allowed: NDArray[np.int64] | None, n: int
) -> NDArray[np.bool_]:
    mask = np.zeros(n, np.bool_)
    if allowed is not None:
        rows, found = index.rows_of(allowed)
        mask[:] = True
        mask[rows[found & (rows < n)]] = False
    for turn_id in query.exclude:
        mask[[row for row in index.rows_of_turn.get(turn_id, ()) if row < n]] = True
    return mask
