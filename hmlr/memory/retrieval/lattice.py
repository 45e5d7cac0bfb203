"""The lattice: search over a user's paragraphs, with the turn, block, day and facts above each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from hmlr.errors import EmbedderError, EmbedderUnavailable
from hmlr.language.sentences import sentence_spans
from hmlr.language.tokens import query_terms
from hmlr.language.traits import only_asks
from hmlr.memory.echo import fold, repeats
from hmlr.memory.embeddings.port import Asked
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.retrieval.asking import names_of, take_apart
from hmlr.memory.retrieval.index import IndexCache, UserIndex
from hmlr.memory.retrieval.scoring import CANDIDATES, Candidate, Search
from hmlr.records import Hit, Hits, NodeKind, Source, StoredMessage, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import ChunkFilter, ChunkRow
from hmlr.threads import unless_brief

# More candidates than asked for are read, since what their text shows (questions) may still move them.
SPARE_CANDIDATES = 30
BRIEF_CHUNKS = 100  # scored in about a millisecond, token vectors included
LEXICAL_ONLY = "no embedder: search was lexical"
OTHER_MODEL = "the embedding model is not the one that made the stored vectors: search was lexical"
TEXT_KINDS: tuple[NodeKind, ...] = ("turn", "paragraph")


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """What is searched for."""

    text: str
    limit: int
    now: datetime  # relative dates in the question are resolved against it
    where: ChunkFilter = field(default_factory=ChunkFilter)
    exclude: frozenset[TurnId] = frozenset()  # the turn that asks must not find itself
    per_message: int = 1  # hits from one message at most
    sentences: bool = False  # narrow each hit to its best sentence
    budgeted: bool = False  # the hits fill a budget of tokens
    expand: tuple[str, ...] = ()  # other names of what the question names
    explain: bool = False


@dataclass(frozen=True, kw_only=True)
class QueryVector:
    """A question's vector, or why there is none."""

    asked: Asked | None = None
    degraded: tuple[str, ...] = ()

    @property
    def row(self) -> NDArray[np.float32] | None:
        """The unit vector of the text as a whole."""
        return None if self.asked is None else self.asked.row


class Lattice:
    """Hybrid search; every call works on the user's own data alone."""

    def __init__(self, store: Store, embedding: EmbeddingService) -> None:
        self._store = store
        self._embedding = embedding
        self._indexes = IndexCache(store, embedding.model_id)

    async def index(self, user: UserId) -> UserIndex:
        """The user's search data, up to date."""
        return await self._indexes.fresh(user)

    async def search(self, user: UserId, query: SearchQuery, *, vector: QueryVector | None = None) -> Hits:
        """The best paragraphs, best first; `vector` is the question's, when the caller has asked already.

        Raises StorageError and StorageBusy; finding nothing is no error.
        """
        terms = query_terms(" ".join((query.text, *query.expand)))
        asked, postings, index, allowed = await asyncio.gather(
            self._asked(query.text, vector),
            self._store.postings(user, terms),
            self._indexes.fresh(user),
            self._allowed(user, query.where),
        )
        if asked.asked is not None and not comparable(index, asked.asked.row):
            asked = QueryVector(degraded=(*asked.degraded, OTHER_MODEL))
        known = asked.asked if index.vectors.count else None  # else there is nothing to compare it with
        search = Search(
            index=index,
            question=take_apart(query.text, query.now, index.speakers, known, index.vectors),
            postings=[postings.get(term) for term in _told(terms, index.speakers)],
            forbidden=_forbidden(index, query, allowed, index.n),
            budgeted=query.budgeted,
        )
        hits = await self._best(user, query, search, frozenset(terms))
        return Hits(items=tuple(hits), degraded=asked.degraded)

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
            hits = _finish(candidates, rows, query, terms)
            if len(hits) == query.limit or len(candidates) < count:
                return hits
            count *= 4

    async def query_vector(self, text: str) -> QueryVector:
        """The vector of a question, for `search` and whoever else compares with it; never an error."""
        try:
            asked = await self._embedding.ask(text)
        except EmbedderUnavailable:
            return QueryVector(degraded=(LEXICAL_ONLY,))
        except EmbedderError as error:
            return QueryVector(degraded=(f"embedder failed, search was lexical: {error}",))
        return QueryVector(asked=asked)

    async def _asked(self, text: str, vector: QueryVector | None) -> QueryVector:
        return await self.query_vector(text) if vector is None else vector

    async def _allowed(self, user: UserId, where: ChunkFilter) -> NDArray[np.int64] | None:
        if where.empty:
            return None
        return np.asarray(await self._store.chunk_ids(user, where), dtype=np.int64)


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


def _finish(
    candidates: Sequence[Candidate], rows: Sequence[ChunkRow], query: SearchQuery, terms: frozenset[str]
) -> list[Hit]:
    """Turn candidates into hits: what only repeats is left out."""
    by_id = {row.chunk_id: row for row in rows}  # without those that were forgotten since the index was read
    judged = [(each, by_id[each.chunk_id]) for each in candidates if each.chunk_id in by_id]
    repeated = _repetitions([row for _, row in judged], query)
    taken: dict[str, int] = {}
    hits: list[Hit] = []
    for candidate, row in judged:
        count = taken.get(row.message.message_id, 0)
        if count >= query.per_message or row.chunk_id in repeated:
            continue
        taken[row.message.message_id] = count + 1
        hits.append(_hit(candidate, row, query, terms))
        if len(hits) == query.limit:
            break
    return hits


def _repetitions(rows: Sequence[ChunkRow], query: SearchQuery) -> set[int]:
    """Chunks that add nothing: the question itself, the same text again, a reply that quotes another hit."""
    repeated: set[int] = set()
    first: dict[str, int] = {}
    asked = fold(query.text)
    for row in sorted(rows, key=lambda row: row.chunk_id):
        text = fold(row.text)
        if (text == asked and only_asks(row.text)) or text in first:
            repeated.add(row.chunk_id)
        else:
            first[text] = row.chunk_id
    originals = [row for row in rows if row.chunk_id not in repeated and row.message.role != "assistant"]
    for row in rows:
        if row.message.role == "assistant" and any(repeats(row.text, each.text) for each in originals):
            repeated.add(row.chunk_id)
    return repeated


def _hit(candidate: Candidate, row: ChunkRow, query: SearchQuery, terms: frozenset[str]) -> Hit:
    kind: NodeKind = "turn" if row.text == row.message.content else "paragraph"
    text, node_id = row.text, str(row.message.turn_id if kind == "turn" else row.chunk_id)
    if query.sentences:
        kind, text = "sentence", best_sentence(row.text, terms)
    return Hit(
        kind=kind,
        text=text,
        score=round(candidate.score, 4),
        signals=candidate.shares,
        similarity=candidate.similarity,
        turn_ids=(row.message.turn_id,),
        occurred_at=row.message.occurred_at,
        sources=(source(row.message),),
        node_id=node_id,
        block_id=row.block_id,
        why=_why(candidate) if query.explain else "",
    )


def best_sentence(text: str, terms: frozenset[str]) -> str:
    """The sentence that shares most terms with the question; the first of equals."""
    spans = sentence_spans(text)
    if not spans:
        return text
    best = max(spans, key=lambda span: len(terms & set(query_terms(text[span[0] : span[1]]))))
    return text[best[0] : best[1]].strip()


def source(message: StoredMessage) -> Source:
    """Where a hit comes from."""
    return Source(
        turn_id=message.turn_id,
        message_id=message.message_id,
        role=message.role,
        speaker=message.speaker,
        occurred_at=message.occurred_at,
        metadata=message.metadata,
    )


def _why(candidate: Candidate) -> str:
    parts = sorted(candidate.shares.items(), key=lambda item: -abs(item[1]))
    return ", ".join(f"{name} {value:+.2f}" for name, value in parts if value)
