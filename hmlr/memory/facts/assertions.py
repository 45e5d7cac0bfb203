"""What an assertion changes: a value takes its place in order, stands beside others, or puts one right.

Part of `resolve`, which says by which rules.
"""

from __future__ import annotations

from dataclasses import replace

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED
from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_ONE
from hmlr.memory.facts.board import Board, may_change, rank
from hmlr.memory.facts.contradictions import differ
from hmlr.memory.facts.keys import (
    is_lasting,
    is_single_valued,
    same_secret,
    same_series,
    same_subject,
    secret_parts,
)
from hmlr.memory.facts.meant import corrected, moved_event
from hmlr.memory.facts.values import fold, fold_value, same_medicine, same_value, spelt_out
from hmlr.records import OWNER, Fact

# "I work at Halden", said after "Halden Robotics", is the same by its first words.
_NAMES = frozenset({"name", "employer", "studies_at", *RELATIONS_ONE})


class Assertions:
    """Takes in what is said to hold, and what is said in place of something else."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def take(self, draft: FactDraft, fact: Fact) -> None:
        """Take in a fact that is said to hold."""
        fact = self._addressed(draft, fact)
        moved = moved_event(draft, fact, self._board.active())
        if moved is not None and moved.key.endswith("_date"):
            fact = replace(fact, key=moved.key)
        twin = self._twin(fact)
        # "4,850,000, signed off" after "4.85 million": the same number, but said as the exact word on it.
        exact = twin is not None and draft.bearing == "updates" and spelt_out(fact.value, twin.value)
        if twin is not None and not (exact and is_single_valued(fact.key)):
            self._repeated(twin, fact)
        elif self._contradicts(draft, fact):
            self._board.put(fact)  # both are shown until one is retired or put right
        elif is_single_valued(fact.key):
            self._line_up(draft, fact)
        else:
            self._board.put(fact)
            others = [g for g in self._board.rivals(fact) if g.state == "active" and may_change(fact, g)]
            if fact.key == "medication":  # a new dose says nothing of other medicines
                others = [g for g in others if same_medicine(g.value, fact.value)]
            if draft.bearing == "updates" and len(others) == 1 and rank(others[0]) < rank(fact):
                self._board.supersede(others[0], fact, at=fact.valid_from)
        if draft.bearing == "updates" and fact.key == "policy":
            self._supersede_series(fact)
        if moved is not None and moved.key == "event" and may_change(fact, moved):
            self._board.supersede(moved, fact, at=fact.valid_from)

    def _contradicts(self, draft: FactDraft, fact: Fact) -> bool:
        """Whether it says something else of what cannot change, and not that the other was wrong."""
        if draft.bearing == "updates" or not is_lasting(fact.key):
            return False
        return any(g.state == "active" and differ(g.value, fact.value) for g in self._board.rivals(fact))

    def _addressed(self, draft: FactDraft, fact: Fact) -> Fact:
        """The fact under the subject and key that are meant."""
        if fact.subject == UNNAMED:
            alike = [g for g in self._board.active() if g.key == fact.key and _same_unit(g.value, fact.value)]
            subjects = {fold(g.subject): g.subject for g in sorted(alike, key=rank)}
            fallback = OWNER if fact.owner else fact.said_by
            return replace(fact, subject=next(iter(subjects.values())) if len(subjects) == 1 else fallback)
        parts = secret_parts(fact.key)
        if parts is None or fact.category != "secret":
            return fact
        mine = [
            g
            for g in self._board.active()
            if g.category == "secret" and fold(g.subject) == fold(fact.subject)
        ]
        if any(g.key == fact.key for g in mine):
            return fact
        fits = [g for g in mine if secret_parts(g.key) == parts]
        if not fits and draft.bearing == "updates":
            fits = [g for g in mine if same_secret(g.key, fact.key)]
        return replace(fact, key=fits[0].key) if len(fits) == 1 else fact

    def _twin(self, fact: Fact) -> Fact | None:
        """The active fact that already says this, unless only the owner's word is new."""
        for g in self._board.rivals(fact):
            if (
                g.state == "active"
                and g.key == fact.key  # "my wife Ada" is more than "my girlfriend Ada" again
                and (same_value(g, fact) or _shortened(g, fact))
                and (g.owner or not fact.owner)
            ):
                return g
        return None

    def _repeated(self, twin: Fact, fact: Fact) -> None:
        """Count a repetition by the same authority in another message, once."""
        newer = fact.occurred_at > twin.last_confirmed_at
        if (
            fact.message_id != twin.message_id
            and newer
            and (fact.owner or fact.said_by == twin.said_by != "assistant")
        ):
            self._board.confirm(twin, fact)

    def _line_up(self, draft: FactDraft, fact: Fact) -> None:
        """Give the fact its place in the order of values."""
        rivals = [g for g in self._board.rivals(fact) if may_change(g, fact) or may_change(fact, g)]
        overtakes = draft.bearing == "updates"
        later = [
            g
            for g in rivals
            if may_change(g, fact)
            and (
                (rank(g) > rank(fact) and not (overtakes and g.occurred_at <= fact.occurred_at))
                or (g.state == "active" and g.last_confirmed_at > max(fact.occurred_at, fact.valid_from))
            )
        ]
        successor = min(later, key=rank, default=None)
        self._board.put(fact)
        for g in rivals:
            if g in later or not may_change(fact, g):
                continue
            if g.state == "active" or (successor is not None and g.superseded_by == successor.fact_id):
                self._board.supersede(g, fact, at=fact.valid_from)
        if successor is not None:
            at = successor.valid_from if rank(successor) > rank(fact) else successor.last_confirmed_at
            self._board.supersede(fact, successor, at=at)

    def _supersede_series(self, fact: Fact) -> None:
        """A version that replaces all before it."""
        for g in self._board.active():
            older = g.occurred_at <= fact.occurred_at and not same_subject(g.subject, fact.subject)
            if (
                older
                and g.category == "policy"
                and same_series(g.subject, fact.subject)
                and may_change(fact, g)
            ):
                self._board.supersede(g, fact, at=fact.valid_from)

    def correct(self, draft: FactDraft, fact: Fact) -> None:
        """Put a value right; nothing when it does not show which."""
        held = [
            g
            for g in self._board.active()
            if g.occurred_at <= fact.occurred_at
            and g.message_id != fact.message_id  # that one says it right already
            and may_change(fact, g)
        ]
        if (target := corrected(draft, fact, held)) is None:
            return
        old, new = target
        if draft.bearing == "updates":
            self.take(draft, new)
            if self._board.is_active(old.fact_id):
                self._board.supersede(old, new, at=new.valid_from)
        elif self._twin(new) is None:
            self._board.put(new)
            self._board.correct(old, new, reason=draft.quote)
        else:
            self._board.invalidate(old, new, reason=draft.quote)


def _shortened(known: Fact, fact: Fact) -> bool:
    """Whether a name is said again in short."""
    if fact.key.replace("_", "-") not in _NAMES and fact.key not in _NAMES:
        return False
    return fold_value(known.value).startswith(fold_value(fact.value) + " ")


def _same_unit(one: str, other: str) -> bool:
    """Whether two quantities may be of one kind: the same noun, or one without."""
    return not (_noun(one) and _noun(other)) or _noun(one) == _noun(other)


def _noun(quantity: str) -> str:
    words = [w for w in fold_value(quantity).replace("/", " / ").split() if w.isalpha()]
    return words[0].rstrip("s") if words and words[0] not in {"day", "second", "per", "hour"} else ""
