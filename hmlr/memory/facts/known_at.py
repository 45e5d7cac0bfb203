"""What was held to be true at a moment of record time: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hmlr.records import Fact, FactEvent, FactId, FactState, TurnId

_STATES: Mapping[str, FactState] = {
    "created": "active",
    "restored": "active",
    "superseded": "superseded",
    "invalidated": "invalidated",
}


def as_known(
    facts: Iterable[Fact], events: Sequence[FactEvent], at: datetime, said_at: Mapping[TurnId, datetime]
) -> list[Fact]:
    """The facts as they stood at `at`, in the order given; those learned later are left out.

    `events` is their whole history, oldest first; `said_at` the event time of the turns in it. Of a fact that
    was changed again later, the successor is not told, and an end is that of the words that ended it.
    """
    last: dict[FactId, FactEvent] = {}
    changed_later: set[FactId] = set()
    for event in events:
        if event.change not in _STATES:
            continue
        if event.recorded_at <= at:
            last[event.fact_id] = event
        else:
            changed_later.add(event.fact_id)
    known = (fact for fact in facts if fact.recorded_at <= at)
    return [
        _then(fact, last.get(fact.fact_id), said_at) if fact.fact_id in changed_later else fact
        for fact in known
    ]


def _then(fact: Fact, event: FactEvent | None, said_at: Mapping[TurnId, datetime]) -> Fact:
    """The fact after the last change that was known."""
    state = "active" if event is None else _STATES[event.change]
    if event is None or state == "active":
        return replace(fact, state="active", superseded_by=None, reason="", valid_to=None)
    end = said_at.get(event.turn_id, event.recorded_at) if event.turn_id else event.recorded_at
    until = max(end, fact.valid_from) if state == "superseded" else None
    return replace(fact, state=state, superseded_by=None, reason=event.reason, valid_to=until)
