"""Which fact is meant by words that name neither its subject nor its key: pure, and in doubt none is.

"It's Solberg, not Solheim" means the one fact with the wrong value in it; "the check-up moved to Friday" the
one date that is called so; "ignore what I told you about the boat" the one fact that has all these words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from hmlr.core.tasks.drafts import FactDraft
from hmlr.core.tasks.fact_scrubbing.rules.clauses import LAST_SAID, UNNAMED
from hmlr.language.tokens import content_words
from hmlr.memory.facts.keys import is_single_valued, same_subject
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
    if draft.instead_of == LAST_SAID:
        return _last_said(fact, held)
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


# How long "forget that" may mean what was said last, when nothing has been learned since.
_STILL_MEANT = timedelta(hours=12)


def _last_said(fact: Fact, held: Iterable[Fact]) -> tuple[Fact, Fact] | None:
    """The one fact of the speaker's last words that may have this value, and the fact with it."""
    mine = [g for g in held if g.said_by == fact.said_by and g.last_confirmed_at <= fact.occurred_at]
    last = max((g.last_confirmed_at for g in mine), default=fact.occurred_at)
    found = [g for g in mine if g.last_confirmed_at == last and _may_be(g, fact.value)]
    if len(found) != 1 or fact.occurred_at - last > _STILL_MEANT:
        return None
    old = found[0]
    number = _NUMBER.match(old.value)
    value = fact.value + old.value[number.end() :] if number and _NUMBER.fullmatch(fact.value) else fact.value
    return old, replace(
        fact, subject=old.subject, key=old.key, category=old.category, value=value, valid_from=old.valid_from
    )


def _may_be(known: Fact, value: str) -> bool:
    """Whether the value is of the kind of the known one: a number, a day, a name, a word like a secret."""
    if not is_single_valued(known.key):
        return False
    if known.key.endswith("_date") or _DAY.search(value):
        return known.key.endswith("_date") and bool(_DAY.search(value))
    digits = [any(character.isdigit() for character in each) for each in (known.value, value)]
    if known.category == "secret" and value.isdigit():  # a PIN is as long as the one before it
        return known.value.isdigit() and len(known.value) == len(value)
    if _NUMBER.fullmatch(value):
        return _NUMBER.match(known.value) is not None
    if len(value.split()) != len(known.value.split()) or digits[0] != digits[1]:
        return False
    return digits[0] or (known.value[:1].isupper() and value[:1].isupper())


_DAY = re.compile(r"\d{4}-\d\d-\d\d|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b")


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
