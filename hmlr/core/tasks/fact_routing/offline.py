"""Fact routing without a model: a shared name decides, else the votes do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hmlr.core.tasks.fact_routing.voting import MENTION, elected, shared_words, votes
from hmlr.core.tasks.identity import bare_version, identities_of_names, meets, proper
from hmlr.core.tasks.offered import OfferedDossier, OfferedFact
from hmlr.core.tasks.themes import NameFinder, matter
from hmlr.language.tokens import content_words
from hmlr.records import OWNER

# Words that come from the form of a statement and not from what was said; they make no theme.
TEMPLATE = content_words("date limit number called uses owns")

Facts = Sequence[OfferedFact]
Dossiers = Sequence[OfferedDossier]


def chosen(facts: Facts, dossiers: Dossiers) -> OfferedDossier | None:
    """The dossier that the group of facts joins; None when it opens one of its own."""
    if linked := _linked(facts, dossiers):
        return linked
    open_to = [dossier for dossier in dossiers if not _strangers(facts, dossier)]
    place = elected(_similarities(facts, open_to))
    return None if place is None else open_to[place]


def vote_shares(facts: Facts, dossiers: Dossiers) -> list[float]:
    """Each dossier's share of the votes, in the order offered; all 0 when no fact has a vote."""
    sums = votes(_similarities(facts, dossiers))
    total = sum(sums)
    return [value / total for value in sums] if total else [0.0] * len(dossiers)


def _linked(facts: Facts, dossiers: Dossiers) -> OfferedDossier | None:
    """The dossier that shares most names with the group.

    A name that several dossiers bear counts the less. None when two are even: the votes tell them apart.
    """
    own = {each for offered in facts for each in offered.identities}
    shared = [meets(own, _known(dossier)) for dossier in dossiers]
    bearers = Counter(each for common in shared for each in common)
    weights = [sum(1 / bearers[each] for each in sorted(common)) for common in shared]
    best = max(weights, default=0.0)
    if best == 0.0:
        return _of_series(facts, dossiers)
    return dossiers[weights.index(best)] if weights.count(best) == 1 else None


def _of_series(facts: Facts, dossiers: Dossiers) -> OfferedDossier | None:
    """The only dossier with numbered versions, for a policy that is one and nothing else: "This is v6"."""
    if not all(o.fact.category == "policy" and bare_version(o.fact.subject) for o in facts):
        return None
    versioned = [dossier for dossier in dossiers if any(map(bare_version, dossier.names))]
    return versioned[0] if len(versioned) == 1 else None


def _known(dossier: OfferedDossier) -> frozenset[str]:
    return dossier.identities or frozenset(identities_of_names(dossier.names))


def _strangers(facts: Facts, dossier: OfferedDossier) -> bool:
    """Whether group and dossier are about things that are not the same.

    Bob's address is as near to the dossier of Alice as her own (cosine 0.53), and so is the owner's, so
    nearness may not decide. Nor may it where only one of both has a name, unless the other mentions it.
    """
    own = {each for offered in facts for each in offered.identities}
    if meets(own, _known(dossier)):
        return False
    named = [name for offered in facts for name in offered.names if proper(name)]
    if not any(map(proper, dossier.names)):
        return bool(named) and not NameFinder(named).find(f"{dossier.title} {dossier.search_summary}")
    others = named or all(offered.fact.subject.casefold() == OWNER for offered in facts)
    return bool(others) and not _mentioning(facts, dossier)


def _mentioning(facts: Facts, dossier: OfferedDossier) -> set[int]:
    """Places of the facts that mention one of the dossier's names."""
    finder = NameFinder(name for name in dossier.names if not bare_version(name))
    return {
        place
        for place, o in enumerate(facts)
        if finder.find(f"{o.fact.subject} {o.statement} {o.fact.value}")
    }


def _similarities(facts: Facts, dossiers: Dossiers) -> list[list[float]]:
    """How near each fact is to each dossier: by vectors when every dossier has them, else by words."""
    mentions = [_mentioning(facts, dossier) for dossier in dossiers]
    if dossiers and all(len(dossier.similarities) == len(facts) for dossier in dossiers):
        near = [[dossier.similarities[place] for dossier in dossiers] for place in range(len(facts))]
    else:
        near = shared_words(
            [content_words(matter(offered)) - TEMPLATE for offered in facts],
            [content_words(f"{dossier.title} {dossier.search_summary}") for dossier in dossiers],
        )
    return [
        [value + MENTION * (place in mentions[number]) for number, value in enumerate(row)]
        for place, row in enumerate(near)
    ]
