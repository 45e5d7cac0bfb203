"""The shelf: a user's dossiers in memory, as gardening finds and changes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from hmlr.core.tasks.identity import answering, bare_version, folded
from hmlr.core.tasks.offered import OfferedDossier, OfferedFact
from hmlr.core.tasks.themes import NameFinder
from hmlr.language.tokens import content_words
from hmlr.memory.facts.aliases import AliasIndex
from hmlr.memory.facts.statement import state
from hmlr.memory.synthesis.arrangement import DossierArrangement
from hmlr.memory.synthesis.homes import HOMES, home_of
from hmlr.memory.synthesis.people import Party, People, strangers
from hmlr.records import OWNER, DossierId, Fact, FactId
from hmlr.store.garden_records import DossierVector, GardenView, Place, PutDossier, StoredDossier

_NO_PERSON = frozenset({"assistant", "system", "tool"})
NEAREST = 8  # dossiers that are offered for being near, beside those that share a name


@dataclass(frozen=True, kw_only=True)
class About:
    """What a dossier's facts are about."""

    names: tuple[str, ...]  # as written, each folded name once
    identities: frozenset[str]
    parties: frozenset[Party]  # the persons


@dataclass
class OpenDossier:
    """A dossier that is being worked on."""

    dossier_id: DossierId
    title: str = ""
    summary: str = ""
    search_summary: str = ""
    vector: DossierVector | None = None
    version: int = 0
    facts: dict[FactId, Place] = field(default_factory=dict)
    words: frozenset[str] = frozenset()  # of title and search summary

    def put(self) -> PutDossier:
        """It as it is to be written."""
        return PutDossier(
            dossier_id=self.dossier_id,
            title=self.title,
            summary=self.summary,
            search_summary=self.search_summary,
            vector=self.vector,
            version=self.version,
        )


class Shelf:
    """Dossiers with the facts in them, and the names that lead to them."""

    def __init__(self, view: GardenView) -> None:
        self.facts: dict[FactId, Fact] = {fact.fact_id: fact for fact in view.facts}
        self.aliases = AliasIndex(view.facts)
        self.people = People(view.facts)
        self.dossiers: dict[DossierId, OpenDossier] = {}
        self.place_of: dict[FactId, DossierId] = {}
        self.arranged = DossierArrangement.of(view.edits)
        self._bearers: dict[str, set[DossierId]] = {}  # identity -> dossiers with a fact of it
        self._offers: dict[FactId, OfferedFact] = {}
        self._about: dict[DossierId, About] = {}  # as far as asked, and until its facts change
        for stored in view.dossiers:
            self.dossiers[stored.dossier_id] = _opened(stored)
        for place in view.places:
            self.place(place)

    def offered(self, fact_id: FactId) -> OfferedFact:
        """A fact as tasks see it, with all other names that any fact gives its subject."""
        known = self._offers.get(fact_id)
        if known is None:
            known = self._offers[fact_id] = offer(self.facts[fact_id], self.aliases)
        return known

    def of(self, dossier: OpenDossier) -> list[OfferedFact]:
        """A dossier's facts as its texts may tell them: with names from facts of its own only.

        So nothing stands in a dossier that one of its facts has not said.
        """
        return own_offers([self.offered(fact_id) for fact_id in dossier.facts])

    def is_bare(self, fact_id: FactId) -> bool:
        """Whether the fact's dossier has no text."""
        return not self.dossiers[self.place_of[fact_id]].summary

    def place(self, place: Place) -> None:
        """Give a fact its place; it leaves the one it had."""
        before = self.place_of.get(place.fact_id)
        if before is not None and before != place.dossier_id:
            del self.dossiers[before].facts[place.fact_id]
            self._about.pop(before, None)
        self.place_of[place.fact_id] = place.dossier_id
        self.dossiers[place.dossier_id].facts[place.fact_id] = place
        self._about.pop(place.dossier_id, None)
        for name in self.offered(place.fact_id).identities:
            self._bearers.setdefault(name, set()).add(place.dossier_id)

    def open(self, dossier_id: DossierId) -> OpenDossier:
        """A new dossier, or the one of that id."""
        return self.dossiers.setdefault(dossier_id, OpenDossier(dossier_id=dossier_id))

    def rename(self, dossier_id: DossierId, title: str) -> None:
        """Keep to a title that the user has just given."""
        self.arranged = self.arranged.renamed(dossier_id, title)

    def drop(self, dossier_id: DossierId) -> None:
        """Take away a dossier that holds nothing any more."""
        del self.dossiers[dossier_id]

    def bearing(self, names: Iterable[str]) -> list[OpenDossier]:
        """The dossiers that hold a fact of one of the names (folded) or other identities, by id."""
        found = {each for name in names for each in self._bearers.get(name, ()) if each in self.dossiers}
        bearers = [self.dossiers[each] for each in sorted(found)]
        return [each for each in bearers if not self.about(each).identities.isdisjoint(names)]

    def speaking_of(self, names: Sequence[str]) -> list[OpenDossier]:
        """The dossiers whose facts have a number for a name ("v1") and mention one of the names, by id."""
        finder = NameFinder(names)

        def speaks(dossier: OpenDossier) -> bool:
            held = [self.facts[fact_id] for fact_id in dossier.facts]
            numbered = all(bare_version(fact.subject) for fact in held)
            return numbered and any(finder.find(fact.value) for fact in held)

        return [self.dossiers[each] for each in sorted(self.dossiers) if speaks(self.dossiers[each])]

    def about(self, dossier: OpenDossier) -> About:
        """What a dossier's facts are about."""
        known = self._about.get(dossier.dossier_id)
        if known is None:
            every = list(map(self.offered, dossier.facts))
            written = {folded(name): name for each in every for name in each.names}
            known = self._about[dossier.dossier_id] = About(
                names=tuple(written.values()),
                identities=frozenset().union(*(each.identities for each in every)),
                parties=self.people.parties(every),
            )
        return known

    def candidates(
        self, group: Sequence[OfferedFact], rows: NDArray[np.float32] | None
    ) -> list[OfferedDossier]:
        """The dossiers that a group may join, likeliest first: those of its names, then the nearest.

        What is about one person may join none that is about another.
        `rows` are the vectors of the group's statements, `(n, dim) float32, unit`; None: nearness by words.
        """
        wanted = answering(each for offered in group for each in offered.identities)
        persons = self.people.parties(group)

        def open_to(dossier: OpenDossier) -> bool:
            return not strangers(persons, self.about(dossier).parties)

        named = list(filter(open_to, self.bearing(wanted)))
        taken = {dossier.dossier_id for dossier in named}
        home = home_of(group)  # what is said of the owner and of nothing else is near to all that is
        told = [
            each
            for each in self.dossiers.values()
            if each.facts and each.search_summary and (each.title == home or each.title not in HOMES.values())
        ]
        with_rows = rows is not None and all(each.vector is not None for each in (*told, *named))
        near: dict[DossierId, tuple[float, ...]] = {}
        if with_rows and rows is not None and told:
            table = np.stack([each.vector.row for each in told if each.vector is not None])
            cosines = rows @ table.T
            near = {each.dossier_id: tuple(map(float, cosines[:, n])) for n, each in enumerate(told)}
        order = sorted(told, key=lambda each: (-self._nearness(each, group, near), each.dossier_id))
        rest = islice((each for each in order if each.dossier_id not in taken and open_to(each)), NEAREST)
        return [self._offer(each, near.get(each.dossier_id, ())) for each in (*named, *rest)]

    @staticmethod
    def _nearness(
        dossier: OpenDossier, group: Sequence[OfferedFact], near: dict[DossierId, tuple[float, ...]]
    ) -> float:
        if dossier.dossier_id in near:
            return max(near[dossier.dossier_id])
        return max(len(dossier.words & content_words(offered.statement)) for offered in group)

    def _offer(self, dossier: OpenDossier, similarities: tuple[float, ...]) -> OfferedDossier:
        about = self.about(dossier)
        return OfferedDossier(
            dossier_id=dossier.dossier_id,
            title=dossier.title,
            search_summary=dossier.search_summary,
            names=about.names,
            identities=about.identities,
            similarities=similarities,
        )


def own_offers(group: Sequence[OfferedFact]) -> list[OfferedFact]:
    """The facts with those other names only that they give each other."""
    own = AliasIndex(each.fact for each in group)
    return [offer(each.fact, own) for each in group]


def offer(fact: Fact, aliases: AliasIndex) -> OfferedFact:
    """A fact with its statement and the other names of its subject; the owner's stand for no thing."""
    statement = state(fact)
    if fact.said_by in _NO_PERSON:  # what nobody has vouched for carries that label wherever it is told
        statement = f"{statement} (said by {fact.said_by})"
    if fact.subject.casefold() == OWNER:
        return OfferedFact(fact=fact, statement=statement)
    others = sorted(name for name in aliases.names_of(fact.subject) if folded(name) != folded(fact.subject))
    return OfferedFact(fact=fact, statement=statement, aliases=tuple(others))


def new_dossier_id(opener: str) -> DossierId:
    """The id of the dossier that a fact, or the home of a user's facts, opens: the same whenever it does."""
    digest = sha256(f"dossier\x1f{opener}".encode()).hexdigest()[:32]
    return DossierId("-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:])))


def _opened(stored: StoredDossier) -> OpenDossier:
    return OpenDossier(
        dossier_id=stored.dossier_id,
        title=stored.title,
        summary=stored.summary,
        search_summary=stored.search_summary,
        vector=stored.vector,
        version=stored.version,
        words=content_words(f"{stored.title} {stored.search_summary}"),
    )
