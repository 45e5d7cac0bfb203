"""What dossiers say, literally: summaries in the order of event time, and the text that is searched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.literal_restatement.task import LITERAL_RESTATEMENT, RestatementInput, offline
from hmlr.core.tasks.offered import OfferedFact, said_in
from hmlr.core.tasks.search_summary.task import SEARCH_SUMMARY, SearchSummaryInput
from hmlr.core.tasks.summary_update.offline import in_event_order
from hmlr.core.tasks.summary_update.task import SUMMARY_UPDATE, SummaryInput
from hmlr.core.tasks.titles import FIELD_WORDS, title_of
from hmlr.language.literal import new_words
from hmlr.language.tokens import content_words
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.homes import HOMES, home_of
from hmlr.memory.synthesis.shelf import OpenDossier, Shelf, own_offers
from hmlr.memory.synthesis.work import Work
from hmlr.memory.together import together
from hmlr.records import FactId
from hmlr.store.garden_records import Place, told_of
from hmlr.threads import unless_brief

BRIEF = 50  # facts are read in less than a millisecond
MOST_TOLD = 80  # facts in one prompt; a summary of more is the rule's


class DossierTexts:
    """Writes the texts of a shelf's dossiers, from facts of their own only."""

    def __init__(self, runner: TaskRunner, vectors: DossierVectors) -> None:
        self._runner = runner
        self._vectors = vectors

    async def tell(self, shelf: Shelf, work: Work) -> None:
        """Write the summaries of all dossiers that were touched."""
        told = [(shelf.dossiers[each], list(facts)) for each, facts in work.touched.items()]
        by = await together(self._tell(shelf, *each, work) for each in told)
        for (dossier, _), who in zip(told, by, strict=True):
            work.log("retold", dossier.dossier_id, by=who)

    async def _tell(self, shelf: Shelf, dossier: OpenDossier, fresh: Sequence[FactId], work: Work) -> str:
        """Write one dossier's texts; who wrote the summary."""
        await together(self._restate(shelf, dossier, each, work) for each in fresh)
        every = await unless_brief(len(dossier.facts) <= BRIEF, _in_order, shelf, dossier)
        before = [each for each in every if each.fact.fact_id not in set(fresh)]
        own = shelf.arranged.titles.get(dossier.dossier_id)
        title = own or home_of(every) or title_of(every)
        whole = dossier.dossier_id in work.whole
        if title != dossier.title and (own or self._outgrown(dossier, before, every, whole=whole)):
            dossier.title = title
        by = await self._sum_up(dossier, every, set(fresh), work)
        answer = await self._runner.run(SEARCH_SUMMARY, _searched(dossier, every), patient=True)
        work.count(answer)
        if answer.value.text != dossier.search_summary or dossier.vector is None:
            dossier.search_summary = answer.value.text
            dossier.vector = await self._vectors.one(dossier.search_summary)
        dossier.words = content_words(f"{dossier.title} {dossier.search_summary}")
        for each in every:
            self._mark_told(shelf, dossier, each, work)
        return by

    def _outgrown(
        self,
        dossier: OpenDossier,
        before: Sequence[OfferedFact],
        every: Sequence[OfferedFact],
        *,
        whole: bool,
    ) -> bool:
        """Whether a dossier needs another title: it has none, or its facts no longer say it.

        One that the rule has made of the facts so far is made anew of all; another stays.
        """
        if not dossier.title or (whole and not _says(every, dossier.title)):
            return True
        by_rule = dossier.title == title_of(before) if before else self._runner.model is None
        return by_rule and dossier.title not in HOMES.values()

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

    async def name(self, shelf: Shelf, dossier: OpenDossier) -> None:
        """Make a new dossier findable before it is told."""
        every = in_event_order(shelf.of(dossier))
        dossier.search_summary = SEARCH_SUMMARY.offline(_searched(dossier, every)).text
        dossier.words = content_words(f"{dossier.title} {dossier.search_summary}")
        dossier.vector = await self._vectors.one(dossier.search_summary)


def _says(facts: Sequence[OfferedFact], title: str) -> bool:
    """Whether a title says nothing beside the facts."""
    return title in HOMES.values() or not new_words(title, said_in(facts), also=FIELD_WORDS)


def _in_order(shelf: Shelf, dossier: OpenDossier) -> list[OfferedFact]:
    return in_event_order(shelf.of(dossier))


def _searched(dossier: OpenDossier, every: Sequence[OfferedFact]) -> SearchSummaryInput:
    subjects = dict.fromkeys(each.fact.subject for each in every)
    others = dict.fromkeys(name for each in every for name in each.names)
    return SearchSummaryInput(
        title=dossier.title, summary=dossier.summary, subjects=tuple(subjects), aliases=tuple(others)
    )
