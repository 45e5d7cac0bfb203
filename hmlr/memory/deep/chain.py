"""The chain from a question to what bears on it two links further: pure.

The links are those that facts make. Other names of one thing are one link, however many there are. From a
fact the way goes to what replaced it or was replaced by it, to what the message says that changed it, and to
other facts in which a name of it stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from hmlr.language.tokens import query_terms
from hmlr.memory.deep.neighbour import with_neighbour
from hmlr.memory.facts.aliases import AliasIndex, joins_names
from hmlr.memory.facts.links import sharing_a_name
from hmlr.memory.facts.lookup import FactIndex
from hmlr.memory.facts.values import fold
from hmlr.records import OWNER, Fact, FactEvent, FactId, Hit, TurnId

_CHANGES = ("superseded", "invalidated", "restored")
K = TypeVar("K")
V = TypeVar("V")

HOPS = 2
MAX_MET = 8  # facts that the question meets by itself
MAX_TURNS = 5  # of those found by the question's words
MAX_NAMED = 24  # facts in which the question's things stand, under any of their names
MAX_CHANGES = 4  # of one fact, the latest
MAX_STEPS = 48  # of the whole chain, the alias facts among them


@dataclass(frozen=True, kw_only=True)
class Step:
    """One piece of the chain: a fact, or a turn that no fact was taken from."""

    link: str  # how it is connected
    hop: int  # links between the question and it
    via: str | None = None  # key of the step that led to it
    fact: Fact | None = None
    turn_id: TurnId | None = None
    text: str = ""  # of a turn: the words that were found; "" for the message that changed a fact
    leads: bool = True  # whether the chain goes on from it

    @property
    def key(self) -> str:
        """What it is, so that a chain holds it once."""
        return self.fact.fact_id if self.fact else f"turn {self.turn_id}"


@dataclass(frozen=True)
class Known:
    """All facts of a user, in every state, and what changed them."""

    facts: Sequence[Fact]
    events: Sequence[FactEvent]
    aliases: AliasIndex

    @cached_property
    def index(self) -> FactIndex:
        """The facts by their words."""
        return FactIndex(self.facts)

    @cached_property
    def by_id(self) -> Mapping[FactId, Fact]:
        """The facts by id."""
        return {fact.fact_id: fact for fact in self.facts}

    @cached_property
    def by_turn(self) -> Mapping[TurnId, list[Fact]]:
        """The facts of each turn, in the order they were said."""
        return _grouped((fact.turn_id, fact) for fact in sorted(self.facts, key=lambda each: each.start))

    @cached_property
    def replaced(self) -> Mapping[FactId, list[Fact]]:
        """The facts that each fact replaced."""
        return _grouped((fact.superseded_by, fact) for fact in self.facts if fact.superseded_by)

    @cached_property
    def joined(self) -> Mapping[str, list[Fact]]:
        """The active facts that give a thing another name, by each of the two names, folded."""
        joining = [fact for fact in self.facts if fact.state == "active" and joins_names(fact)]
        return _grouped((fold(name), fact) for fact in joining for name in (fact.subject, fact.value))

    def changes(self, fact: Fact) -> list[FactEvent]:
        """The changes of a fact that another message made, the latest first."""
        return [each for each in self._elsewhere(fact) if each.change in _CHANGES]

    def said_again(self, fact: Fact) -> FactEvent | None:
        """The last time that another message said the same, perhaps in other words or figures."""
        return next((each for each in self._elsewhere(fact) if each.change == "confirmed"), None)

    def _elsewhere(self, fact: Fact) -> Iterator[FactEvent]:
        """What other messages did to a fact, the latest first."""
        events = self._events.get(fact.fact_id, [])
        return (each for each in reversed(events) if each.turn_id and each.turn_id != fact.turn_id)

    @cached_property
    def _events(self) -> Mapping[FactId, list[FactEvent]]:
        return _grouped((each.fact_id, each) for each in self.events)


@dataclass
class _Chain:
    steps: dict[str, Step] = field(default_factory=dict)

    def add(self, step: Step) -> bool:
        """Take in a step that is not in the chain yet, while there is room."""
        if step.key in self.steps or len(self.steps) >= MAX_STEPS:
            return False
        self.steps[step.key] = step
        return True

    def fact(self, fact: Fact, link: str, via: Step) -> bool:
        """Take in a fact that a step leads to."""
        return self.add(Step(fact=fact, link=link, hop=via.hop + 1, via=via.key))


def chain(question: str, known: Known, hits: Sequence[Hit] = ()) -> tuple[Step, ...]:
    """What bears on a question, nearest first; `hits` are what its words find."""
    found = _Chain()
    met = [fact for fact, _ in known.index.met(question, known.aliases) if not joins_names(fact)]
    for fact in met[:MAX_MET]:
        found.add(Step(fact=fact, link="the question asks for it", hop=0))
    for place, hit in enumerate(hits[:MAX_TURNS]):
        if place == 0:
            _beside(found, question, hit, known)
        _found(found, hit, known, leads=place == 0)  # what comes after the best may be there by chance
    names = _names(question, known)
    _other_names(found, names, known)
    _named(found, names, known, met)
    for hop in range(HOPS):
        for step in [each for each in found.steps.values() if each.hop == hop]:
            _onwards(found, step, known)
    _why(found, known)
    return tuple(sorted(found.steps.values(), key=lambda step: step.hop))


def _found(found: _Chain, hit: Hit, known: Known, *, leads: bool) -> None:
    """What was said in a hit: its facts, or itself when none was taken from it."""
    turn_id, facts = hit.turn_ids[0], _facts_in(hit, known)
    for fact in facts[:MAX_MET]:
        if not joins_names(fact):
            found.add(Step(fact=fact, link="its words are near the question", hop=0, leads=leads))
    if not facts:
        found.add(Step(turn_id=turn_id, text=hit.text, link="its words are near the question", hop=0))


def _beside(found: _Chain, question: str, hit: Hit, known: Known) -> None:
    """The words of the best hit beside those of its facts, when the answer stands there."""
    quotes = [fact.quote for fact in _facts_in(hit, known)]
    if text := with_neighbour(question, hit.text, quotes, hit.occurred_at):
        found.add(Step(turn_id=hit.turn_ids[0], text=text, link="its words are near the question", hop=0))


def _facts_in(hit: Hit, known: Known) -> list[Fact]:
    return [fact for fact in known.by_turn.get(hit.turn_ids[0], ()) if fact.quote in hit.text]


def _names(question: str, known: Known) -> list[str]:
    """The names in a question: those with other names, and those of which something is known."""
    others = {fold(name): name for name in known.aliases.expand(question)}
    named = AliasIndex.mentions
    joined = {name: fact for name, facts in known.joined.items() for fact in facts}
    present = [name for name in joined if name not in others and named([name])(question)]
    terms = query_terms(question)
    subjects = {fact.subject for term in terms for fact in known.index.having(term)} - {OWNER}
    present += [name for name in sorted(subjects) if named([name])(question)]
    return list({fold(name): name for name in present}.values())


def _other_names(found: _Chain, names: Sequence[str], known: Known) -> None:
    """The facts that lead from each name to all other names of the same thing, in the order of the way."""
    seen = {fold(name) for name in names}
    waiting: deque[tuple[str, str | None]] = deque((fold(name), None) for name in names)
    while waiting:
        name, via = waiting.popleft()
        for fact in known.joined.get(name, ()):
            step = Step(fact=fact, link="another name of it", hop=1, via=via)
            if not found.add(step):
                continue
            for other in (fold(fact.subject), fold(fact.value)):
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, step.key))


def _named(found: _Chain, names: Sequence[str], known: Known, met: Sequence[Fact]) -> None:
    """The facts in which the things that are named stand, under any of their names."""
    rank = {fact.fact_id: place for place, fact in enumerate(met)}
    everything = {other for name in names for other in (name, *known.aliases.names_of(name))}
    facts = {
        fact.fact_id: fact
        for name in everything
        for fact in having_name(name, known.index)
        if not joins_names(fact) and fact.category != "secret"
    }
    nearest = sorted(
        facts.values(), key=lambda fact: (rank.get(fact.fact_id, len(rank)), fact.valid_from, fact.fact_id)
    )
    for fact in nearest[:MAX_NAMED]:
        found.add(Step(fact=fact, link="said of it", hop=1, via=_naming(fact, found)))


def having_name(name: str, index: FactIndex) -> Iterator[Fact]:
    """The facts whose subject or value has the name as whole words."""
    terms = query_terms(name)
    if not terms:
        return
    mentioned = AliasIndex.mentions([name])
    for fact in list(index.having(terms[0])):
        if mentioned(f"{fact.subject} {fact.value}"):
            yield fact


def _naming(fact: Fact, found: _Chain) -> str | None:
    """The step that gave the name under which a fact speaks of the thing."""
    for step in found.steps.values():
        if step.fact and joins_names(step.fact):
            names = AliasIndex.mentions([step.fact.subject, step.fact.value])
            if names(f"{fact.subject} {fact.value}"):
                return step.key
    return None


def _onwards(found: _Chain, step: Step, known: Known) -> None:
    """One link further from a fact."""
    fact = step.fact
    if fact is None or joins_names(fact) or not step.leads:
        return
    if fact.superseded_by and (after := known.by_id.get(fact.superseded_by)):
        found.fact(after, "took its place", step)
    for before in known.replaced.get(fact.fact_id, ()):
        found.fact(before, "held before it", step)
    for event in known.changes(fact):
        for other in known.by_turn.get(event.turn_id or TurnId(""), ()):
            if fact.key == other.key:
                found.fact(other, "said by the message that changed it", step)
    for other in sharing_a_name(fact, known.index, known.aliases):
        found.fact(other, "has a name in common", step)


def _why(found: _Chain, known: Known) -> None:
    """The messages that changed a fact, and the last that repeats it, unless a fact of theirs is there."""
    told = {step.fact.turn_id for step in found.steps.values() if step.fact}
    for step in list(found.steps.values()):
        if step.fact is None:
            continue
        again = known.said_again(step.fact)
        for event in (*known.changes(step.fact)[:MAX_CHANGES], *((again,) if again else ())):
            if event.turn_id and event.turn_id not in told:
                told.add(event.turn_id)
                link = _LINKS.get(event.change, f"why it is {event.change}")
                found.add(Step(turn_id=event.turn_id, link=link, hop=step.hop, via=step.key))


_LINKS = {"restored": "why it is so again", "confirmed": "says it again"}


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
