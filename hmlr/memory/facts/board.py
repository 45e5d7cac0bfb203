"""The working set of a resolution: facts as they will be, and the changes that lead there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal, cast

from hmlr.memory.facts.keys import rival_keys, same_subject
from hmlr.records import Fact, FactEvent, FactId, FactState
from hmlr.store.records import Change, ChangeFact, ConfirmFact, LogFactEvent, PutFact

_Name = Literal["created", "confirmed", "superseded", "invalidated", "restored"]


def rank(fact: Fact) -> tuple[object, ...]:
    """Place in event time; ties are broken by what does not depend on the order of reading."""
    return fact.valid_from, fact.occurred_at, fact.turn_id, fact.start, fact.fact_id


def may_change(actor: Fact, target: Fact) -> bool:
    """Whether what `actor`'s speaker says may change `target`."""
    return actor.owner or not target.owner


class Board:
    """Facts by id and key; every move is logged, and `changes` gives the difference to what was known."""

    def __init__(self, known: Sequence[Fact], *, by: str) -> None:
        self._known = {fact.fact_id: fact for fact in known}
        self._facts = dict(self._known)
        self._by_key: dict[str, list[FactId]] = {}
        for fact in known:
            self._by_key.setdefault(fact.key, []).append(fact.fact_id)
        self._confirmed: list[ConfirmFact] = []
        self._events: list[LogFactEvent] = []
        self._by = by

    def get(self, fact_id: FactId | None) -> Fact | None:
        """The fact as it now stands."""
        return self._facts.get(fact_id) if fact_id is not None else None

    def all(self) -> list[Fact]:
        """Every fact as it now stands."""
        return list(self._facts.values())

    def active(self) -> list[Fact]:
        """The facts that are now active."""
        return [fact for fact in self._facts.values() if fact.state == "active"]

    def is_active(self, fact_id: FactId) -> bool:
        """Whether the fact now holds."""
        return self._facts[fact_id].state == "active"

    def facts_under(self, key: str) -> list[Fact]:
        """The facts with this key or one that stands for the same role, as they now stand."""
        return [self._facts[fact_id] for each in rival_keys(key) for fact_id in self._by_key.get(each, ())]

    def rivals(self, fact: Fact) -> list[Fact]:
        """Other facts under the same subject and key, but for those that were never true."""
        return [
            g
            for g in self.facts_under(fact.key)
            if g.fact_id != fact.fact_id
            and g.state != "invalidated"
            and same_subject(g.subject, fact.subject)
        ]

    def moved(self, fact_id: FactId) -> bool:
        """Whether the fact is new or stands otherwise than it was known."""
        before, now = self._known.get(fact_id), self._facts[fact_id]
        return before is None or (before.state, before.superseded_by) != (now.state, now.superseded_by)

    def put(self, fact: Fact) -> None:
        """Take in a new fact; one whose id is there is left alone."""
        if self._place(fact):
            self._log(fact, "created", "", fact)

    def put_edit(self, fact: Fact, reason: str, at: datetime) -> None:
        """Take in the fact that a correction of the user made, like `put`."""
        if self._place(fact):
            self._log_edit(fact, "created", reason, at)

    def edit(
        self,
        fact: Fact,
        state: FactState,
        reason: str,
        *,
        at: datetime,
        superseded_by: FactId | None = None,
        valid_to: datetime | None = None,
    ) -> None:
        """Do to a fact what the user did at a time."""
        names: dict[FactState, _Name] = {"active": "restored"}
        kept = "" if state == "active" else reason
        self._move(fact, state, kept, superseded_by=superseded_by, valid_to=valid_to)
        self._log_edit(fact, names.get(state) or cast("_Name", state), reason, at)

    def _place(self, fact: Fact) -> bool:
        if fact.fact_id in self._facts:
            return False
        self._facts[fact.fact_id] = fact
        self._by_key.setdefault(fact.key, []).append(fact.fact_id)
        return True

    def confirm(self, fact: Fact, repetition: Fact) -> None:
        """Count a repetition."""
        at = repetition.occurred_at
        self._facts[fact.fact_id] = replace(
            self._facts[fact.fact_id], confirmations=fact.confirmations + 1, last_confirmed_at=at
        )
        self._confirmed.append(ConfirmFact(fact_id=fact.fact_id, occurred_at=at))
        self._log(fact, "confirmed", "", repetition)

    def supersede(
        self, fact: Fact, successor: Fact, *, at: datetime, reason: str = "", cause: Fact | None = None
    ) -> None:
        """Let `fact` give way to `successor` from `at` on, at the earliest from its own beginning."""
        until = max(at, fact.valid_from)
        reason = reason or f"now: {successor.value}"
        if (fact.state, fact.superseded_by, fact.valid_to) == ("superseded", successor.fact_id, until):
            return
        self._move(fact, "superseded", reason, superseded_by=successor.fact_id, valid_to=until)
        self._log(fact, "superseded", reason, cause or successor)

    def end(self, fact: Fact, cause: Fact, *, reason: str) -> None:
        """Let `fact` no longer hold, without a successor."""
        self._move(
            fact, "superseded", reason, superseded_by=None, valid_to=max(cause.valid_from, fact.valid_from)
        )
        self._log(fact, "superseded", reason, cause)

    def invalidate(self, fact: Fact, cause: Fact, *, reason: str) -> None:
        """Mark `fact` as never true."""
        self._move(fact, "invalidated", reason, superseded_by=None, valid_to=fact.valid_to)
        self._log(fact, "invalidated", reason, cause)

    def correct(self, fact: Fact, successor: Fact, *, reason: str) -> None:
        """Mark `fact` as never true, and `successor` as what should have been said."""
        self._move(fact, "invalidated", reason, superseded_by=successor.fact_id, valid_to=fact.valid_to)
        self._log(fact, "invalidated", reason, successor)

    def restore(self, fact: Fact, cause: Fact) -> None:
        """Make `fact` active again."""
        self._move(fact, "active", "", superseded_by=None, valid_to=None)
        self._log(fact, "restored", cause.quote, cause)

    def _move(
        self,
        fact: Fact,
        state: FactState,
        reason: str,
        *,
        superseded_by: FactId | None,
        valid_to: datetime | None,
    ) -> None:
        self._facts[fact.fact_id] = replace(
            self._facts[fact.fact_id],
            state=state,
            superseded_by=superseded_by,
            reason=reason,
            valid_to=valid_to,
        )

    def _log_edit(self, fact: Fact, change: _Name, reason: str, at: datetime) -> None:
        event = FactEvent(
            fact_id=fact.fact_id, change=change, by="user", reason=reason, turn_id=None, recorded_at=at
        )
        self._events.append(LogFactEvent(event=event))

    def _log(self, fact: Fact, change: _Name, reason: str, cause: Fact) -> None:
        """Log a change; its record time is that of the words behind it, so that a rebuild keeps it."""
        event = FactEvent(
            fact_id=fact.fact_id,
            change=change,
            by=self._by,
            reason=reason,
            turn_id=cause.turn_id,
            recorded_at=max(fact.recorded_at, cause.recorded_at),
        )
        self._events.append(LogFactEvent(event=event))

    def changes(self) -> list[Change]:
        """New facts (a successor before what it supersedes), moved ones, confirmations, then the log."""
        out: list[Change] = [PutFact(fact=fact) for fact in self._new_facts()]
        for fact_id, before in self._known.items():
            after = self._facts[fact_id]
            if (after.state, after.superseded_by, after.valid_to) != (
                before.state,
                before.superseded_by,
                before.valid_to,
            ):
                out.append(
                    ChangeFact(
                        fact_id=fact_id,
                        expected=before.state,
                        state=after.state,
                        superseded_by=after.superseded_by,
                        reason=after.reason,
                        valid_to=after.valid_to,
                    )
                )
        # A fact that is new is put as it ends up, confirmations included.
        out.extend(confirm for confirm in self._confirmed if confirm.fact_id in self._known)
        return [*out, *self._events]

    def _new_facts(self) -> Iterator[Fact]:
        placed: set[FactId] = set(self._known)
        waiting = [fact for fact_id, fact in self._facts.items() if fact_id not in self._known]
        while waiting:
            ready = [f for f in waiting if f.superseded_by is None or f.superseded_by in placed]
            # A ring of successors can't be ordered; then the store's deferred check has to do.
            ready = ready or waiting[:]
            yield from ready
            placed.update(f.fact_id for f in ready)
            waiting = [f for f in waiting if f.fact_id not in placed]
