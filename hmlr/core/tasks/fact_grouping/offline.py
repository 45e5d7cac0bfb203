"""Fact grouping without a model: one name is one thing, shared words are one theme."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from hmlr.core.tasks.fact_routing.offline import TEMPLATE
from hmlr.core.tasks.identity import ASKS, IS, folded, series_of
from hmlr.core.tasks.offered import OfferedFact
from hmlr.core.tasks.themes import NameFinder, named_in
from hmlr.language.tokens import content_words

# One shared word is chance ("the new office", "a new bike"), two are a theme more often than not.
SHARED_WORDS = 2
# A word that stands in more than this share of the facts tells none of them apart.
COMMON_SHARE = 0.5
_FEW = 4  # facts; among so few every word is in a large share of them


class _Joined:
    """Places that belong together, by way of anything they have in common."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))
        self._first: dict[Hashable, int] = {}

    def root(self, place: int) -> int:
        while self._parent[place] != place:
            self._parent[place] = self._parent[self._parent[place]]
            place = self._parent[place]
        return place

    def join(self, one: int, other: int) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        self._parent[high] = low

    def has(self, place: int, trait: Hashable) -> None:
        """Join the place with those that have the same trait."""
        self.join(self._first.setdefault(trait, place), place)

    def groups(self) -> list[list[int]]:
        """The places by group, groups and places in order."""
        groups: dict[int, list[int]] = defaultdict(list)
        for place in range(len(self._parent)):
            groups[self.root(place)].append(place)
        return list(groups.values())


def grouped(facts: Sequence[OfferedFact]) -> list[list[int]]:
    """A partition of the facts' places.

    First by identity: one name after closing over all aliases, a mention of such a name, one subject and
    key, the versions of one policy. What is then still alone joins those that share enough words with it.
    """
    joined = _Joined(len(facts))
    finder = NameFinder(name for offered in facts for name in offered.names)
    for place, offered in enumerate(facts):
        joined.has(place, ("key", folded(offered.fact.subject), offered.fact.key))
        for name in named_in(offered, finder):
            joined.has(place, ("name", name))
        if offered.fact.category == "policy" and (series := series_of(offered.fact.subject)):
            joined.has(place, ("series", series))
    _join_roles(facts, joined)
    _join_by_words(facts, joined)
    return joined.groups()


def _join_roles(facts: Sequence[OfferedFact], joined: _Joined) -> None:
    """Join what is asked of a role ("sister birthday") with who has it, when that is one."""
    having: dict[str, list[int]] = defaultdict(list)
    asking: dict[str, list[int]] = defaultdict(list)
    for place, offered in enumerate(facts):
        for each in offered.identities:
            if each.startswith(IS):
                having[each.removeprefix(IS)].append(place)
            elif each.startswith(ASKS):
                asking[each.removeprefix(ASKS)].append(place)
    for role, places in asking.items():
        who = {folded(facts[place].fact.value) for place in having[role]}
        for place in places if len(who) == 1 else ():
            joined.join(having[role][0], place)


def _join_by_words(facts: Sequence[OfferedFact], joined: _Joined) -> None:
    """Join every fact that is alone with the one it shares most words with, if these are enough."""
    said = [_words(offered) for offered in facts]
    count = Counter(word for words in said for word in words)
    most = max(_FEW - 1, int(len(facts) * COMMON_SHARE))
    telling = [{word for word in words if count[word] <= most} for words in said]
    places: dict[str, list[int]] = defaultdict(list)
    for place, words in enumerate(telling):
        for word in words:
            places[word].append(place)
    for (place,) in [group for group in joined.groups() if len(group) == 1]:
        shared = Counter(other for word in telling[place] for other in places[word] if other != place)
        nearest = min(shared, key=lambda other: (-shared[other], other), default=None)
        if nearest is not None and shared[nearest] >= SHARED_WORDS:
            joined.join(place, nearest)


def _words(offered: OfferedFact) -> frozenset[str]:
    """What the fact says, without the words that only say whose fact it is; bare numbers are chance."""
    fact = offered.fact
    said = content_words(f"{fact.key.replace('_', ' ')} {fact.value}") - TEMPLATE
    return frozenset(word for word in said if not word.replace("-", "").isdigit())
