"""Whose facts these are: those of a person stay apart from the owner's and from another person's. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from hmlr.core.tasks.fact_grouping.offline import grouped
from hmlr.core.tasks.fact_scrubbing.rules.nouns import word_set
from hmlr.core.tasks.identity import ASKS, NOW, RELATIVES, answering, folded, meets, relative
from hmlr.core.tasks.offered import OfferedFact
from hmlr.records import OWNER, Fact

# Only of a person (or an animal) does one say these.
_PERSONAL = RELATIVES | word_set(
    """
    lives_in comes_from born_in hometown nationality age birthday birth_year job employer studies studies_at
    speaks native_language marital_status married_to religion diet dietary_rule does_not_eat does_not_drink
    eats drinks allergy condition medication likes dislikes prefers fears pronouns
    """
)
_NOBODY = frozenset({"user", "assistant", "system", "tool"})

Party = frozenset[str]  # the identities of one person, with OWNER among them for the owner


class People:
    """Who of those that facts speak of is a person."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._names = {folded(name) for fact in facts for name in _persons(fact)}

    def party(self, offered: OfferedFact) -> Party:
        """The person a fact is about; empty for a thing.

        "Your sister is Klara" and "your sister's birthday" are about her. Who corrects a name means the same
        person; who has a new doctor, another.
        """
        fact = offered.fact
        gave_way = fact.state == "superseded"
        known = frozenset(each for each in offered.identities if not (gave_way and each.startswith(NOW)))
        if fact.subject.casefold() != OWNER:
            return known if not known.isdisjoint(self._names) else frozenset()
        wrong_name = fact.key in RELATIVES and fact.state == "invalidated" and fact.superseded_by
        of_another = wrong_name or relative(fact) or any(each.startswith(ASKS) for each in known)
        return known if of_another else known | {OWNER}

    def parties(self, facts: Iterable[OfferedFact]) -> frozenset[Party]:
        """The persons that facts are about, each as often as there are ways to call one."""
        return frozenset(party for party in map(self.party, facts) if party)

    def apart(self, group: Sequence[OfferedFact]) -> list[list[OfferedFact]]:
        """The group, parted when it is about more than one person: things stay with the owner, if at all."""
        persons = _persons_of(self.parties(group))
        if len(persons) < 2:
            return [list(group)]
        parts: list[list[OfferedFact]] = [[] for _ in persons]
        rest = []
        for offered in group:
            party = self.party(offered)
            if not party or OWNER in party:
                rest.append(offered)
            else:
                place = next(n for n, person in enumerate(persons) if party <= person)
                parts[place].append(offered)
        return [*filter(None, parts), *([rest[place] for place in part] for part in grouped(rest))]


def strangers(group: Collection[Party], dossier: Collection[Party]) -> bool:
    """Whether what a group is about is somebody, and a dossier is about somebody else.

    A dossier that is about nobody takes what the owner says; what is said of another person it takes not.
    """
    if not group:
        return False
    if not dossier:
        return not any(OWNER in party for party in group)
    met = answering(each for party in group for each in party)
    if all(map(met.isdisjoint, dossier)):
        return True
    persons = _persons_of({*group, *dossier})
    return not any(
        any(one <= person for one in group) and any(other <= person for other in dossier)
        for person in persons
    )


def _persons(fact: Fact) -> list[str]:
    if fact.subject.casefold() == OWNER:
        return relative(fact)
    speaks = fact.subject == fact.said_by and fact.said_by not in _NOBODY
    return [fact.subject, *relative(fact)] if speaks or fact.key in _PERSONAL else []


def _persons_of(parties: Collection[Party]) -> list[set[str]]:
    """The parties brought together that are one person under several names.

    Whose "sister's birthday" it is can be said only when there is one sister.
    """
    persons: list[set[str]] = []
    for party in sorted(parties, key=lambda each: (any(map(_asks, each)), sorted(each))):
        same = [person for person in persons if meets(party, person)]
        if same and not (len(same) > 1 and all(map(_asks, party))):
            same[0].update(party, *same[1:])
            persons = [person for person in persons if person is same[0] or person not in same]
        else:
            persons.append(set(party))
    return persons


def _asks(identity: str) -> bool:
    return identity.startswith(ASKS)
