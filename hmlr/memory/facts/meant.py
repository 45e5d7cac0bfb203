"""Which fact is meant by words that name neither its subject nor its key: pure, and in doubt none is.

"It's Solberg, not Solheim" means the one fact with the wrong value in it; "the check-up moved to Friday" the
one date that is called so; "ignore what I told you about the boat" the one fact that has all these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import UNNAMED
from hmlr.language.tokens import content_words
from hmlr.memory.facts.keys import same_subject
from hmlr.memory.facts.values import fold
from hmlr.records import OWNER, Fact

# What a correction says of itself tells nothing of what it corrects.
_ITSELF = content_words(
    "correction actually sorry mean meant wrong right said wrote name surname call spell wait oops instead "
    "raise raised lower lowered set change changed increase increased reduce reduced cut move moved"
)


def reaches_all(draft: FactDraft) -> bool:
    """Whether the draft may mean a fact under any key, so that all active ones must be known."""
    moves = draft.category == "event" and draft.bearing == "updates"
    return bool(draft.instead_of) or draft.subject == draft.key == UNNAMED or moves


def corrected(draft: FactDraft, fact: Fact, held: Iterable[Fact]) -> tuple[Fact, Fact] | None:
    """The fact whose value is put right, and what it should have been."""
    found = [known for known in held if _holds_words(known.value, draft.instead_of)]
    if draft.key != UNNAMED:  # a model names the fact itself
        found = [
            known for known in found if known.key == draft.key and same_subject(known.subject, draft.subject)
        ]
    else:
        said = content_words(draft.quote) - content_words(f"{draft.value} {draft.instead_of}") - _ITSELF
        named = [known for known in found if said & _words(known)]
        found = named if said else found
    if len(found) != 1:
        return None
    old = found[0]
    # The day of a date is told whole: what is left of the old one would be another day's.
    dated = old.key.endswith("_date") or old.key == "event"
    value = fact.value if dated else _swapped(old.value, draft.instead_of, fact.value)
    now = fact.valid_from if draft.bearing == "updates" else old.valid_from
    return old, replace(
        fact, subject=old.subject, key=old.key, category=old.category, value=value, valid_from=now
    )


def moved_event(draft: FactDraft, fact: Fact, held: Sequence[Fact]) -> Fact | None:
    """The date that an appointment had, when it is called by fewer words now: "the dentist" for its date."""
    if draft.bearing != "updates" or fact.category != "event" or not fact.key.endswith("_date"):
        return None
    if any(known.key == fact.key and same_subject(known.subject, fact.subject) for known in held):
        return None
    called = content_words(fact.key.removesuffix("_date").replace("_", " "))
    mine = [
        known
        for known in held
        if known.category == "event"
        and known.occurred_at <= fact.occurred_at
        and same_subject(known.subject, fact.subject)
    ]
    dates = [known for known in mine if known.key.endswith("_date") and called <= _words(known)]
    events = [known for known in mine if known.key == "event" and called <= content_words(known.value)]
    found = dates or events
    return found[0] if called and len(found) == 1 else None


def withdrawn(what: str, held: Iterable[Fact]) -> list[Fact]:
    """The fact of which all the words are known, when it is one."""
    words = content_words(what)
    found = [known for known in held if words and words <= _words(known)]
    return found if len(found) == 1 else []


def _words(known: Fact) -> frozenset[str]:
    subject = "" if known.subject.casefold() == OWNER else known.subject
    return content_words(f"{subject} {known.key.replace('_', ' ')} {known.value}")


def _holds_words(value: str, wrong: str) -> bool:
    return re.search(_whole(fold(wrong)), fold(value)) is not None


def _whole(words: str) -> str:
    """The words where they are no part of another word or of a longer number: "65" in "65,000"."""
    return rf"(?<!\w)(?<!\d[.,]){re.escape(words)}(?!\w|[.,]\d)"


_NUMBER = re.compile(r"\d[\d.,]*(?<=\d)")


def _swapped(value: str, wrong: str, right: str) -> str:
    """The value with the right word in the place of the wrong one; all of it when that is told whole."""
    number = _NUMBER.match(wrong)
    if number and _NUMBER.fullmatch(right):  # "5,000, not 4,000 records a day"
        right += wrong[number.end() :]
    left = set(fold(value).split()) - set(fold(wrong).split())
    if left <= set(fold(right).split()):
        return right
    return re.sub(_whole(wrong), lambda _: right, value, flags=re.IGNORECASE)
