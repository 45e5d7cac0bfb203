"""All names of a thing, from any one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from hmlr.memory.facts.keys import plain_name
from hmlr.memory.facts.values import fold
from hmlr.records import Fact

_KEYS = frozenset({"also_called", "stands_for"})
_PROJECT = re.compile(r"^project\s+(?=\S)", re.IGNORECASE)  # texts leave it out
_WORD = re.compile(r"[^\W_]+(?:[-_.'&+][^\W_]+)*")
_MAX_NAMES = 64  # of one thing; more than that is a chain of wrong aliases, not a name


class AliasIndex:
    """Names joined by active alias and acronym facts; case, space and "project" before a name are ignored."""

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._parent: dict[str, str] = {}
        self._written: dict[str, str] = {}  # plain name -> as written first
        for fact in facts:
            if fact.state == "active" and joins_names(fact):
                self._join(fact.subject, fact.value)
        groups: dict[str, list[str]] = {}
        for name in self._parent:
            groups.setdefault(self._root(name), []).append(name)
        self._names = {
            name: frozenset(self._written[n] for n in group)
            for group in groups.values()
            if len(group) <= _MAX_NAMES
            for name in group
        }
        self._longest = max((len(_words(name)) for name in self._names), default=0)
        self._by_words = {tuple(_words(name)): name for name in self._names}

    def names_of(self, name: str) -> frozenset[str]:
        """Every name of the thing, this one included; only this one when it is unknown."""
        return self._names.get(plain_name(name)) or frozenset({name})

    def expand(self, text: str) -> list[str]:
        """The other names of every known name that stands in the text as whole words, sorted."""
        if not self._names:
            return []
        words = _words(fold(text))
        present: set[str] = set()
        others: set[str] = set()
        for start in range(len(words)):
            for size in range(1, min(self._longest, len(words) - start) + 1):
                if name := self._by_words.get(tuple(words[start : start + size])):
                    present.add(name)
                    others |= self._names[name]
        return sorted(name for name in others if plain_name(name) not in present)

    @staticmethod
    def mentions(names: Iterable[str]) -> Callable[[str], bool]:
        """Whether one of the names stands in a text as whole words."""
        wanted = [tuple(_words(fold(name))) for name in names]

        def named(text: str) -> bool:
            words = _words(fold(text))
            return any(
                tuple(words[start : start + len(name)]) == name
                for name in wanted
                for start in range(len(words) - len(name) + 1)
                if name
            )

        return named

    def _join(self, one: str, other: str) -> None:
        for name in (one, other):
            self._parent.setdefault(plain_name(name), plain_name(name))
            self._written.setdefault(plain_name(name), _PROJECT.sub("", name))
        self._parent[self._root(plain_name(one))] = self._root(plain_name(other))

    def _root(self, name: str) -> str:
        while self._parent[name] != name:
            self._parent[name] = self._parent[self._parent[name]]
            name = self._parent[name]
        return name


def joins_names(fact: Fact) -> bool:
    """Whether the fact says that two names mean the same."""
    return fact.category in {"alias", "acronym"} or fact.key in _KEYS


def _words(text: str) -> list[str]:
    return [word.removesuffix("'s") for word in _WORD.findall(text)]
