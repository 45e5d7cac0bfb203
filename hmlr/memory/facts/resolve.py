"""What newly read facts change among those that are known: pure, deterministic, and idempotent.

How a statement bears on what is known is in its draft (`hmlr.core.tasks.drafts`):

- An assertion under a key with one value takes its place in the order of event time. The newest value is
  active; an older one that is read late comes in as superseded and never displaces a newer one. What is said
  to be an update displaces whatever was said before it, also what began later.
- An assertion under any other key stands beside the others. The same value again is a confirmation.
- "ends" supersedes without a successor, "retracts" invalidates, "reinstates" makes active again.

Nothing reaches beyond its subject. Three ways of speaking name no subject or key of their own and are
looked up: UNNAMED is the one thing known under the key; "the new key" is the one secret of that kind; a
version of a policy is the same version under another way of writing. If several fit, none is meant. Where a
value is put right, taken back or moved to another day, `meant` finds whose.

Authority: what an assistant or a third party says never changes what the owner said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED
from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_ONE
from hmlr.memory.facts.board import Board, rank
from hmlr.memory.facts.contradictions import differ
from hmlr.memory.facts.edits import EDITS, edited_at, redo
from hmlr.memory.facts.keys import (
    is_lasting,
    is_single_valued,
    same_secret,
    same_series,
    same_subject,
    secret_parts,
    value_names,
    version_of,
)
from hmlr.memory.facts.meant import corrected, moved_event, withdrawn
from hmlr.memory.facts.values import fold, fold_value, same_value, spelt_out
from hmlr.records import OWNER, Category, Fact, MessageId
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
) -> list[Change]:
    """The changes that the new facts make; none when they were resolved before.

    `known` must hold every fact, of any state, that is in WIDE_CATEGORIES or shares a key with a new one or
    with one of those; more does no harm. Facts of one message are taken together: first what it asserts,
    then what it ends, retracts and reinstates. The user's own `edits`, in the order in which they were made,
    take their place in time among the statements, so that a rebuild ends where the user had got to.
    """
    waiting = [edit for edit in edits if edit.kind in EDITS]
    resolver = _Resolver(Board(known, by=by), {e.target: e for e in waiting})
    held = {fact.fact_id for fact in known}
    # A message whose assertion is already held has had its effect; what came after it must not be undone.
    settled = {(fact.message_id, fact.key) for draft, fact in new if fact.fact_id in held and _asserts(draft)}
    wrong = [(fact.message_id, draft.instead_of) for draft, fact in new if draft.instead_of]
    for draft, fact in sorted(new, key=_order):
        if fact.fact_id in held or (_asserts(draft) and _denied(fact, wrong)):
            continue
        while waiting and edited_at(waiting[0]) < fact.occurred_at:
            redo(resolver.board, waiting.pop(0))
        if resolver.edited_away(fact):
            continue
        if draft.instead_of:
            resolver.correct(draft, fact)
        elif _asserts(draft):
            resolver.take(draft, fact)
        elif (fact.message_id, fact.key) not in settled:
            resolver.change(draft, fact)
    for edit in waiting:
        redo(resolver.board, edit)
    return resolver.board.changes()


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


def _may_change(actor: Fact, target: Fact) -> bool:
    """Whether what `actor`'s speaker says may change `target`."""
    return actor.owner or not target.owner


@dataclass
class _Resolver:
    board: Board
    edited: Mapping[str, Edit]  # fact id -> the user's last edit of it

    def edited_away(self, fact: Fact) -> bool:
        """Whether it repeats what the user, later than this was said, has corrected or retired."""
        said = fold_value(fact.value)
        return bool(self.edited) and any(
            g.state != "active"
            and g.occurred_at <= fact.occurred_at
            and fold_value(g.value) == said
            and same_subject(g.subject, fact.subject)
            and (edit := self.edited.get(g.fact_id)) is not None
            and EDITS[edit.kind] != "active"
            and edited_at(edit) > fact.occurred_at
            for g in self.board.facts_under(fact.key)
        )

    # --- assertions ---

    def take(self, draft: FactDraft, fact: Fact) -> None:
        """Take in a fact that is said to hold."""
        fact = self._addressed(draft, fact)
        moved = moved_event(draft, fact, self.board.active())
        if moved is not None and moved.key.endswith("_date"):
            fact = replace(fact, key=moved.key)
        twin = self._twin(fact)
        # "4,850,000, signed off" after "4.85 million": the same number, but said as the exact word on it.
        exact = twin is not None and draft.bearing == "updates" and spelt_out(fact.value, twin.value)
        if twin is not None and not (exact and is_single_valued(fact.key)):
            self._repeated(twin, fact)
        elif self._contradicts(draft, fact):
            self.board.put(fact)  # both are shown until one is retired or put right
        elif is_single_valued(fact.key):
            self._line_up(draft, fact)
        else:
            self.board.put(fact)
            others = [g for g in self._rivals(fact) if g.state == "active" and _may_change(fact, g)]
            if draft.bearing == "updates" and len(others) == 1 and rank(others[0]) < rank(fact):
                self.board.supersede(others[0], fact, at=fact.valid_from)
        if draft.bearing == "updates" and fact.key == "policy":
            self._supersede_series(fact)
        if moved is not None and moved.key == "event" and _may_change(fact, moved):
            self.board.supersede(moved, fact, at=fact.valid_from)

    def _contradicts(self, draft: FactDraft, fact: Fact) -> bool:
        """Whether it says something else of what cannot change, and not that the other was wrong."""
        if draft.bearing == "updates" or not is_lasting(fact.key):
            return False
        return any(g.state == "active" and differ(g.value, fact.value) for g in self._rivals(fact))

    def _addressed(self, draft: FactDraft, fact: Fact) -> Fact:
        """The fact under the subject and key that are meant."""
        if fact.subject == UNNAMED:
            alike = [g for g in self.board.active() if g.key == fact.key and _same_unit(g.value, fact.value)]
            subjects = {fold(g.subject): g.subject for g in sorted(alike, key=rank)}
            fallback = OWNER if fact.owner else fact.said_by
            return replace(fact, subject=next(iter(subjects.values())) if len(subjects) == 1 else fallback)
        parts = secret_parts(fact.key)
        if parts is None or fact.category != "secret":
            return fact
        mine = [
            g for g in self.board.active() if g.category == "secret" and fold(g.subject) == fold(fact.subject)
        ]
        if any(g.key == fact.key for g in mine):
            return fact
        fits = [g for g in mine if secret_parts(g.key) == parts]
        if not fits and draft.bearing == "updates":
            fits = [g for g in mine if same_secret(g.key, fact.key)]
        return replace(fact, key=fits[0].key) if len(fits) == 1 else fact

    def _rivals(self, fact: Fact) -> list[Fact]:
        """Other facts under the same subject and key, but for those that were never true."""
        return [
            g
            for g in self.board.facts_under(fact.key)
            if g.fact_id != fact.fact_id
            and g.state != "invalidated"
            and same_subject(g.subject, fact.subject)
        ]

    def _twin(self, fact: Fact) -> Fact | None:
        """The active fact that already says this, unless only the owner's word is new."""
        for g in self._rivals(fact):
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
            self.board.confirm(twin, fact)

    def _line_up(self, draft: FactDraft, fact: Fact) -> None:
        """Give the fact its place in the order of values."""
        rivals = [g for g in self._rivals(fact) if _may_change(g, fact) or _may_change(fact, g)]
        overtakes = draft.bearing == "updates"
        later = [
            g
            for g in rivals
            if _may_change(g, fact)
            and (
                (rank(g) > rank(fact) and not (overtakes and g.occurred_at <= fact.occurred_at))
                or (g.state == "active" and g.last_confirmed_at > max(fact.occurred_at, fact.valid_from))
            )
        ]
        successor = min(later, key=rank, default=None)
        self.board.put(fact)
        for g in rivals:
            if g in later or not _may_change(fact, g):
                continue
            if g.state == "active" or (successor is not None and g.superseded_by == successor.fact_id):
                self.board.supersede(g, fact, at=fact.valid_from)
        if successor is not None:
            at = successor.valid_from if rank(successor) > rank(fact) else successor.last_confirmed_at
            self.board.supersede(fact, successor, at=at)

    def _supersede_series(self, fact: Fact) -> None:
        """A version that replaces all before it."""
        for g in self.board.active():
            older = g.occurred_at <= fact.occurred_at and not same_subject(g.subject, fact.subject)
            if (
                older
                and g.category == "policy"
                and same_series(g.subject, fact.subject)
                and _may_change(fact, g)
            ):
                self.board.supersede(g, fact, at=fact.valid_from)

    def correct(self, draft: FactDraft, fact: Fact) -> None:
        """Put a value right; nothing when it does not show which."""
        held = [
            g
            for g in self.board.active()
            if g.occurred_at <= fact.occurred_at
            and g.message_id != fact.message_id  # that one says it right already
            and _may_change(fact, g)
        ]
        if (target := corrected(draft, fact, held)) is None:
            return
        old, new = target
        if draft.bearing == "updates":
            self.take(draft, new)
            if self.board.is_active(old.fact_id):
                self.board.supersede(old, new, at=new.valid_from)
        elif self._twin(new) is None:
            self.board.put(new)
            self.board.correct(old, new, reason=draft.quote)
        else:
            self.board.invalidate(old, new, reason=draft.quote)

    # --- changes of state ---

    def change(self, draft: FactDraft, fact: Fact) -> None:
        """Apply what is said to end, to have been wrong, or to hold again."""
        targets = [g for g in self._meant(draft, fact) if _may_change(fact, g)]
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
            said_before = [g for g in self.board.active() if g.occurred_at <= fact.occurred_at]
            if draft.category == "event":  # only what is planned can be cancelled
                said_before = [g for g in said_before if g.category == "event"]
            return withdrawn(draft.value, said_before)
        whole = version_of(draft.subject) is not None and fold(draft.value) == fold(draft.subject)
        found = [
            g
            for g in self.board.all()
            if same_subject(g.subject, fact.subject)
            and g.occurred_at <= fact.occurred_at
            and (g.category == "policy" if whole else g.key == fact.key and _names(g, draft.value))
        ]
        if whole and len({version_of(g.subject) for g in found}) > 1 and not _has_series(draft.subject):
            return []  # "v2 is void", and two policies have a v2
        return sorted(found, key=rank)

    def _end(self, target: Fact, cause: Fact, reason: str) -> None:
        """Supersede; by the version of the same policy that says so, when there is one."""
        said_there = [
            g for g in self.board.active() if g.message_id == cause.message_id and g.key == target.key
        ]
        heirs = [g for g in said_there if version_of(g.subject) and same_series(g.subject, target.subject)]
        heirs = [g for g in heirs if not same_subject(g.subject, target.subject)]
        if len(heirs) == 1:
            self.board.supersede(target, heirs[0], at=cause.valid_from, reason=reason)
        else:
            self.board.end(target, cause, reason=reason)

    def _retract(self, target: Fact, cause: Fact, reason: str) -> None:
        """Invalidate; what a wrong single value had displaced holds again, or gives way to its successor."""
        self.board.invalidate(target, cause, reason=reason)
        if not is_single_valued(target.key) or target.category == "policy":
            return
        displaced = [
            g for g in self._rivals(target) if g.state == "superseded" and g.superseded_by == target.fact_id
        ]
        successor = self.board.get(target.superseded_by)
        for g in displaced:
            if successor is not None:
                self.board.supersede(g, successor, at=successor.valid_from, cause=cause)
            elif g is max(displaced, key=rank):
                self.board.restore(g, cause)

    def _reinstate(self, targets: list[Fact], draft: FactDraft, fact: Fact) -> None:
        """Make the newest fact of each key active again; without any, the statement stands for itself."""
        newest = {g.key: g for g in targets}
        for g in newest.values():
            if g.state == "active":
                continue
            for rival in self._rivals(g):
                if rival.state == "active" and is_single_valued(g.key) and _may_change(fact, rival):
                    self.board.supersede(rival, g, at=fact.valid_from)
            self._step_down(self.board.get(g.superseded_by), g, fact)
            self.board.restore(g, fact)
        if not newest and fold(draft.value) != fold(draft.subject):
            self.take(draft.model_copy(update={"bearing": "updates"}), fact)

    def _step_down(self, heir: Fact | None, restored: Fact, cause: Fact) -> None:
        """What had taken the place of a version that is reverted to no longer holds."""
        if (
            heir is not None
            and heir.state == "active"
            and same_series(heir.subject, restored.subject)
            and _may_change(cause, heir)
        ):
            self.board.supersede(heir, restored, at=cause.valid_from, cause=cause)


def _has_series(subject: str) -> bool:
    return bool((version_of(subject) or ("",))[0])


def _names(known: Fact, said: str) -> bool:
    """Whether the value said points at the fact; a key of one value needs less to be recognised."""
    if value_names(known.value, said):
        return True
    return is_single_valued(known.key) and value_names(said, known.value)


# "I work at Halden", said after "Halden Robotics", is the same by its first words.
_NAMES = frozenset({"name", "employer", "studies_at", *RELATIONS_ONE})


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
