"""Which quotes no longer say what holds, and what they said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from hmlr.core.tasks.outdated import Outdated
from hmlr.language.tokens import content_words
from hmlr.memory.facts.as_of import is_over
from hmlr.memory.facts.hiding import Hidden
from hmlr.memory.facts.kinds import asking_words
from hmlr.memory.facts.statement import state
from hmlr.records import Fact


def outdated_quotes(facts: Iterable[Fact], now: datetime, hidden: Hidden) -> Mapping[str, Outdated]:
    """By quote, from all facts of some turns; one on which a fact stands that holds is outdated in part.

    Quotes are without the `hidden`, as the hits are.
    """
    by_quote: dict[tuple[str, str], list[Fact]] = {}
    for fact in facts:
        by_quote.setdefault((fact.message_id, fact.quote), []).append(fact)
    return {
        hidden.text(quote, (facts[0].turn_id,)): Outdated(
            said=tuple(dict.fromkeys(state(fact) for fact in gone)),
            # What was told with an end says itself until when: it misleads nobody.
            keys=frozenset(term for fact in gone if fact.state != "active" for term in _asking(fact.key)),
            secret=any(fact.category == "secret" for fact in gone),
            day=all(fact.key.endswith("_date") and fact.superseded_by is not None for fact in gone),
            partly=len(gone) < len(facts),
        )
        for (_, quote), facts in by_quote.items()
        if (gone := [fact for fact in facts if fact.state != "active" or is_over(fact, now)])
    }


@lru_cache(maxsize=1024)
def _asking(key: str) -> frozenset[str]:
    return content_words(" ".join((key.replace("_", " "), *sorted(asking_words(key)))))
