"""Hits: what was scored becomes a result, once each and without what only repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from hmlr.language.sentences import best_sentence
from hmlr.language.tokens import query_terms
from hmlr.language.traits import only_asks
from hmlr.memory.echo import MIN_CHARS, fold
from hmlr.memory.facts.links import Links
from hmlr.memory.retrieval.scoring import Candidate
from hmlr.records import Hit, NodeKind, Source, StoredMessage, TurnId
from hmlr.store.search_records import ChunkFilter, ChunkRow


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
    links: Links = field(default_factory=Links)  # what connects the question with what it does not name
    explain: bool = False

    @cached_property
    def own_terms(self) -> list[str]:
        """The terms of its text; a long one is taken apart once."""
        return query_terms(self.text)

    @cached_property
    def terms(self) -> list[str]:
        """The same with those of the other names of what it names."""
        return query_terms(" ".join((self.text, *self.links.names))) if self.links.names else self.own_terms


def finished(
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
    folded = {row.chunk_id: fold(row.text) for row in rows}
    for row in sorted(rows, key=lambda row: row.chunk_id):
        text = folded[row.chunk_id]
        if (text == asked and only_asks(row.text)) or text in first:
            repeated.add(row.chunk_id)
        else:
            first[text] = row.chunk_id
    originals = [
        folded[row.chunk_id]
        for row in rows
        if row.chunk_id not in repeated
        and row.message.role != "assistant"
        and len(folded[row.chunk_id]) >= MIN_CHARS
    ]
    for row in rows:
        if row.message.role == "assistant" and any(each in folded[row.chunk_id] for each in originals):
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
