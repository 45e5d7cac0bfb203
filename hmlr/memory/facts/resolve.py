"""What newly read facts change among those that are known: pure, deterministic, and idempotent.

How a statement bears on what is known is in its draft (`hmlr.core.tasks.drafts`):

- An assertion under a key with one value takes its place in the order of event time. The newest value is
  active; an older one that is read late comes in as superseded and never displaces a newer one. What is said
  to be an update displaces whatever was said before it, also what began later.
- An assertion under any other key stands beside the others. The same value again is a confirmation.
- "ends" supersedes without a successor, "retracts" invalidates, "reinstates" makes active again.

Nothing reaches beyond its subject, nor from one person to another of the same name (`namesakes`). Three ways
of speaking name no subject or key of their own and are looked up: UNNAMED is the one thing known under the
key; "the new key" is the one secret of that kind; a version of a policy is the same version under another
way of writing. If several fit, none is meant. Where a value is put right, taken back or moved to another
day, `meant` finds whose.

Authority: what an assistant or a third party says never changes what the owner said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hmlr.core.tasks.drafts import FactDraft
from hmlr.memory.facts.assertions import Assertions
from hmlr.memory.facts.board import Board
from hmlr.memory.facts.edits import EDITS, edited_at, redo
from hmlr.memory.facts.keys import same_subject
from hmlr.memory.facts.namesakes import Namesakes
from hmlr.memory.facts.reversals import Reversals
from hmlr.memory.facts.values import fold, fold_value
from hmlr.records import Category, Fact, MessageId
from hmlr.store.records import Change, Edit

# "The new key" and "version 3 replaces all before it" reach beyond the key under which they are said.
WIDE_CATEGORIES: tuple[Category, ...] = ("secret", "policy")
_PHASES = {"asserts": 0, "updates": 0, "ends": 1, "retracts": 2, "reinstates": 3}


def resolve(
    new: Sequence[tuple[FactDraft, Fact]],
    known: Sequence[Fact],
    *,
    by: str,
    edits: Sequence[Edit] = (),
    texts: Mapping[MessageId, str] | None = None,
) -> list[Change]:
    """The changes that the new facts make; none when they were resolved before.

    `known` must hold every fact, of any state, that is in WIDE_CATEGORIES or shares a key with a new one or
    with one of those; more does no harm. Facts of one message are taken together: first what it asserts,
    then what it ends, retracts and reinstates. The user's own `edits`, in the order in which they were made,
    take their place in time among the statements, so that a rebuild ends where the user had got to. In the
    `texts` of the messages a bare name may have been given a role just before.
    """
    waiting = [edit for edit in edits if edit.kind in EDITS]
    edited = {edit.target: edit for edit in waiting}  # the user's last edit of each
    board = Board(known, by=by)
    namesakes = Namesakes(known)
    assertions = Assertions(board)
    reversals = Reversals(board, assertions)
    held = {fact.fact_id for fact in known}
    # A message whose assertion is already held has had its effect; what came after it must not be undone.
    settled = {(fact.message_id, fact.key) for draft, fact in new if fact.fact_id in held and _asserts(draft)}
    wrong = [(fact.message_id, draft.instead_of) for draft, fact in new if draft.instead_of]
    for draft, said in sorted(new, key=_order):
        fact = namesakes.addressed(said, (texts or {}).get(said.message_id, "")[: said.start])
        namesakes.take(fact)
        if fact.fact_id in held or (_asserts(draft) and _denied(fact, wrong)):
            continue
        while waiting and edited_at(waiting[0]) < fact.occurred_at:
            redo(board, waiting.pop(0))
        if _edited_away(board, edited, fact):
            continue
        if draft.instead_of:
            assertions.correct(draft, fact)
        elif _asserts(draft):
            assertions.take(draft, fact)
        elif (fact.message_id, fact.key) not in settled:
            reversals.change(draft, fact)
    for edit in waiting:
        redo(board, edit)
    return board.changes()


def _asserts(draft: FactDraft) -> bool:
    return draft.bearing in {"asserts", "updates"}


def _denied(fact: Fact, wrong: Sequence[tuple[MessageId, str]]) -> bool:
    """Whether its own message calls the value wrong."""
    return any(
        message_id == fact.message_id and fold(value) == fold(fact.value) for message_id, value in wrong
    )


def _order(pair: tuple[FactDraft, Fact]) -> tuple[object, ...]:
    draft, fact = pair
    # A correction that a rule of its own has understood in the same message finds nothing left to correct.
    phase = (_PHASES[draft.bearing], bool(draft.instead_of))
    return fact.occurred_at, fact.turn_id, fact.message_id, phase, fact.start, fact.fact_id


def _edited_away(board: Board, edited: Mapping[str, Edit], fact: Fact) -> bool:
    """Whether it repeats what the user, later than this was said, has corrected or retired."""
    said = fold_value(fact.value)
    return bool(edited) and any(
        g.state != "active"
        and g.occurred_at <= fact.occurred_at
        and fold_value(g.value) == said
        and same_subject(g.subject, fact.subject)
        and (edit := edited.get(g.fact_id)) is not None
        and EDITS[edit.kind] != "active"
        and edited_at(edit) > fact.occurred_at
        for g in board.facts_under(fact.key)
    )
