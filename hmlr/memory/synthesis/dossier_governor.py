"""The dossier governor: which dossier a group of facts joins, when dossiers merge or split, what they say.

Identity comes first: a group goes where its names are. Without a name every fact votes, and the specific
outvotes the vague (core/tasks/fact_routing). Merging and splitting follow names that facts join or part, by
rule and never by a model: no answer can empty a dossier.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_grouping.offline import grouped
from hmlr.core.tasks.fact_routing.task import FACT_ROUTING, FactRoute, FactRoutingInput
from hmlr.core.tasks.literal_restatement.task import LITERAL_RESTATEMENT, RestatementInput, offline
from hmlr.core.tasks.offered import OfferedFact
from hmlr.core.tasks.search_summary.task import SEARCH_SUMMARY, SearchSummaryInput
from hmlr.core.tasks.summary_update.offline import in_event_order
from hmlr.core.tasks.summary_update.task import SUMMARY_UPDATE, SummaryInput
from hmlr.core.tasks.themes import bare_version, folded, literal_title, names_of, proper, title_of
from hmlr.errors import EmbedderError
from hmlr.language.tokens import content_words
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.facts.aliases import joins_names
from hmlr.memory.synthesis.shelf import OpenDossier, Shelf, new_dossier_id, own_offers
from hmlr.memory.synthesis.work import Work
from hmlr.records import OWNER, Category, DossierId, FactId
from hmlr.store.garden_records import VECTOR_TYPE, DossierVector, Place, told_of
from hmlr.threads import unless_brief

# What the owner says of himself and nothing else goes with has a home by its kind: a dossier for each such
# fact would be a list of facts and no file.
HOMES: dict[Category, str] = {
    "identity": "The user: identity",
    "preference": "The user: preferences",
    "constraint": "The user: constraints",
    "project": "The user: projects",
    "secret": "The user: credentials",
}
BRIEF = 50  # facts are read in less than a millisecond
MOST_TOLD = 80  # facts in one prompt; a summary of more is the rule's


class DossierGovernor:
    """Keeps the dossiers of a shelf."""

    def __init__(self, runner: TaskRunner, embedding: EmbeddingService) -> None:
        self._runner = runner
        self._embedding = embedding

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
                dossier.title = _home(offered) or literal_title(route.title, own_offers(offered))
                work.line("create", dossier.title, dossier.dossier_id, _statements(offered))
                work.log("created", dossier.dossier_id, by=by)
            else:
                work.line("append", dossier.title, dossier.dossier_id, _statements(offered))
        for each in offered:
            self._put(shelf, dossier, each, work)
            work.log("appended", dossier.dossier_id, by=by, fact_id=each.fact.fact_id)
        if not dossier.search_summary:  # the next group may belong to it: it has to be found
            await self._name(shelf, dossier)
        self._merge(shelf, offered, work)

    async def _route(
        self, shelf: Shelf, group: Sequence[OfferedFact], theme: str, work: Work
    ) -> tuple[FactRoute, str]:
        rows = await self._vectors([each.statement for each in group])
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

    # What dossiers say

    async def tell(self, shelf: Shelf, work: Work) -> None:
        """Write the summaries of all dossiers that were touched."""
        told = [(shelf.dossiers[each], list(facts)) for each, facts in work.touched.items()]
        by = await asyncio.gather(*(self._tell(shelf, *each, work) for each in told))
        for (dossier, _), who in zip(told, by, strict=True):
            work.log("retold", dossier.dossier_id, by=who)

    async def _tell(self, shelf: Shelf, dossier: OpenDossier, fresh: Sequence[FactId], work: Work) -> str:
        """Write one dossier's texts; who wrote the summary."""
        await asyncio.gather(*(self._restate(shelf, dossier, each, work) for each in fresh))
        every = await unless_brief(len(dossier.facts) <= BRIEF, _in_order, shelf, dossier)
        if not dossier.title:
            dossier.title = _home(every) or title_of(every)
        by = await self._sum_up(dossier, every, set(fresh), work)
        answer = await self._runner.run(SEARCH_SUMMARY, _searched(dossier, every), patient=True)
        work.count(answer)
        if answer.value.text != dossier.search_summary or dossier.vector is None:
            dossier.search_summary = answer.value.text
            dossier.vector = await self._vector(dossier.search_summary)
        dossier.words = content_words(f"{dossier.title} {dossier.search_summary}")
        for each in every:
            self._mark_told(shelf, dossier, each, work)
        return by

    async def _sum_up(
        self, dossier: OpenDossier, every: Sequence[OfferedFact], fresh: set[FactId], work: Work
    ) -> str:
        """Write the summary; by whom. A rule tells everything anew, a model what is new."""
        anew = self._runner.model is None or not dossier.summary or dossier.dossier_id in work.whole
        facts = [each for each in every if anew or each.fact.fact_id in fresh]
        given = SummaryInput(title=dossier.title, summary="" if anew else dossier.summary, facts=tuple(facts))
        if len(facts) > MOST_TOLD:
            dossier.summary = (await asyncio.to_thread(SUMMARY_UPDATE.offline, given)).text
            return "rule"
        answer = await self._runner.run(SUMMARY_UPDATE, given, patient=True)
        work.count(answer)
        dossier.summary = answer.value.text
        return answer.by

    async def _restate(self, shelf: Shelf, dossier: OpenDossier, fact_id: FactId, work: Work) -> None:
        """Ask a model for the fact in one sentence, when its quote says more than its statement."""
        place = dossier.facts.get(fact_id)
        if self._runner.model is None or place is None:
            return
        (offered,) = own_offers([shelf.offered(fact_id)])
        if content_words(offered.fact.quote) <= content_words(offered.statement):
            return
        answer = await self._runner.run(LITERAL_RESTATEMENT, RestatementInput(offered=offered), patient=True)
        work.count(answer)
        shelf.place(
            Place(fact_id=fact_id, dossier_id=place.dossier_id, statement=answer.value.text, told=place.told)
        )

    @staticmethod
    def _mark_told(shelf: Shelf, dossier: OpenDossier, offered: OfferedFact, work: Work) -> None:
        place, told = dossier.facts[offered.fact.fact_id], told_of(offered.fact)
        statement = place.statement or offline(RestatementInput(offered=offered)).text
        if (place.told, place.statement) != (told, statement) or place.fact_id in work.moved:
            shelf.place(
                Place(fact_id=place.fact_id, dossier_id=dossier.dossier_id, statement=statement, told=told)
            )
            work.moved[place.fact_id] = None

    async def _name(self, shelf: Shelf, dossier: OpenDossier) -> None:
        """Make a new dossier findable before it is told."""
        every = in_event_order(shelf.of(dossier))
        dossier.search_summary = SEARCH_SUMMARY.offline(_searched(dossier, every)).text
        dossier.words = content_words(f"{dossier.title} {dossier.search_summary}")
        dossier.vector = await self._vector(dossier.search_summary)

    # Vectors

    async def embed(self, shelf: Shelf) -> list[tuple[OpenDossier, DossierVector]]:
        """Give dossiers their vectors that have none of the present model; which ones got one."""
        bare = [each for each in shelf.dossiers.values() if each.vector is None and each.search_summary]
        rows = await self._vectors([each.search_summary for each in bare])
        model_id = self._embedding.model_id
        if rows is None or model_id is None:
            return []
        made = []
        for dossier, row in zip(bare, rows, strict=True):
            dossier.vector = DossierVector(model_id=model_id, row=row)
            made.append((dossier, dossier.vector))
        return made

    async def _vector(self, text: str) -> DossierVector | None:
        rows, model_id = await self._vectors([text]), self._embedding.model_id
        return None if rows is None or model_id is None else DossierVector(model_id=model_id, row=rows[0])

    async def _vectors(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """`(n, dim) float32, unit`; None when there are no vectors now: words decide then."""
        if not texts or not self._embedding.available:
            return None
        try:
            rows = await self._embedding.embed(texts)
        except EmbedderError:
            return None
        # As they are stored: who reads them back has to come to the same decisions.
        return rows.astype(VECTOR_TYPE).astype(np.float32)


def _in_order(shelf: Shelf, dossier: OpenDossier) -> list[OfferedFact]:
    return in_event_order(shelf.of(dossier))


def _statements(group: Sequence[OfferedFact]) -> tuple[str, ...]:
    return tuple(each.statement for each in group)


def _home(group: Sequence[OfferedFact]) -> str:
    """The title of the home of what the owner says of himself; empty for facts that have names."""
    kinds = {each.fact.category for each in group}
    own = all(
        each.fact.owner and each.fact.subject.casefold() == OWNER and not names_of(each) for each in group
    )
    return HOMES.get(kinds.pop(), "") if own and len(kinds) == 1 else ""


def _opens(group: Sequence[OfferedFact], work: Work) -> DossierId:
    """The id of the dossier that the group opens."""
    home = _home(group)
    return new_dossier_id(f"{work.user}: {home}" if home else group[0].fact.fact_id)


def _searched(dossier: OpenDossier, every: Sequence[OfferedFact]) -> SearchSummaryInput:
    subjects = dict.fromkeys(each.fact.subject for each in every)
    others = dict.fromkeys(name for each in every for name in names_of(each))
    return SearchSummaryInput(
        title=dossier.title, summary=dossier.summary, subjects=tuple(subjects), aliases=tuple(others)
    )
