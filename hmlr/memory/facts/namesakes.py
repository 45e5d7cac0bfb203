"""Persons of one name whom the owner calls by different roles: "my sister Ida" is not "my aunt Ida". Pure.

The first keeps the name; another one's facts have the name with the role for their subject, "Ida (aunt)".
What is said of a bare name that two persons have is of neither: its subject says so, "Ida (sister or aunt)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE, word_set
from hmlr.memory.facts.keys import rival_keys
from hmlr.memory.facts.values import fold
from hmlr.records import OWNER, Fact

RELATION_KEYS = frozenset(word.replace("-", "_").replace("é", "e") for word in RELATIONS_ONE | RELATIONS_MANY)
_ROLE = "|".join(sorted(RELATIONS_ONE | RELATIONS_MANY, key=lambda word: (-len(word), word)))
# Words by which the same person is called, beside those of one role.
_ONE_PERSON = tuple(
    map(
        word_set,
        (
            "partner wife husband spouse fiance fiancee girlfriend boyfriend",
            "grandmother grandma",
            "grandfather grandpa",
            "child kid baby son",
            "child kid baby daughter",
            "twin brother",
            "twin sister",
            "colleague coworker co_worker teammate",
            "neighbour neighbor",
            "doctor gp",
        ),
    )
)
_LABEL = re.compile(rf"^(?P<name>.+?) \((?P<roles>(?:{_ROLE})(?: or (?:{_ROLE}))*)\)$")
LOOKED_BACK = 500  # characters before a quote in which the role of a bare name is looked for
_OR = " or "


@dataclass
class Person:
    """Somebody of a name: the roles in which the owner speaks of him, and the subjects of his facts."""

    roles: list[str]  # as keys, first said first
    subjects: list[str] = field(default_factory=list)
    label: str = ""  # the subject of what is said of him next

    @property
    def all_subjects(self) -> tuple[str, ...]:
        """The subjects under which his facts stand, or will."""
        return (self.label, *self.subjects)

    def is_a(self, role: str) -> bool:
        """Whether the owner calls him so."""
        return _shares(self, (_key(role),))


def is_ambiguous(subject: str) -> bool:
    """Whether it stands for one of several persons of a name, nobody knows which."""
    return _OR in subject and _LABEL.match(subject) is not None


def bare(subject: str) -> str:
    """The name in a subject, without the role that tells it from another."""
    found = _LABEL.match(subject)
    return found["name"] if found else subject


def persons(name: str, facts: Iterable[Fact], new: tuple[Sequence[str], bool] | None = None) -> list[Person]:
    """Those of a name, the first known first; one at most unless different roles are told.

    `new` are roles in which the name is now said, and whether they are said of who has it already.
    """
    found: list[Person] = []
    wanted = fold(name)
    about = [fact for fact in facts if fact.state != "invalidated" and name_of(fact) == wanted]
    for fact in sorted(about, key=lambda each: (each.occurred_at, each.turn_id, each.start)):
        roles, by_name = _roles(fact, wanted)
        person = _person(found, roles, by_name=by_name)
        if person is not None and fact.subject.casefold() != OWNER and _OR not in fact.subject:
            person.subjects.append(fact.subject)
    if new is not None:
        _person(found, new[0], by_name=new[1])
    for person in found:
        person.label = next(iter(person.subjects), "")
    for person in found:
        taken = {fold(each.label) for each in found}
        person.label = person.label or (f"{name} ({_said(person)})" if wanted in taken else name)
    return found


class Namesakes:
    """Finds the person whom a new fact is told of, among those of the same name."""

    def __init__(self, known: Iterable[Fact]) -> None:
        self._facts: dict[str, list[Fact]] = {}
        self._called: set[str] = set()  # the names of which a role is told
        for fact in known:
            self.take(fact)

    def take(self, fact: Fact) -> None:
        """Know a fact for what follows."""
        if name := name_of(fact):
            self._facts.setdefault(name, []).append(fact)
            if _roles(fact, name)[0]:
                self._called.add(name)

    def addressed(self, fact: Fact, before: str) -> Fact:
        """The fact under the person whom it is told of; `before` is what its message says before it."""
        name = name_of(fact)
        if name not in self._called or fact.subject.casefold() == OWNER or name != fold(fact.subject):
            return fact
        known = self._facts[name]
        roles, by_name = _roles(fact, name)
        if not roles:  # "My aunt Ida called. She lives in Milan."
            named, called = _told(fold(before[-LOOKED_BACK:]), name)
            roles = [*called, *named][-1:]
        found = persons(fact.subject, known, (roles, by_name))
        if len(found) < 2:
            return fact
        meant = [person for person in found if _shares(person, roles)]
        if len(meant) == 1:
            return replace(fact, subject=meant[0].label)
        return replace(fact, subject=f"{fact.subject} ({_OR.join(map(_said, found))})")


def _person(found: list[Person], roles: Sequence[str], *, by_name: bool) -> Person | None:
    """The person of those found whom the roles mean, made when there is none; one of two roles is one."""
    same = [person for person in found if _shares(person, roles)]
    if not same and len(found) == 1 and (by_name or not roles or not found[0].roles):
        same = found[:1]
    if not same:
        if found and not roles:
            return None  # it may be any of them
        same = [Person(roles=[])]
        found += same
    first, *others = same
    for other in others:
        first.roles += other.roles
        first.subjects += other.subjects
        found.remove(other)
    first.roles += [role for role in roles if role not in first.roles]
    return first


def _shares(person: Person, roles: Iterable[str]) -> bool:
    return any(other in person.roles for role in roles for other in _alike(role))


@lru_cache(maxsize=256)
def _alike(role: str) -> frozenset[str]:
    """The roles by other words, or told less exactly."""
    groups = (group for group in _ONE_PERSON if role in group)
    return frozenset(rival_keys(role)).union(*groups)


def _said(person: Person) -> str:
    return person.roles[0].replace("_", "-") if person.roles else "another"


def name_of(fact: Fact) -> str | None:
    """The folded name of whom a fact tells, or to whom it gives a role of the owner's; None for no name."""
    if fact.subject.casefold() == OWNER:
        return fold(fact.value) if fact.key in RELATION_KEYS else None
    return fold(bare(fact.subject)) if fact.subject[:1].isupper() else None


def _roles(fact: Fact, name: str) -> tuple[list[str], bool]:
    """The roles in which a fact's words speak of a name, and whether they give them to who has it already."""
    before, after = _told(fold(fact.quote), name)
    roles = [*before, *after]
    if fact.subject.casefold() == OWNER and fact.key in RELATION_KEYS and fact.key not in roles:
        roles.append(fact.key)
    elif not roles and (label := _LABEL.match(fact.subject)) and _OR not in label["roles"]:
        roles.append(_key(label["roles"]))
    return roles, bool(after) and not before


# Compiled once, and not for each name: a text is looked at around the places of the name.
_MINE = r"\b(?:my|our) (?:[a-z]+ ){0,2}?"
_ANY_ROLE = re.compile(rf"\b(?:{_ROLE})\b")
_BEFORE = re.compile(
    rf"(?:{_MINE}|\ban? )({_ROLE}),?(?:(?: is| who is)? (?:called|named)|'s name is| is|:)? $"
)
_AFTER = re.compile(
    rf",? (?:is |was )?(?:also |both |now )*{_MINE}(?P<roles>(?:{_ROLE})\b"
    rf"(?:,? and (?:also )?(?:my )?(?:{_ROLE})\b)*)"
)
_LOOKED_AT = 100  # characters before a name


@lru_cache(maxsize=4096)
def _told(text: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Roles said before a name ("my aunt Ida", "my aunt is called Ida") and after it ("Ida is my aunt")."""
    before: list[str] = []
    after: list[str] = []
    if not _ANY_ROLE.search(text):
        return (), ()
    start = text.find(name)
    while start >= 0:
        end = start + len(name)
        if not (text[:start][-1:].isalnum() or text[end : end + 1].isalnum()):
            before += _BEFORE.findall(text[max(0, start - _LOOKED_AT) : start])
            if found := _AFTER.match(text, end):
                after += _ANY_ROLE.findall(found["roles"])
        start = text.find(name, end)
    return tuple(map(_key, before)), tuple(map(_key, after))


def _key(role: str) -> str:
    return role.replace("-", "_").replace("é", "e")
