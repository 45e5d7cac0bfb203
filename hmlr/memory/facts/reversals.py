"""What is said to end, to have been wrong, or to hold again, and which of the known facts it means.

Part of `resolve`, which says by which rules.
"""

from __future__ import annotations

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED
from hmlr.memory.facts.assertions import Assertions
from hmlr.memory.facts.board import Board, may_change, rank
from hmlr.memory.facts.keys import is_single_valued, same_series, same_subject, value_names, version_of
from hmlr.memory.facts.meant import withdrawn
from hmlr.memory.facts.values import fold, fold_value
from hmlr.records import Fact


class Reversals:
    """Ends, retracts and reinstates what is known."""

    def __init__(self, board: Board, assertions: Assertions) -> None:
        self._board = board
        self._assertions = assertions

    def change(self, draft: FactDraft, fact: Fact) -> None:
        """Apply what is said to end, to have been wrong, or to hold again."""
        targets = [g for g in self._meant(draft, fact) if may_change(fact, g)]
        reason = draft.reason or draft.quote
        if draft.bearing == "ends":
            for g in targets:
                if g.state == "active" and g.valid_from <= fact.valid_from:
                    self._end(g, fact, reason)
        elif draft.bearing == "retracts":
            for g in targets:
                if g.state != "invalidated":
                    self._retract(g, fact, reason)
        else:
            self._reinstate(targets, draft, fact)

    def _meant(self, draft: FactDraft, fact: Fact) -> list[Fact]:
        """The facts that the statement is about, newest last; later ones than the statement are not meant."""
        if draft.subject == draft.key == UNNAMED:
            said_before = [g for g in self._board.active() if g.occurred_at <= fact.occurred_at]
            if draft.category == "event":  # only what is planned can be cancelled
                said_before = [g for g in said_before if g.category == "event"]
            return withdrawn(draft.value, said_before)
        named = _is if self._turned(fact) else _names
        whole = version_of(draft.subject) is not None and fold(draft.value) == fold(draft.subject)
        found = [
            g
            for g in self._board.all()
            if same_subject(g.subject, fact.subject)
            and g.occurred_at <= fact.occurred_at
            and (g.category == "policy" if whole else g.key == fact.key and named(g, draft.value))
        ]
        if whole and len({version_of(g.subject) for g in found}) > 1 and not _has_series(draft.subject):
            return []  # "v2 is void", and two policies have a v2
        return sorted(found, key=rank)

    def _turned(self, fact: Fact) -> bool:
        """Whether its message turns a liking round: who loves olives now may still hate green ones."""
        opposite = {"likes": "dislikes", "dislikes": "likes"}.get(fact.key, "")
        return any(
            g.message_id == fact.message_id and fold_value(g.value) == fold_value(fact.value)
            for g in self._board.facts_under(opposite)
        )

    def _end(self, target: Fact, cause: Fact, reason: str) -> None:
        """Supersede; by the version of the same policy that says so, when there is one."""
        said_there = [
            g for g in self._board.active() if g.message_id == cause.message_id and g.key == target.key
        ]
        heirs = [g for g in said_there if version_of(g.subject) and same_series(g.subject, target.subject)]
        heirs = [g for g in heirs if not same_subject(g.subject, target.subject)]
        if len(heirs) == 1:
            self._board.supersede(target, heirs[0], at=cause.valid_from, reason=reason)
        else:
            self._board.end(target, cause, reason=reason)

    def _retract(self, target: Fact, cause: Fact, reason: str) -> None:
        """Invalidate; what a wrong single value had displaced holds again, or gives way to its successor."""
        self._board.invalidate(target, cause, reason=reason)
        if not is_single_valued(target.key) or target.category == "policy":
            return
        displaced = [
            g
            for g in self._board.rivals(target)
            if g.state == "superseded" and g.superseded_by == target.fact_id
        ]
        successor = self._board.get(target.superseded_by)
        for g in displaced:
            if successor is not None:
                self._board.supersede(g, successor, at=successor.valid_from, cause=cause)
            elif g is max(displaced, key=rank):
                self._board.restore(g, cause)

    def _reinstate(self, targets: list[Fact], draft: FactDraft, fact: Fact) -> None:
        """Make the newest fact of each key active again; without any, the statement stands for itself."""
        newest = {g.key: g for g in targets}
        for g in newest.values():
            if g.state == "active":
                continue
            for rival in self._board.rivals(g):
                if rival.state == "active" and is_single_valued(g.key) and may_change(fact, rival):
                    self._board.supersede(rival, g, at=fact.valid_from)
            self._step_down(self._board.get(g.superseded_by), g, fact)
            self._board.restore(g, fact)
        if not newest and fold(draft.value) != fold(draft.subject):
            self._assertions.take(draft.model_copy(update={"bearing": "updates"}), fact)

    def _step_down(self, heir: Fact | None, restored: Fact, cause: Fact) -> None:
        """What had taken the place of a version that is reverted to no longer holds."""
        if (
            heir is not None
            and heir.state == "active"
            and same_series(heir.subject, restored.subject)
            and may_change(cause, heir)
        ):
            self._board.supersede(heir, restored, at=cause.valid_from, cause=cause)


def _has_series(subject: str) -> bool:
    return bool((version_of(subject) or ("",))[0])


def _is(known: Fact, said: str) -> bool:
    return fold_value(known.value) == fold_value(said)


def _names(known: Fact, said: str) -> bool:
    """Whether the value said points at the fact; a key of one value needs less to be recognised."""
    if value_names(known.value, said):
        return True
    return is_single_valued(known.key) and value_names(said, known.value)
