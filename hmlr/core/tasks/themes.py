"""What a group of facts tells: the names it mentions, its telling words. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from hmlr.core.tasks.identity import folded, joins_names, proper
from hmlr.core.tasks.offered import OfferedFact
from hmlr.language.literal import written_words
from hmlr.language.tokens import content_words, terms

_NAME_WORD = re.compile(r"[^\W_]+(?:[.'&+][^\W_]+)*")
_JOINTS = str.maketrans("-_", "  ")  # "Vault-2" stands in "vault_2_password"


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
    return {*map(folded, offered.names), *finder.find(said)}


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
