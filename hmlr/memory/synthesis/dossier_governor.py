"""The dossier governor: which dossier a group of facts joins, and when dossiers merge or split.

Identity comes first: a group goes where its names are. Without a name every fact votes, and the specific
outvotes the vague (core/tasks/fact_routing). Merging and splitting follow names that facts join or part, by
rule and never by a model: no answer can empty a dossier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_grouping.offline import grouped
from hmlr.core.tasks.fact_routing.task import FACT_ROUTING, FactRoute, FactRoutingInput
from hmlr.core.tasks.identity import bare_version, folded, proper
from hmlr.core.tasks.literal_restatement.task import RestatementInput, offline
from hmlr.core.tasks.offered import OfferedFact
from hmlr.core.tasks.summary_update.offline import in_event_order
from hmlr.core.tasks.themes import matter
from hmlr.core.tasks.titles import literal_title, title_of
from hmlr.memory.facts.aliases import joins_names
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.homes import home_of
from hmlr.memory.synthesis.moving import merge, split
from hmlr.memory.synthesis.people import strangers
from hmlr.memory.synthesis.shelf import OpenDossier, Shelf, new_dossier_id, own_offers
from hmlr.memory.synthesis.work import Work
from hmlr.records import DossierId, FactId
from hmlr.store.garden_records import Place


class DossierGovernor:
    """Keeps the dossiers of a shelf."""

    def __init__(self, runner: TaskRunner, vectors: DossierVectors, texts: DossierTexts) -> None:
        self._runner = runner
        self._vectors = vectors
        self._texts = texts

    async def settle(self, shelf: Shelf, group: Sequence[FactId], theme: str, work: Work) -> None:
        """Give the facts of a group their place; merge what they join.

        All in one dossier, unless they are about several persons: each has one of his own.
        """
        parts = shelf.people.apart([shelf.offered(fact_id) for fact_id in group])
        for part in parts:
            await self._settle(shelf, part, theme if len(parts) == 1 else "", work)

    async def _settle(self, shelf: Shelf, offered: Sequence[OfferedFact], theme: str, work: Work) -> None:
        route, by = await self._route(shelf, offered, theme, work)
        if route.dossier_id is not None:
            dossier = shelf.dossiers[route.dossier_id]
            work.line("append", dossier.title, dossier.dossier_id, _statements(offered))
        else:
            dossier = shelf.open(shelf.arranged.heir(_opens(offered, work)))
            if not dossier.facts and not dossier.version:
                own = shelf.arranged.titles.get(dossier.dossier_id)
                dossier.title = own or home_of(offered) or literal_title(route.title, own_offers(offered))
                work.line("create", dossier.title, dossier.dossier_id, _statements(offered))
                work.log("created", dossier.dossier_id, by=by)
            else:
                work.line("append", dossier.title, dossier.dossier_id, _statements(offered))
        for each in offered:
            self._put(shelf, dossier, each, work)
            work.log("appended", dossier.dossier_id, by=by, fact_id=each.fact.fact_id)
        if not dossier.search_summary:  # the next group may belong to it: it has to be found
            await self._texts.name(shelf, dossier)
        self._merge(shelf, offered, work)

    async def put_back(self, shelf: Shelf, dossier_id: DossierId, ids: Sequence[FactId], work: Work) -> None:
        """Give facts the place that the user has chosen for them; a rebuild has taken it."""
        offered = [shelf.offered(fact_id) for fact_id in ids]
        dossier = shelf.open(dossier_id)
        new = not dossier.facts and not dossier.version
        if new:
            own = shelf.arranged.titles.get(dossier_id)
            dossier.title = own or home_of(offered) or title_of(own_offers(offered))
            work.log("created", dossier_id, by="user")
        work.line("create" if new else "append", dossier.title, dossier_id, _statements(offered))
        for each in offered:
            self._put(shelf, dossier, each, work)
            work.log("appended", dossier_id, by="user", fact_id=each.fact.fact_id)
        if not dossier.search_summary:
            await self._texts.name(shelf, dossier)

    async def _route(
        self, shelf: Shelf, group: Sequence[OfferedFact], theme: str, work: Work
    ) -> tuple[FactRoute, str]:
        rows = await self._vectors.rows([matter(each) for each in group])
        dossiers = await asyncio.to_thread(shelf.candidates, group, rows)
        if not dossiers:
            return FactRoute(action="create", title=theme or title_of(group)), "rule"
        given = FactRoutingInput(facts=tuple(group), dossiers=tuple(dossiers), theme=theme)
        answer = await self._runner.run(FACT_ROUTING, given, patient=True)
        work.count(answer)
        return answer.value, answer.by

    @staticmethod
    def _put(shelf: Shelf, dossier: OpenDossier, offered: OfferedFact, work: Work) -> None:
        fact = offered.fact
        statement = offline(RestatementInput(offered=offered)).text
        shelf.place(Place(fact_id=fact.fact_id, dossier_id=dossier.dossier_id, statement=statement, told=""))
        work.moved[fact.fact_id] = None
        work.touch(dossier.dossier_id, fact.fact_id)

    # Merge and split

    def _merge(self, shelf: Shelf, group: Sequence[OfferedFact], work: Work) -> None:
        """Bring dossiers together whose names an alias of the group says to mean the same.

        With them those that have only a number for a name, and speak of the thing: they were gardened before
        it was known by that name. Of those that the user has arranged himself each stays.
        """
        kept = shelf.arranged.kept()
        for offered in group:
            if offered.fact.state != "active" or not joins_names(offered.fact):
                continue
            names = [name for name in offered.names if not bare_version(name)]
            found = (*shelf.bearing(set(map(folded, names))), *shelf.speaking_of(names))
            same = {each.dossier_id: each for each in found}
            if len(same) < 2:
                continue
            keeps = max(
                same.values(),
                key=lambda each: (
                    each.dossier_id in kept,
                    len(each.facts),
                    each.version > 0,
                    each.dossier_id,
                ),
            )
            for other in same.values():
                apart = strangers(shelf.about(other).parties, shelf.about(keeps).parties)
                if other is not keeps and other.dossier_id not in kept and not apart:
                    merge(shelf, other, keeps, work, by="rule")

    def split(self, shelf: Shelf, dossier: OpenDossier, work: Work) -> None:
        """Part a dossier whose facts were held together by an alias that was never true.

        What the user has put there himself stays there.
        """
        offered = in_event_order(shelf.of(dossier))
        wrong = any(each.fact.state == "invalidated" and joins_names(each.fact) for each in offered)
        parts = [[offered[place] for place in part] for part in grouped(offered)] if wrong else []
        named = [part for part in parts if any(proper(name) for each in part for name in each.names)]
        for part in named[1:]:  # the first keeps the dossier, and what bears no name stays with it
            ids = [each.fact.fact_id for each in part]
            new_id = shelf.arranged.heir(new_dossier_id(ids[0]))
            if new_id == dossier.dossier_id or any(map(shelf.arranged.place_of, ids)):
                continue
            new = shelf.open(new_id)
            new.title = new.title or title_of(part)
            split(shelf, dossier, new, ids, work, by="rule")


def _statements(group: Sequence[OfferedFact]) -> tuple[str, ...]:
    return tuple(each.statement for each in group)


def _opens(group: Sequence[OfferedFact], work: Work) -> DossierId:
    """The id of the dossier that the group opens."""
    home = home_of(group)
    return new_dossier_id(f"{work.user}: {home}" if home else group[0].fact.fact_id)
