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
from hmlr.core.tasks.literal_restatement.task import RestatementInput, offline
from hmlr.core.tasks.offered import OfferedFact
from hmlr.core.tasks.summary_update.offline import in_event_order
from hmlr.core.tasks.themes import bare_version, folded, literal_title, names_of, proper, title_of
from hmlr.memory.facts.aliases import joins_names
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.homes import home_of
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
        """Give the facts of a group their place, all in one dossier; merge what they join."""
        offered = [shelf.offered(fact_id) for fact_id in group]
        route, by = await self._route(shelf, offered, theme, work)
        if route.dossier_id is not None:
            dossier = shelf.dossiers[route.dossier_id]
            work.line("append", dossier.title, dossier.dossier_id, _statements(offered))
        else:
            dossier = shelf.open(_opens(offered, work))
            if not dossier.facts and not dossier.version:
                dossier.title = home_of(offered) or literal_title(route.title, own_offers(offered))
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

    async def _route(
        self, shelf: Shelf, group: Sequence[OfferedFact], theme: str, work: Work
    ) -> tuple[FactRoute, str]:
        rows = await self._vectors.rows([each.statement for each in group])
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
        it was known by that name.
        """
        for offered in group:
            if offered.fact.state != "active" or not joins_names(offered.fact):
                continue
            names = [name for name in names_of(offered) if not bare_version(name)]
            same = [*shelf.bearing(set(map(folded, names))), *shelf.speaking_of(names)]
            if len(same) < 2:
                continue
            keeps = max(same, key=lambda each: (len(each.facts), each.version > 0, each.dossier_id))
            for other in same:
                if other is not keeps:
                    self._move(shelf, other, keeps, list(other.facts), work)
                    work.line("merge", f"{other.title} → {keeps.title}", keeps.dossier_id)
                    work.log("merged", other.dossier_id, by="rule", other=keeps.dossier_id)
                    self._close(shelf, other, work)

    def split(self, shelf: Shelf, dossier: OpenDossier, work: Work) -> None:
        """Part a dossier whose facts were held together by an alias that was never true."""
        offered = in_event_order(shelf.of(dossier))
        wrong = any(each.fact.state == "invalidated" and joins_names(each.fact) for each in offered)
        parts = [[offered[place] for place in part] for part in grouped(offered)] if wrong else []
        named = [part for part in parts if any(proper(name) for each in part for name in names_of(each))]
        for part in named[1:]:  # the first keeps the dossier, and what bears no name stays with it
            ids = [each.fact.fact_id for each in part]
            new = shelf.open(new_dossier_id(ids[0]))
            if new is dossier:
                continue
            new.title = new.title or title_of(part)
            self._move(shelf, dossier, new, ids, work)
            work.line("split", f"{dossier.title} → {new.title}", new.dossier_id)
            work.log("split", new.dossier_id, by="rule", other=dossier.dossier_id)

    @staticmethod
    def _move(
        shelf: Shelf, source: OpenDossier, target: OpenDossier, ids: Sequence[FactId], work: Work
    ) -> None:
        for fact_id in ids:
            old = source.facts[fact_id]
            shelf.place(
                Place(fact_id=fact_id, dossier_id=target.dossier_id, statement=old.statement, told="")
            )
            work.moved[fact_id] = None
            work.log("appended", target.dossier_id, by="rule", fact_id=fact_id, other=source.dossier_id)
        work.touch(target.dossier_id, *ids)
        work.touch(source.dossier_id)
        work.whole |= {source.dossier_id, target.dossier_id}

    @staticmethod
    def _close(shelf: Shelf, dossier: OpenDossier, work: Work) -> None:
        shelf.drop(dossier.dossier_id)
        work.touched.pop(dossier.dossier_id, None)
        if dossier.version:  # else it was never written
            work.dropped.append(dossier.dossier_id)


def _statements(group: Sequence[OfferedFact]) -> tuple[str, ...]:
    return tuple(each.statement for each in group)


def _opens(group: Sequence[OfferedFact], work: Work) -> DossierId:
    """The id of the dossier that the group opens."""
    home = home_of(group)
    return new_dossier_id(f"{work.user}: {home}" if home else group[0].fact.fact_id)
