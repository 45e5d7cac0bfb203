"""Whom a question is about: words of which an answer must hold some, or it speaks of somebody else.

"What's my brother called?" is answered by no fact and no statement that names neither a brother nor his name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE
from hmlr.language.tokens import query_terms
from hmlr.memory.facts.keys import rival_keys
from hmlr.memory.facts.namesakes import Person, persons
from hmlr.records import OWNER, Fact

RELATIONS = RELATIONS_ONE | RELATIONS_MANY
_RELATION = "|".join(sorted(RELATIONS, key=lambda word: (-len(word), word)))
_MINE = re.compile(rf"\b(?:my|our) (?:[a-z]+ )?(?P<who>{_RELATION})(?:'?s)?\b")
# "Dmitri's wife", "my sister's husband", "the wife of Dmitri": somebody's somebody.
_THEIRS = re.compile(
    rf"\b(?P<whose>[\w-]+)'s (?:[a-z]+ )?(?P<who>{_RELATION})\b|"
    rf"\b(?:the |a )?(?P<who2>{_RELATION}) of (?P<whose2>(?!my\b|our\b|the\b|mine\b)[\w-]+)\b",
    re.IGNORECASE,
)
_POSSESSIVE = re.compile(
    r"(?<![\w-])(?P<name>(?!(?:[Ww](?:hat|ho|here|hen|hy)|[Hh]ow|[Tt]hat|[Ii]t|[Tt]here|[Hh]ere|[Ll]et|"
    r"[Hh]e|[Ss]he|"
    r"[Tt]oday|[Yy]esterday|[Tt]omorrow|everyone|everybody|somebody|someone)')[\w-]+)'s (?!(?:the|a|an|my|"
    r"it|in|on|at)\b)"
)

Known = Callable[[str], Iterable[Fact]]  # a term -> the facts in which it stands


def relatives_asked(question: str) -> list[str]:
    """The owner's people whom a question names by what they are: "my sister's phone" is about a sister."""
    return [found["who"] for found in _MINE.finditer(question.lower().replace("’", "'"))]


def about(question: str, known: Known) -> tuple[frozenset[str], ...]:
    """Groups of terms; what answers the question holds one of each. Empty when it may be about anything."""
    text = question.replace("’", "'")
    groups = []
    if relatives := relatives_asked(text):
        groups.append(frozenset(term for who in relatives for term in _relative_terms(who, known)))
    for found in _THEIRS.finditer(text):
        who = (found["who"] or found["who2"]).lower()
        groups.append(frozenset(term for key in _keys(who) for term in query_terms(key.replace("_", " "))))
    whose = [found["whose"] or found["whose2"] for found in _THEIRS.finditer(text)]
    whose += [found["name"] for found in _POSSESSIVE.finditer(text)]
    named = (
        name
        for name in dict.fromkeys(whose)
        if name.lower() not in RELATIONS and (name[:1].isupper() or _is_person(name, known))
    )
    groups.extend(_named_terms(name, known) for name in named)
    return tuple(group for group in dict.fromkeys(groups) if group)


def speaks_of(groups: tuple[frozenset[str], ...], terms: frozenset[str]) -> bool:
    """Whether a text of these terms can answer a question that is about these groups."""
    return all(not group.isdisjoint(terms) for group in groups)


@lru_cache(maxsize=256)
def _keys(who: str) -> tuple[str, ...]:
    return rival_keys(who.replace("-", "_").replace("é", "e"))


def relative_names(who: str, known: Known) -> set[str]:
    """The names under which a person of the owner's is known, "wife" being also who was the girlfriend."""
    keys = _keys(who)
    facts = [fact for key in keys for term in query_terms(key.replace("_", " ")) for fact in known(term)]
    mine = [fact for fact in facts if fact.key in keys and fact.subject.casefold() == OWNER]
    exact = [fact for fact in mine if fact.key == keys[0]]
    return {fact.value for fact in exact or mine}


def namesakes(name: str, known: Known) -> list[Person]:
    """The persons who have a name."""
    terms = query_terms(name)
    return persons(name, {fact.fact_id: fact for term in terms for fact in known(term)}.values())


def _relative_terms(who: str, known: Known) -> set[str]:
    """What the owner calls a person; not a name that another one has too."""
    words = {term for key in _keys(who) for term in query_terms(key.replace("_", " "))}
    names = [name for name in relative_names(who, known) if len(namesakes(name, known)) < 2]
    return words | {term for name in names for term in query_terms(name)}


def _named_terms(name: str, known: Known) -> frozenset[str]:
    """The name, and what the owner calls its bearer: "Ola" is also the girlfriend."""
    terms = set(query_terms(name))
    for term in tuple(terms):
        for fact in known(term):
            is_name = fact.subject.casefold() == OWNER and term in query_terms(fact.value)
            if is_name and fact.key.replace("_", "-") in RELATIONS:
                terms.update(query_terms(fact.key.replace("_", " ")))
    return frozenset(terms)


def _is_person(name: str, known: Known) -> bool:
    term = next(iter(query_terms(name)), "")
    return any(
        term in query_terms(fact.subject)
        or (fact.key.replace("_", "-") in RELATIONS and term in query_terms(fact.value))
        for fact in known(term)
    )
