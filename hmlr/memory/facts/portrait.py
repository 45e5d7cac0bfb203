"""A portrait: what is known of the owner, in the order in which one would tell it."""

from __future__ import annotations

from collections.abc import Iterable

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE
from hmlr.records import OWNER, Category, Fact

_ORDER: tuple[Category, ...] = (
    "constraint",
    "identity",
    "preference",
    "project",
    "entity",
    "task",
    "event",
    "other",
)
_PEOPLE = RELATIONS_ONE | RELATIONS_MANY


def portrait(facts: Iterable[Fact]) -> list[Fact]:
    """The owner's facts by kind, people after identity, oldest first; no secrets."""
    mine = [fact for fact in facts if fact.subject.casefold() == OWNER and fact.category in _ORDER]
    return sorted(mine, key=_place)


def _place(fact: Fact) -> tuple[object, ...]:
    person = fact.key.replace("_", "-") in _PEOPLE
    return _ORDER.index(fact.category), person, fact.valid_from, fact.recorded_at, fact.fact_id
