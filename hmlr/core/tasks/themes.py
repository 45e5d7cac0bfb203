"""What a group of facts is about: the names in it, its telling words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Set

from hmlr.core.tasks.fact_scrubbing.rules.nouns import RELATIONS_MANY, RELATIONS_ONE
from hmlr.core.tasks.offered import OfferedFact, one_line
from hmlr.language.literal import written_words
from hmlr.language.tokens import content_words, terms
from hmlr.records import OWNER, Fact

RELATIVES = RELATIONS_ONE | RELATIONS_MANY | {"pet", "cat", "dog"}
MOST_NAME_WORDS = 4

_ALIAS_KEYS = frozenset({"also_called", "stands_for"})
_ARTICLE = re.compile(r"^(?:the|our|my|an?) ", re.IGNORECASE)
_IN_BRACKETS = re.compile(r" *\(.*\)")
_NAME_WORD = re.compile(r"[^\W_]+(?:[.'&+][^\W_]+)*")
_JOINTS = str.maketrans("-_", "  ")  # "Vault-2" stands in "vault_2_password"
_VERSION = re.compile(r"^(?:(?P<series>.*\S)\s)?(?:v|version |rev(?:ision)? )\d+(?:\.\d+)*$")


def folded(name: str) -> str:
    """A name without article, case, odd spaces and "project": what two ways of writing it share."""
    plain = _ARTICLE.sub("", one_line(name).casefold())
    return plain.removeprefix("project ") or plain


def names_of(offered: OfferedFact) -> list[str]:
    """The names of what the fact is about, as written; none for the owner and for pronouns."""
    names = [offered.fact.subject, *offered.aliases]
    if offered.fact.state == "active" and joins_names(offered.fact):
        names.append(offered.fact.value)
    names += relative(offered.fact)
    return [name for name in map(one_line, names) if folded(name) != OWNER and content_words(name)]


def relative(fact: Fact) -> list[str]:
    """Whom a fact gives a place near somebody: "your sister is Wilhelmina" is about Wilhelmina."""
    if fact.key not in RELATIVES or fact.state == "invalidated":
        return []
    name = _IN_BRACKETS.sub("", fact.value).strip()
    return [name] if proper(name) and len(name.split()) <= MOST_NAME_WORDS else []


# Kinds of identities beside names; the sign before them stands in no name.
IS, ASKS, NOW = "\x1fis ", "\x1fasks ", "\x1fnow "


def identities(offered: OfferedFact) -> set[str]:
    """What makes one thing of facts: names, the series of a policy, a role, what took a fact's place.

    A fact that gives somebody a role ("your sister is Wilhelmina") answers those that have only the role
    ("sister birthday"): it IS what they ASK for.
    """
    fact = offered.fact
    found = {*identities_of_names(names_of(offered)), f"{NOW}{fact.superseded_by or fact.fact_id}"}
    if fact.subject.casefold() == OWNER:
        role = fact.key.split("_")[0]
        if fact.key in RELATIVES and relative(fact):
            found.add(f"{IS}{fact.key}")
        elif role in RELATIVES and "_" in fact.key:
            found.add(f"{ASKS}{role}")
    return found


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


class NameFinder:
    """Finds proper names in texts, as whole words and ignoring case."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = {tuple(_name_words(name)): folded(name) for name in names if proper(name)}
        self._names.pop((), None)
        self._longest = max(map(len, self._names), default=0)

    def find(self, text: str) -> set[str]:
        """The folded names that stand in the text."""
        found, said = set(), _name_words(text)
        for start in range(len(said)):
            for size in range(1, min(self._longest, len(said) - start) + 1):
                if name := self._names.get(tuple(said[start : start + size])):
                    found.add(name)
        return found


def named_in(offered: OfferedFact, finder: NameFinder) -> set[str]:
    """The folded names of what the fact is about and of what it mentions; a wrong alias mentions nothing."""
    fact = offered.fact
    said = fact.subject if joins_names(fact) else f"{fact.subject} {fact.key.replace('_', ' ')} {fact.value}"
    return {*map(folded, names_of(offered)), *finder.find(said)}


def _name_words(text: str) -> list[str]:
    return [word.removesuffix("'s") for word in _NAME_WORD.findall(folded(text).translate(_JOINTS))]


def telling_words(texts: Iterable[str]) -> list[str]:
    """The content words of the texts as written, one per stem: those of most texts first, then names.

    A single Latin letter tells nothing.
    """
    count: Counter[tuple[str, ...]] = Counter()
    written: dict[tuple[str, ...], str] = {}
    for text in texts:
        said = {
            tuple(terms(word)): word
            for word in written_words(text)
            if content_words(word) and (len(word) > 1 or not word.isascii())
        }
        count.update(said.keys())
        written = {**said, **written}
    return sorted(written.values(), key=lambda w: (-count[tuple(terms(w))], not proper(w), -len(w), w))


_ISO_DAY = re.compile(r",? ?\b\d{4}-\d\d-\d\d\b")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_SPOKEN_DAY = re.compile(rf"\b\d{{1,2}} (?:{_MONTH})(?: \d{{4}})?\b|\b(?:{_MONTH}) \d{{1,2}}(?:, \d{{4}})?\b")


def matter(offered: OfferedFact) -> str:
    """The statement without its days: that two things fall on days makes them no theme."""
    plain = _SPOKEN_DAY.sub(" ", _ISO_DAY.sub(" ", offered.statement))
    return plain.replace(" date:", ":").strip(" :") or offered.statement
