"""Which facts a question asks for, by its words: lexical and pure.

A fact scores by the words that it shares with the question (rare ones count more), and by its key when the
question has a word for that kind of fact: "where", "city" and "live" ask for `lives_in` whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from math import log

from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.language.dates import TimeQuery
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.about import about, namesakes, relative_names, relatives_asked, speaks_of
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.keys import rival_keys
from hmlr.memory.facts.kinds import (
    OF_ONE_THING,
    WEAK,
    families_of,
    is_personal,
    weakly_asked,
)
from hmlr.memory.facts.namesakes import is_ambiguous, name_of
from hmlr.memory.facts.question import CALLED, Question, read
from hmlr.memory.facts.secrets import only_asked_secrets
from hmlr.memory.facts.values import fold
from hmlr.records import OWNER, Fact, FactId

_FAMILY_WEIGHT = 2.0  # a question word for the kind of fact is worth about two rare words
_ALIAS_WEIGHT = 0.7  # a word of another name of what was asked is worth a bit less than the word itself
_LEAST_SHARE = 0.25  # of the best score: where a fact fits well, one that shares a word by chance is noise
_OTHER_SUBJECT = 0.4  # a kind asked of the owner, found of somebody else

_ANYBODY = word_set("who whose whom everyone everybody anyone anybody people friends family colleagues all")
_WEAK_TERMS = frozenset(query_terms(" ".join(WEAK)))


class FactIndex:
    """Facts by all that a question can find them with: their words, their kind, being a secret.

    It is changed by what changes, and gives what scoring every fact would give. Who a name or "my sister" is
    may also be known by the facts of another one, `beside`.
    """

    def __init__(self, facts: Iterable[Fact] = (), *, beside: FactIndex | None = None) -> None:
        self._beside = beside
        self._facts: dict[FactId, Fact] = {}
        self._by_term: dict[str, set[FactId]] = {}
        self._by_family: dict[int, set[FactId]] = {}
        self._secrets: set[FactId] = set()
        self._events: set[FactId] = set()
        for fact in facts:
            self.put(fact)

    def put(self, fact: Fact) -> None:
        """Take in a fact, in the place of the one with the same id."""
        self.drop(fact.fact_id)
        self._facts[fact.fact_id] = fact
        for term in _terms(fact):
            self._by_term.setdefault(term, set()).add(fact.fact_id)
        if fact.category == "event":
            self._events.add(fact.fact_id)
        if fact.category == "secret":
            self._secrets.add(fact.fact_id)
            return
        for family in families_of(fact.key):
            self._by_family.setdefault(family, set()).add(fact.fact_id)

    def drop(self, fact_id: FactId) -> None:
        """Leave out a fact, if it is there."""
        fact = self._facts.pop(fact_id, None)
        if fact is None:
            return
        for term in _terms(fact):
            self._by_term[term].discard(fact_id)
        self._secrets.discard(fact_id)
        self._events.discard(fact_id)
        for family in families_of(fact.key):
            self._by_family.get(family, set()).discard(fact_id)

    def about(self, question: str) -> tuple[frozenset[str], ...]:
        """Whom the question is about; see `hmlr.memory.facts.about`."""
        return about(question, self.having)

    def having(self, term: str) -> Iterator[Fact]:
        """The facts in which a term stands."""
        yield from (self._facts[fact_id] for fact_id in self._by_term.get(term, ()))
        if self._beside is not None:
            yield from self._beside.having(term)

    def names_of_relatives(self, text: str) -> tuple[str, ...]:
        """The names of the owner's people whom a text calls by what they are: "my sister"."""
        relatives = relatives_asked(text)
        return tuple(sorted({name for who in relatives for name in relative_names(who, self.having)}))

    def score(
        self, question: str, aliases: AliasIndex, now: datetime | None = None
    ) -> list[tuple[Fact, float]]:
        """The facts that share something with the question, best first; all scores are above 0.

        Without `now`, when it is asked, the days that it names are not understood.
        """
        asked = self._with_people(read(question, aliases, now))
        return self._scored(asked, self._rarities(asked))

    def met(self, question: str, aliases: AliasIndex) -> list[tuple[Fact, float]]:
        """The facts that `score` gives, each with the share of the question that it covers, 0 to 1."""
        asked = self._with_people(read(question, aliases))
        rarity = self._rarities(asked)
        whole = sum(rarity[term] for term in asked.terms) + _FAMILY_WEIGHT * bool(asked.families)
        return [(fact, min(score / whole, 1.0)) for fact, score in self._scored(asked, rarity)]

    def _rarities(self, asked: Question) -> Mapping[str, float]:
        return {
            term: _rarity(len(self._by_term.get(term, ())), len(self._facts))
            for term in asked.terms | asked.alias_terms
        }

    def _scored(self, asked: Question, rarity: Mapping[str, float]) -> list[tuple[Fact, float]]:
        scored = []
        for fact_id in self._candidates(asked):
            fact = self._facts[fact_id]
            terms = _terms(fact)
            total = sum(rarity[term] for term in asked.terms & terms)
            total += _ALIAS_WEIGHT * sum(rarity[term] for term in (asked.alias_terms - asked.terms) & terms)
            total += _kind_asked(asked, fact)
            if fact.key in OF_ONE_THING and not _is_named(asked, fact):
                continue
            if total <= 0 or _of_somebody_else(asked, fact) or _of_namesake(asked, fact):
                continue
            if speaks_of(asked.about, terms) or name_of(fact) in asked.shared:
                scored.append((fact, total))
        scored = only_asked_secrets(asked, scored, _terms)
        least = _LEAST_SHARE * max((score for _, score in scored), default=0.0)
        scored = [pair for pair in scored if pair[1] >= least]
        return sorted(scored, key=lambda pair: (-pair[1], -pair[0].valid_from.timestamp(), pair[0].fact_id))

    def _with_people(self, asked: Question) -> Question:
        """The question, in which "my husband" is also his name, and a name of somebody known is a name."""
        people: set[str] = set(asked.people)
        for term in asked.terms:
            for fact in self.having(term):
                if is_personal(fact.key) and fact.subject.casefold() != OWNER:
                    people |= {term} & _name_terms(fact.subject)
        shared, meant = self._namesakes(asked)
        others = asked.others or (bool(people) and not asked.owner)
        for relation in asked.relatives:
            people.update(
                term for name in relative_names(relation, self.having) for term in query_terms(name)
            )
        return replace(
            asked,
            others=others,
            people=frozenset(people),
            alias_terms=asked.alias_terms | people,
            about=self.about(asked.text),
            shared=shared,
            meant=meant,
        )

    def _namesakes(self, asked: Question) -> tuple[frozenset[str], frozenset[str]]:
        """Names of the relatives asked for that others have too, and the subjects under which those stand."""
        shared, meant = set[str](), set[str]()
        for role in asked.relatives:
            for name in relative_names(role, self.having):
                found = namesakes(name, self.having)
                if len(found) > 1:
                    shared.add(fold(name))
                    meant |= {
                        fold(each) for person in found if person.is_a(role) for each in person.all_subjects
                    }
        return frozenset(shared), frozenset(meant)

    def _candidates(self, asked: Question) -> set[FactId]:
        """All facts whose score can be above 0."""
        found: set[FactId] = set(self._secrets) if asked.secret else set()
        found.update(*(self._by_term.get(term, ()) for term in asked.terms | asked.alias_terms))
        found.update(*(self._by_family.get(family, ()) for family in asked.families))
        if asked.time is not None and not asked.families:
            found.update(self._events)
        return found


def score_facts(
    question: str, facts: Iterable[Fact], aliases: AliasIndex, now: datetime | None = None
) -> list[tuple[Fact, float]]:
    """The facts that share something with the question, best first; all scores are above 0."""
    return FactIndex(facts).score(question, aliases, now)


def _rarity(count: int, total: int) -> float:
    return log(1 + total / (0.5 + count))


# The words of a day ("last Saturday", 2025) make an event no answer to "her last name" or "my boss in 2025".
_DAY_WORDS = re.compile(
    r"\b(?:\d{4}-\d\d(?:-\d\d)?|(?:19|20)\d\d|last|next|this|ago|today|yesterday|tomorrow|tonight|weeks?|"
    r"weekend|"
    r"months?|years?|days?|morning|afternoon|evening|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|"
    r"february|"
    r"march|april|may|june|july|august|september|october|november|december)\b",
    re.IGNORECASE,
)
_CALLING = frozenset({"call_me", "do_not_call_me"})
_ISO_DAY = re.compile(r"\b(\d{4})-(\d\d)(?:-(\d\d))?\b")


def _terms(fact: Fact) -> frozenset[str]:
    value = CALLED.sub(" ", fact.value)
    value = _DAY_WORDS.sub(" ", value) if fact.category == "event" else value
    # "Also called" and "do not call me" ask for nothing: "called" stands in all kinds of questions.
    key = "" if fact.key in OF_ONE_THING or fact.key in _CALLING else fact.key
    return _terms_of(fact.subject, key, value)


def _in_time(time: TimeQuery, fact: Fact) -> bool:
    """Whether an event lies in the time that is asked for."""
    found = _ISO_DAY.search(fact.value)
    if found is None:
        return False
    day = datetime(int(found[1]), int(found[2]), int(found[3] or 1), 12, tzinfo=UTC)
    return (time.since is None or day >= time.since) and (time.until is None or day < time.until)


@lru_cache(maxsize=16_384)
def _terms_of(subject: str, key: str, value: str) -> frozenset[str]:
    """The terms of a fact; the owner is in every question, so that subject is no term."""
    name = "" if subject.casefold() == OWNER else subject
    return frozenset(query_terms(f"{name} {key.replace('_', ' ')} {value}", limit=64))


def _kind_asked(asked: Question, fact: Fact) -> float:
    """The worth of the question's words for this kind of fact."""
    if fact.category == "secret":
        fits = asked.secret
    else:
        fits = not asked.families.isdisjoint(families_of(fact.key)) or _weakly_asked(asked, fact)
        if fact.key in OF_ONE_THING:
            fits = fits and _is_named(asked, fact)
        elif fact.category == "event" and asked.time is not None and not asked.families:
            fits = _in_time(asked.time, fact)
    if not fits:
        return 0.0
    if fact.subject.casefold() == OWNER or not asked.owner:
        return _FAMILY_WEIGHT
    named = (asked.terms | asked.people) & _name_terms(fact.subject)
    return _FAMILY_WEIGHT if named else _FAMILY_WEIGHT * _OTHER_SUBJECT


def _is_named(asked: Question, fact: Fact) -> bool:
    """Whether the question names what the fact is about, by a word of it or by another name as a whole."""
    if not asked.terms.isdisjoint(_terms(fact)):
        return True
    return any(asked.alias_terms.issuperset(_name_terms(name)) for name in (fact.subject, fact.value))


def _weakly_asked(asked: Question, fact: Fact) -> bool:
    """Whether a weak word asks for this kind, and another word for this fact."""
    about = asked.terms - _WEAK_TERMS
    return weakly_asked(asked.words, fact.key) and not about.isdisjoint(_terms(fact))


def _of_somebody_else(asked: Question, fact: Fact) -> bool:
    """Whether the fact is told of a person whom the question does not mean.

    A word of the value makes up for that: "Do I know somebody in Hull?" finds who lives there.
    """
    if not is_personal(fact.key):
        return False
    if fact.subject.casefold() == OWNER:
        strange = asked.others
    else:
        meant = (asked.terms | asked.people | asked.alias_terms) & _name_terms(fact.subject)
        strange = not meant and (asked.owner or asked.others or asked.words.isdisjoint(_ANYBODY))
    return strange and asked.terms.isdisjoint(query_terms(fact.value))


def _of_namesake(asked: Question, fact: Fact) -> bool:
    """Whether the fact is told of another person with the name of the one whom the question is about."""
    if not asked.shared or name_of(fact) not in asked.shared:
        return False
    if fact.subject.casefold() == OWNER:
        return not any(fact.key in rival_keys(role.replace("-", "_")) for role in asked.relatives)
    return fold(fact.subject) not in asked.meant and not is_ambiguous(fact.subject)


@lru_cache(maxsize=4096)
def _name_terms(subject: str) -> frozenset[str]:
    return frozenset(query_terms(subject))
