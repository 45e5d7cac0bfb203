"""What no longer holds and nothing took the place of: it answers who asks, as what was so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hmlr.memory.facts.keys import is_single_valued, rival_keys, same_subject
from hmlr.records import Fact

MOST = 3


def has_ended(fact: Fact) -> bool:
    """Whether a fact came to an end and has no successor, which would answer in its place."""
    return fact.state == "superseded" and fact.superseded_by is None and fact.category != "secret"


def former(found: Sequence[Fact], present: Iterable[Fact]) -> tuple[Fact, ...]:
    """Of ended facts that fit a question, best first, those in whose place nothing holds."""
    single = {key for fact in found if is_single_valued(fact.key) for key in rival_keys(fact.key)}
    heirs = [fact for fact in present if fact.key in single] if single else []
    return tuple(fact for fact in found if not any(_succeeds(heir, fact) for heir in heirs))[:MOST]


def _succeeds(heir: Fact, fact: Fact) -> bool:
    return heir.key in rival_keys(fact.key) and same_subject(heir.subject, fact.subject)
