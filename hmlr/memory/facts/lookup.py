"""Which facts a question asks for, by its words: lexical, pure, with a small table of what questions mean.

A fact scores by the words that it shares with the question (rare ones count more), and by its key when the
question has a word for that kind of fact: "where", "city" and "live" ask for `lives_in` whatever it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from math import log

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE, word_set
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.keys import secret_parts
from hmlr.records import OWNER, Fact, FactId

_FAMILY_WEIGHT = 2.0  # a question word for the kind of fact is worth about two rare words
_ALIAS_WEIGHT = 0.7  # a word of another name of what was asked is worth a bit less than the word itself
_OTHER_SUBJECT = 0.4  # a kind asked of the owner, found of somebody else

# What is told of a person. It answers a question about that person and no other.
_PERSONAL = word_set(
    """
    name lives_in address comes_from born_in hometown nationality age birthday birth_year job employer
    studies studies_at speaks native_language marital_status religion email phone likes dislikes prefers
    diet dietary_rule does_not_eat does_not_drink eats allergy condition owns pet childhood_pet shoe_size
    """
)

_EATING = "diet dietary_rule does_not_eat does_not_drink eats allergy observes religion"
# Keys -> the words of a question that ask for them. A key ending in "_" stands for all that begin so; "a+b"
# asks only together.
_FAMILIES: tuple[tuple[str, str], ...] = (
    (
        "lives_in address",
        "live lives living home reside city town country location based address move moved where+i where+do",
    ),
    (
        "name call_me",
        "name+my name+i called+i who+i",
    ),
    (
        "call_me do_not_call_me",
        "call address",
    ),
    (
        "job employer",
        "work works working job jobs employer profession occupation company career office colleague",
    ),
    (
        "studies studies_at",
        "study studying university college school degree major",
    ),
    (
        "comes_from born_in hometown nationality",
        "from+where born origin originally nationality citizen citizenship hometown passport grew",
    ),
    (
        "age birthday birth_year",
        "how+old+i how+old+am age+my birthday born birth",
    ),
    (
        "speaks native_language",
        "language languages speak fluent tongue",
    ),
    (
        "marital_status wife husband spouse partner",
        "married single wife husband spouse partner marital",
    ),
    (
        "number_of_children son daughter child kid",
        "children kids child son daughter",
    ),
    (
        "pet childhood_pet",
        "pet pets dog cat animal puppy kitten hamster rabbit parrot horse retriever",
    ),
    (
        "owns first_car",
        "car cars own owned vehicle vehicles drive garage bought possess bike boat motorcycle "
        "house instrument guitar",
    ),
    (
        _EATING,
        "eat eating food foods cook cooking recipe dinner lunch breakfast meal meals restaurant "
        "diet dietary vegetarian vegan steak steakhouse meat fish dish menu snack order drink "
        "drinks allergy allergies allergic ingredient bake barbecue bbq hungry craving crave "
        "cuisine taste pizza burger sushi seafood buffet dessert cake",
    ),
    (
        "condition allergy",
        "health medical condition illness disease doctor medication medicine exercise",
    ),
    (
        "religion observes",
        "religion religious faith church",
    ),
    (
        "likes dislikes prefers",
        "like likes love enjoy hobby hobbies prefer preference preferences interests interested fun gift",
    ),
    (
        "favourite_",
        "favourite favorite fave",
    ),
    (
        "project",
        "project projects building build working",
    ),
    (
        "volume_",
        "volume throughput traffic load capacity many much",
    ),
    (
        "limit _limit",
        "limit limits maximum cap quota most allowed capacity many much",
    ),
    (
        "policy rule",
        "policy policies rule rules allowed compliant compliance comply permitted permit "
        "forbidden may must regulation",
    ),
    (
        "status replaced_by",
        "deprecated compliant compliance supported use using replace replacement obsolete",
    ),
    (
        "also_called stands_for",
        "alias aliases called names codename stand stands mean acronym",
    ),
    (
        "means stands_for",
        "mean means meaning define definition",
    ),
    (
        "instruction never prefers",
        "instruction instructions format style always never",
    ),
    (
        "email phone address",
        "email e-mail phone contact reach",
    ),
    (
        "event _date",
        "appointment meeting schedule happened plans event events date",
    ),
    (
        "task deadline_",
        "todo task tasks remind reminder due deadline",
    ),
)
_SECRET_WORDS = word_set(
    """
    credential credentials password passwords key keys token tokens secret secrets pin passcode
    passphrase login code access authenticate authentication log sign
    """
)
_SPELLINGS = {
    "color": "colour",
    "colors": "colour",
    "colours": "colour",
    "favorite": "favourite",
    "fave": "favourite",
}
_WORD = re.compile(r"[\w'-]+")
# "when" and "old" ask for these kinds of fact only together with a word of what it is about.
_WEAK = {"when": "event _date birthday birth_year deadline_", "old": "age"}
# "Where does Ingrid live?", "Bob's job": a name asked about.
_ASKED_OF = re.compile(
    r"\b(?i:does|did|is|are|was|were|has|have|had|can|could|will|would|should|where's|what's|who's|about|of|"
    r"for) (?!I\b)(?P<name>[A-Z][\w-]+)|(?<![.!?] )(?<!^)\b(?P<whose>[A-Z][\w-]+)'s\b|"
    r"^(?P<first>(?!(?:Wh|How|That|It|There|Here|Let)\w*')[A-Z][\w-]+)'s (?!(?:the|a|an|my|it)\b)"
)
_RELATIVE = re.compile(rf"\bmy (?:[a-z]+ )?({'|'.join(sorted(RELATIONS_ONE | RELATIONS_MANY))})(?:'?s)?\b")
_ANYBODY = word_set("who whose whom everyone everybody anyone anybody people friends family colleagues all")
_KINDS_OF_SECRET: dict[str, tuple[str, ...]] = {
    "code": ("code", "pin", "passcode"),
    "pin": ("pin",),
    "password": ("password", "passphrase", "passcode"),
    "passphrase": ("passphrase",),
    "passcode": ("passcode", "pin", "code"),
    "token": ("token",),
    "key": ("key",),
}
_I = word_set("i my me mine our we us")


@dataclass(frozen=True)
class _Question:
    words: frozenset[str]  # as written, lower case
    terms: frozenset[str]
    alias_terms: frozenset[str]
    families: frozenset[int]  # of keys, that the words ask for
    owner: bool  # speaks of the owner
    others: bool  # asks about somebody else, by name or as the owner's relative
    people: frozenset[str]  # the terms of their names
    relatives: frozenset[str]  # of the owner, as the question calls them
    secret: bool  # asks for a secret


class FactIndex:
    """Facts by all that a question can find them with: their words, their kind, being a secret.

    It is changed by what changes, and gives what scoring every fact would give.
    """

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._facts: dict[FactId, Fact] = {}
        self._by_term: dict[str, set[FactId]] = {}
        self._by_family: dict[int, set[FactId]] = {}
        self._secrets: set[FactId] = set()
        for fact in facts:
            self.put(fact)

    def put(self, fact: Fact) -> None:
        """Take in a fact, in the place of the one with the same id."""
        self.drop(fact.fact_id)
        self._facts[fact.fact_id] = fact
        for term in _terms(fact):
            self._by_term.setdefault(term, set()).add(fact.fact_id)
        if fact.category == "secret":
            self._secrets.add(fact.fact_id)
            return
        for family in _families_of(fact.key):
            self._by_family.setdefault(family, set()).add(fact.fact_id)

    def drop(self, fact_id: FactId) -> None:
        """Leave out a fact, if it is there."""
        fact = self._facts.pop(fact_id, None)
        if fact is None:
            return
        for term in _terms(fact):
            self._by_term[term].discard(fact_id)
        self._secrets.discard(fact_id)
        for family in _families_of(fact.key):
            self._by_family.get(family, set()).discard(fact_id)

    def score(self, question: str, aliases: AliasIndex) -> list[tuple[Fact, float]]:
        """The facts that share something with the question, best first; all scores are above 0."""
        asked = self._with_people(_read(question, aliases))
        rarity = {
            term: _rarity(len(self._by_term.get(term, ())), len(self._facts))
            for term in asked.terms | asked.alias_terms
        }
        scored = []
        for fact_id in self._candidates(asked):
            fact = self._facts[fact_id]
            terms = _terms(fact)
            total = sum(rarity[term] for term in asked.terms & terms)
            total += _ALIAS_WEIGHT * sum(rarity[term] for term in (asked.alias_terms - asked.terms) & terms)
            total += _kind_asked(asked, fact)
            if total > 0 and not _of_somebody_else(asked, fact):
                scored.append((fact, total))
        scored = _only_asked_secrets(asked, scored)
        return sorted(scored, key=lambda pair: (-pair[1], -pair[0].valid_from.timestamp(), pair[0].fact_id))

    def _with_people(self, asked: _Question) -> _Question:
        """The question, in which "my husband" is also his name, and a name of somebody known is a name."""
        people: set[str] = set(asked.people)
        for term in asked.terms:
            for fact_id in self._by_term.get(term, ()):
                fact = self._facts[fact_id]
                if fact.key in _PERSONAL and fact.subject.casefold() != OWNER:
                    people |= {term} & _name_terms(fact.subject)
        others = asked.others or (bool(people) and not asked.owner)
        for relation in asked.relatives:
            for fact_id in self._by_term.get(_stem(relation), ()):
                fact = self._facts[fact_id]
                if fact.key == relation.replace("-", "_") and fact.subject.casefold() == OWNER:
                    people.update(query_terms(fact.value))
        return replace(asked, others=others, people=frozenset(people), alias_terms=asked.alias_terms | people)

    def _candidates(self, asked: _Question) -> set[FactId]:
        """All facts whose score can be above 0."""
        found: set[FactId] = set(self._secrets) if asked.secret else set()
        found.update(*(self._by_term.get(term, ()) for term in asked.terms | asked.alias_terms))
        found.update(*(self._by_family.get(family, ()) for family in asked.families))
        return found


def score_facts(question: str, facts: Iterable[Fact], aliases: AliasIndex) -> list[tuple[Fact, float]]:
    """The facts that share something with the question, best first; all scores are above 0."""
    return FactIndex(facts).score(question, aliases)


def _rarity(count: int, total: int) -> float:
    return log(1 + total / (0.5 + count))


def _read(question: str, aliases: AliasIndex) -> _Question:
    words = frozenset(
        _SPELLINGS.get(word, word) for word in _WORD.findall(question.lower().replace("’", "'"))
    )
    words |= {word.removesuffix("'s") for word in words}
    others = aliases.expand(question)
    asked_of = [found["name"] or found["whose"] or found["first"] for found in _ASKED_OF.finditer(question)]
    relatives = _RELATIVE.findall(question.lower())
    # "What does my husband do?" speaks of the owner only to say whose husband it is.
    about_owner = not _I.isdisjoint(_WORD.findall(_RELATIVE.sub("", question.lower())))
    return _Question(
        words=words,
        terms=frozenset(query_terms(" ".join(_SPELLINGS.get(w.lower(), w) for w in question.split()))),
        alias_terms=frozenset(term for name in others for term in query_terms(name)),
        families=_families_asked(words),
        owner=not _I.isdisjoint(words),
        others=not about_owner and bool(asked_of or relatives),
        people=frozenset(term for name in asked_of for term in query_terms(name)),
        relatives=frozenset(relatives),
        secret=not _SECRET_WORDS.isdisjoint(words),
    )


def _terms(fact: Fact) -> frozenset[str]:
    return _terms_of(fact.subject, fact.key, fact.value)


@lru_cache(maxsize=16_384)
def _terms_of(subject: str, key: str, value: str) -> frozenset[str]:
    """The terms of a fact; the owner is in every question, so that subject is no term."""
    name = "" if subject.casefold() == OWNER else subject
    return frozenset(query_terms(f"{name} {key.replace('_', ' ')} {value}", limit=64))


def _kind_asked(asked: _Question, fact: Fact) -> float:
    """The worth of the question's words for this kind of fact."""
    if fact.category == "secret":
        fits = asked.secret
    else:
        fits = not asked.families.isdisjoint(_families_of(fact.key)) or _weakly_asked(asked, fact)
    if not fits:
        return 0.0
    if fact.subject.casefold() == OWNER or not asked.owner:
        return _FAMILY_WEIGHT
    named = (asked.terms | asked.people) & _name_terms(fact.subject)
    return _FAMILY_WEIGHT if named else _FAMILY_WEIGHT * _OTHER_SUBJECT


def _weakly_asked(asked: _Question, fact: Fact) -> bool:
    kinds = " ".join(_WEAK[word] for word in asked.words & _WEAK.keys())
    if not kinds or not any(_is_key(pattern, fact.key) for pattern in kinds.split()):
        return False
    return not (asked.terms - _WEAK_TERMS).isdisjoint(_terms(fact))


def _of_somebody_else(asked: _Question, fact: Fact) -> bool:
    """Whether the fact is told of a person whom the question does not mean.

    A word of the value makes up for that: "Do I know somebody in Hull?" finds who lives there.
    """
    if fact.key not in _PERSONAL:
        return False
    if fact.subject.casefold() == OWNER:
        strange = asked.others
    else:
        meant = (asked.terms | asked.people | asked.alias_terms) & _name_terms(fact.subject)
        strange = not meant and (asked.owner or asked.others or asked.words.isdisjoint(_ANYBODY))
    return strange and asked.terms.isdisjoint(query_terms(fact.value))


@lru_cache(maxsize=4096)
def _name_terms(subject: str) -> frozenset[str]:
    return frozenset(query_terms(subject))


@lru_cache(maxsize=256)
def _stem(word: str) -> str:
    return next(iter(query_terms(word)), word)


_WEAK_TERMS = frozenset(query_terms("when old"))


@lru_cache(maxsize=16_384)
def _families_of(key: str) -> tuple[int, ...]:
    """The families that a key belongs to, by their number."""
    return tuple(
        number
        for number, (patterns, _) in enumerate(_FAMILIES)
        if any(_is_key(pattern, key) for pattern in patterns.split())
    )


def _families_asked(words: frozenset[str]) -> frozenset[int]:
    return frozenset(
        number
        for number, (_, triggers) in enumerate(_FAMILIES)
        if any(words.issuperset(trigger.split("+")) for trigger in triggers.split())
    )


def _is_key(pattern: str, key: str) -> bool:
    if pattern.endswith("_"):
        return key.startswith(pattern)
    return key.endswith(pattern) if pattern.startswith("_") else key == pattern


def _only_asked_secrets(asked: _Question, scored: list[tuple[Fact, float]]) -> list[tuple[Fact, float]]:
    """Leave out the secrets of other things or kinds when the question names a thing or a kind."""
    if not asked.secret:
        return scored
    secrets = [fact for fact, _ in scored if fact.category == "secret"]
    if shared := [fact for fact in secrets if asked.terms & _purpose(fact)]:
        most = max(len(asked.terms & _purpose(fact)) for fact in shared)
        secrets = [fact for fact in shared if len(asked.terms & _purpose(fact)) == most]
    kinds = {kind for word in asked.words for kind in _KINDS_OF_SECRET.get(word.removesuffix("s"), ())}
    secrets = [fact for fact in secrets if kinds & _kind_words(fact)] or secrets
    kept = {fact.fact_id for fact in secrets}
    return [(fact, score) for fact, score in scored if fact.category != "secret" or fact.fact_id in kept]


def _kind_words(fact: Fact) -> frozenset[str]:
    parts = secret_parts(fact.key)
    return frozenset(parts[0].split("_") if parts else fact.key.split("_"))


def _purpose(fact: Fact) -> frozenset[str]:
    """The terms for what a secret opens: "weather" of an API key, "alarm" of an alarm code."""
    parts = secret_parts(fact.key)
    if parts is None:
        return frozenset()
    words = parts[1] | (_kind_words(fact) - _KINDS_OF_SECRET.keys() - {"api"})
    return frozenset(query_terms(" ".join(sorted(words))))
