"""Where facts lead from what a question names: to other names of it, and to where more is said. Pure.

One hop is a fact that the question meets: it leads to the words that it stands on. Two hops go on by a name
in that fact to the other facts in which the name stands: "my sister" is Ana, and Ana's husband is Tom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hmlr.language.tokens import query_terms
from hmlr.memory.facts.aliases import AliasIndex, joins_names
from hmlr.memory.facts.lookup import FactIndex
from hmlr.records import OWNER, Fact, FactId, TurnId

MAX_FIRST = 8  # facts of the first hop, the best
SECOND = 0.5  # what is left of a share after a second hop
# A name in more facts than this is of the conversation itself, such as who speaks in it: it connects nothing.
MAX_SHARED = 8
_NAME = re.compile(r"[^\W\d_a-z][\w'-]*(?: [^\W\d_a-z][\w'-]*)*")


@dataclass(frozen=True, kw_only=True)
class Link:
    """A place in a message that facts connect with a question."""

    turn_id: TurnId
    position: int  # of the message in its turn
    span: tuple[int, int]  # characters of the message
    share: float  # of the question, 0 to 1
    via: TurnId | None = None  # where the fact before it stands, which must not be hidden


@dataclass(frozen=True, kw_only=True)
class Links:
    """All that connects a question with what it does not name."""

    names: tuple[str, ...] = ()  # other names of what it names
    places: tuple[Link, ...] = ()
    standing: tuple[Link, ...] = ()  # what the owner told the assistant to do, whatever is asked


def links_of(question: str, index: FactIndex, aliases: AliasIndex, constraints: Iterable[Fact] = ()) -> Links:
    """The names and places that a question leads to, and the standing instructions among the constraints."""
    names = (*aliases.expand(question), *index.names_of_relatives(question))
    first = [met for met in index.met(question, aliases) if not joins_names(met[0])][:MAX_FIRST]
    places = {fact.fact_id: _link(fact, share) for fact, share in first}
    for fact, share in first:
        for other in sharing_a_name(fact, index, aliases):
            if other.fact_id not in places:
                places[other.fact_id] = _link(other, SECOND * share, via=fact.turn_id)
    standing = tuple(_link(fact, 1.0) for fact in constraints if fact.key == "instruction")
    return Links(names=names, places=tuple(places.values()), standing=standing)


def _link(fact: Fact, share: float, via: TurnId | None = None) -> Link:
    return Link(
        turn_id=fact.turn_id,
        position=_position(fact),
        span=(fact.start, fact.end),
        share=share,
        via=via,
    )


def sharing_a_name(fact: Fact, index: FactIndex, aliases: AliasIndex) -> Iterator[Fact]:
    """Other facts in which a name of this one stands, under any of its names; oldest first."""
    found: dict[FactId, Fact] = {}
    for name in _names(fact):
        for each in sorted(aliases.names_of(name)):
            sharing = _having_all(query_terms(each), index)
            if len(sharing) <= MAX_SHARED:
                found.update(sharing)
    found.pop(fact.fact_id, None)
    yield from sorted(found.values(), key=lambda each: (each.occurred_at, each.fact_id))


def _names(fact: Fact) -> Iterable[str]:
    """The names in a fact: who or what it is about, and what is written like a name in its value."""
    if fact.category == "secret":
        return ()
    own = () if fact.subject.casefold() == OWNER else (fact.subject,)
    return dict.fromkeys((*own, *_NAME.findall(fact.value)))


def _having_all(terms: list[str], index: FactIndex) -> dict[FactId, Fact]:
    if not terms:
        return {}
    found = {fact.fact_id: fact for fact in index.having(terms[0])}
    for term in terms[1:]:
        kept = {fact.fact_id for fact in index.having(term)}
        found = {fact_id: fact for fact_id, fact in found.items() if fact_id in kept}
    return found


def _position(fact: Fact) -> int:
    """Of the message in its turn, which its id ends with."""
    return int(fact.message_id.rpartition("/")[2])
