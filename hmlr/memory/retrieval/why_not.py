"""Why a turn is not among the hits: its place in the whole ranking, and what kept it out."""

from __future__ import annotations

import asyncio

import numpy as np

from hmlr.memory.retrieval.hits import SearchQuery
from hmlr.memory.retrieval.lattice import Lattice
from hmlr.records import Hits, Miss, TurnId, UserId

NOT_SEARCHED = "it is not searched: it is a reply made of memories, which are found themselves"
FILTERED = "a filter leaves it out: time, session, topic, speaker or metadata"
REPEATS = "it only repeats another hit, or what was asked"


async def why_not(lattice: Lattice, user: UserId, query: SearchQuery, turn_id: TurnId) -> Miss:
    """The place of a turn that is stored, beside the hits that the same search gives."""
    search, _ = await lattice.prepared(user, query)
    hits = await lattice.search(user, query)
    rows = [row for row in search.index.rows_of_turn.get(turn_id, ()) if row < search.n]
    count = int((~search.forbidden).sum())
    if not rows:
        return Miss(turn_id=turn_id, of=count, reason=NOT_SEARCHED)
    if search.forbidden[rows].all():
        return Miss(turn_id=turn_id, of=count, reason=FILTERED)
    ranking = (await asyncio.to_thread(search.scored, search.n)).top(search.n)
    own = set(np.asarray(search.index.chunk_ids[rows]).tolist())
    rank, best = next((place, each) for place, each in enumerate(ranking, 1) if each.chunk_id in own)
    return Miss(
        turn_id=turn_id,
        rank=rank,
        of=count,
        score=round(best.score, 4),
        signals=best.shares,
        reason=_reason(hits, turn_id, best.score, query.limit),
    )


def _reason(hits: Hits, turn_id: TurnId, score: float, limit: int) -> str:
    place = next((number for number, hit in enumerate(hits, 1) if turn_id in hit.turn_ids), None)
    if place is not None:
        return f"it is hit number {place}"
    if len(hits) < limit or score > hits[-1].score:
        return REPEATS
    last = hits[-1].score
    return f"beyond the first {limit}: it scores {score:.2f}, the last hit {last:.2f}"
