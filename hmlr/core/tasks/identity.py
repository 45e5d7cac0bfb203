"""What a fact is about: the names of it, and what else makes one thing of several facts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE
from hmlr.language.literal import one_line
from hmlr.language.tokens import content_words
from hmlr.records import OWNER, Fact

RELATIVES = RELATIONS_ONE | RELATIONS_MANY | {"pet", "cat", "dog"}
MOST_NAME_WORDS = 4

_ALIAS_KEYS = frozenset({"also_called", "stands_for"})
_ARTICLE = re.compile(r"^(?:the|our|my|an?) ", re.IGNORECASE)
_IN_BRACKETS = re.compile(r" *\(.*\)")
_VERSION = re.compile(r"^(?:(?P<series>.*\S)\s)?(?:v|version |rev(?:ision)? )\d+(?:\.\d+)*$")


def folded(name: str) -> str:
    """A name without article, case, odd spaces and "project": what two ways of writing it share."""
    plain = _ARTICLE.sub("", one_line(name).casefold())
    return plain.removeprefix("project ") or plain


def names_of(fact: Fact, aliases: Iterable[str]) -> tuple[str, ...]:
    """The names of what the fact is about, as written; none for the owner and for pronouns."""
    names = [fact.subject, *aliases]
    if fact.state == "active" and joins_names(fact):
        names.append(fact.value)
    names += relative(fact)
    return tuple(name for name in map(one_line, names) if folded(name) != OWNER and content_words(name))


def relative(fact: Fact) -> list[str]:
    """Whom a fact gives a place near somebody: "your sister is Wilhelmina" is about Wilhelmina."""
    if fact.key not in RELATIVES or fact.state == "invalidated":
        return []
    name = _IN_BRACKETS.sub("", fact.value).strip()
    return [name] if proper(name) and len(name.split()) <= MOST_NAME_WORDS else []


# Kinds of identities beside names; the sign before them stands in no name.
IS, ASKS, NOW = "\x1fis ", "\x1fasks ", "\x1fnow "


def identities_of(fact: Fact, names: Iterable[str]) -> frozenset[str]:
    """What makes one thing of facts: names, the series of a policy, a role, what took a fact's place.

    A fact that gives somebody a role ("your sister is Wilhelmina") answers those that have only the role
    ("sister birthday"): it IS what they ASK for.
    """
    found = {*identities_of_names(names), f"{NOW}{fact.superseded_by or fact.fact_id}"}
    if fact.subject.casefold() == OWNER:
        role = fact.key.split("_")[0]
        if fact.key in RELATIVES and relative(fact):
            found.add(f"{IS}{fact.key}")
        elif role in RELATIVES and "_" in fact.key:
            found.add(f"{ASKS}{role}")
    return frozenset(found)


def answering(own: Iterable[str]) -> set[str]:
    """The identities by which others may meet these."""
    found = set(own)
    for each in tuple(found):
        if each.startswith(ASKS):
            found.add(IS + each.removeprefix(ASKS))
        elif each.startswith(IS):
            found.add(ASKS + each.removeprefix(IS))
    return found


def identities_of_names(names: Iterable[str]) -> set[str]:
    """The names that identify something, and the series of those that are versions of a policy.

    A bare "v6" is the sixth of anything.
    """
    known = [name for name in names if not bare_version(name)]
    return {folded(name) for name in known} | {series for name in known if (series := series_of(name))}


def meets(own: Set[str], known: Set[str]) -> set[str]:
    """What facts have in common with others, a role and who has it among them.

    Who has a role is not whoever else has it: a second sister is another person.
    """
    common = set(own & known)
    for each in own:
        if each.startswith(ASKS):
            common |= {IS + each.removeprefix(ASKS)} & known
        elif each.startswith(IS):
            common.discard(each)
            if each not in known:
                common |= {ASKS + each.removeprefix(IS)} & known
    return common


def joins_names(fact: Fact) -> bool:
    """Whether the fact gives a thing another name."""
    return fact.category in {"alias", "acronym"} or fact.key in _ALIAS_KEYS


def series_of(name: str) -> str | None:
    """What numbered versions of one thing have in common ("policy v6", "policy v7"); None for others."""
    found = _VERSION.match(folded(name))
    return f"{found['series'] or ''} v" if found else None


def bare_version(name: str) -> bool:
    """Whether a name is only a number of a version: many things have a "v6"."""
    return series_of(name) == " v"


def proper(name: str) -> bool:
    """Whether it is written like a proper name or a code, so that its mention in a text means it."""
    return len(name) > 1 and any(c.isupper() or c.isdigit() for c in name)
