"""Which hits say what is no longer so: their facts that were superseded, or taken back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from hmlr.memory.facts.statement import state
from hmlr.records import Fact, FactEvent, FactState, Hit, Hits, OutdatedFact, TurnId, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery

GONE: tuple[FactState, ...] = ("superseded", "invalidated")
TOLD = frozenset({"turn", "paragraph", "sentence", "fact"})  # blocks and dossiers are told anew themselves


async def marked(
    store: Store, user: UserId, hits: Hits, *, as_of: datetime | None, known_at: datetime | None
) -> Hits:
    """The hits with the facts on their words that no longer hold, or did not at `as_of`.

    One indexed read; with `known_at` a second one, since what was learned later did not count then.
    """
    turns = {turn_id for hit in hits if hit.kind in TOLD for turn_id in hit.turn_ids}
    if not turns:
        return hits
    facts = await store.facts(user, FactQuery(turn_ids=tuple(sorted(turns)), states=GONE))
    facts = [fact for fact in facts if not _held_then(fact, as_of)]
    if facts and known_at is not None:
        events = await store.fact_events(user, [fact.fact_id for fact in facts])
        facts = _gone_by(facts, events, known_at)
    if not facts:
        return hits
    by_turn: dict[TurnId, list[Fact]] = {}
    for fact in facts:
        by_turn.setdefault(fact.turn_id, []).append(fact)
    return replace(hits, items=tuple(_marked(hit, by_turn) for hit in hits))


def _held_then(fact: Fact, as_of: datetime | None) -> bool:
    if as_of is None or fact.state != "superseded" or fact.valid_to is None:
        return False
    return as_of < fact.valid_to


def _gone_by(facts: Iterable[Fact], events: Iterable[FactEvent], known_at: datetime) -> list[Fact]:
    last = {event.fact_id: event.recorded_at for event in events if event.change in GONE}
    return [fact for fact in facts if last.get(fact.fact_id, known_at) <= known_at]


def _marked(hit: Hit, by_turn: dict[TurnId, list[Fact]]) -> Hit:
    if hit.kind not in TOLD:
        return hit
    facts = [fact for turn_id in hit.turn_ids for fact in by_turn.get(turn_id, ()) if _says(hit, fact)]
    return replace(hit, outdated=_outdated(facts)) if facts else hit


def _says(hit: Hit, fact: Fact) -> bool:
    if hit.kind == "fact":
        return hit.node_id == fact.fact_id
    return hit.sources[0].message_id == fact.message_id and (fact.quote in hit.text or hit.text in fact.quote)


def _outdated(facts: Sequence[Fact]) -> tuple[OutdatedFact, ...]:
    return tuple(
        OutdatedFact(
            fact_id=fact.fact_id,
            statement=state(fact),
            state=fact.state,
            reason=fact.reason,
            superseded_by=fact.superseded_by,
            until=fact.valid_to if fact.state == "superseded" else None,
        )
        for fact in facts
    )
