"""Facts that cannot both hold: pure. In doubt two facts are no contradiction.

Two values under a key that bears one at a time, or a thing both liked and disliked, eaten and not eaten, of
one subject under any of its names, at one time. What differs only in how much it says ("Bergen", "Bergen,
Norway") or in how a day is written can both hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations

from hmlr.language.dates import find_dates
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.as_of import is_over
from hmlr.memory.facts.board import rank
from hmlr.memory.facts.keys import is_single_valued, rival_keys, value_names
from hmlr.memory.facts.values import fold, fold_value
from hmlr.records import Contradiction, Fact

_OPPOSITES = {
    "dislikes": "likes",
    "does_not_eat": "eats",
    "does_not_drink": "drinks",
    "do_not_call_me": "call_me",
}
_ANY_DAY = datetime(2000, 1, 1, tzinfo=UTC)  # days without a year are compared within one


def contradictions(facts: Iterable[Fact], aliases: AliasIndex, now: datetime) -> list[Contradiction]:
    """The pairs among facts that hold now of which one must be wrong, the older fact first."""
    held = [fact for fact in facts if fact.state == "active" and not is_over(fact, now)]
    held.sort(key=rank)
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in held:
        subject = min(map(fold, aliases.names_of(fact.subject)))
        groups.setdefault((subject, _theme(fact.key)), []).append(fact)
    return [found for group in groups.values() for found in _within(group)]


def _theme(key: str) -> str:
    """What keys have in common whose values may exclude each other."""
    return _OPPOSITES.get(key, min(rival_keys(key)))


def _within(group: Sequence[Fact]) -> Iterator[Contradiction]:
    for one, other in combinations(group, 2):
        if not _at_one_time(one, other):
            continue
        if (one.key in _OPPOSITES) != (other.key in _OPPOSITES):
            if fold_value(one.value) == fold_value(other.value):
                yield Contradiction(one=one, other=other, why=f"{one.key} and {other.key} exclude each other")
        elif is_single_valued(one.key) and is_single_valued(other.key) and differ(one.value, other.value):
            yield Contradiction(one=one, other=other, why=f"{one.key} has one value at a time")


def _at_one_time(one: Fact, other: Fact) -> bool:
    return (one.valid_to is None or one.valid_to > other.valid_from) and (
        other.valid_to is None or other.valid_to > one.valid_from
    )


def differ(one: str, other: str) -> bool:
    """Whether two values say different things, and not one thing more or less exactly."""
    if fold_value(one) == fold_value(other) or value_names(one, other) or value_names(other, one):
        return False
    days, others = (find_dates(value, _ANY_DAY) for value in (one, other))
    same_day = len(days) == len(others) == 1 and (
        (days[0].start.month, days[0].start.day) == (others[0].start.month, others[0].start.day)
    )
    return not same_day
