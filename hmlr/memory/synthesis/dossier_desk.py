"""The desk where a user arranges dossiers: rename, merge, split. Each edit is a run that can be undone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

import uuid_utils

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.titles import title_of
from hmlr.errors import Conflict, InvalidInput, NotFound
from hmlr.garden_records import DossierEdit, GardenDone, GardenRun
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.gardener.allowance import Allowance, AllowedRunner
from hmlr.memory.gardener.bed import Bed
from hmlr.memory.gardener.pending import Unit
from hmlr.memory.intake import check_label
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.homes import home_of
from hmlr.memory.synthesis.moving import merge, split
from hmlr.memory.synthesis.shelf import OpenDossier, new_dossier_id, own_offers
from hmlr.memory.synthesis.work import Work
from hmlr.records import DossierId, FactId, RunId, UserId
from hmlr.store.garden_records import MERGE_DOSSIER, PLACE_FACT, RENAME_DOSSIER
from hmlr.store.port import Store
from hmlr.store.records import AddEdit

BY = "user"
# A gardener may change dossiers between our reading and our writing; then we read again.
TRIES = 12
WAIT_S = 0.01


class DossierDesk:
    """Dossiers of one user, arranged by hand. Texts are told anew by rule: an edit costs no model calls.

    Every edit is logged, so that the gardener keeps to it, also after a rebuild.
    """

    def __init__(
        self, store: Store, embedding: EmbeddingService, user: UserId, clock: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._model_id = embedding.model_id
        self._texts = DossierTexts(AllowedRunner(TaskRunner(None), Allowance()), DossierVectors(embedding))
        self._user = user
        self._clock = clock
        self._editing = asyncio.Lock()

    async def rename(self, dossier_id: DossierId, title: str) -> DossierEdit:
        """Give a dossier a title of the user's own, which then stays."""
        check_label(title, what="the title")
        return await self._again(lambda: self._rename(dossier_id, title))

    async def _rename(self, dossier_id: DossierId, title: str) -> DossierEdit:
        sheet = await self._sheet()
        dossier = await sheet.dossier(dossier_id)
        sheet.name(dossier, title)
        return await self._write(sheet, dossier, GardenDone(renamed=1))

    async def merge(self, dossier_id: DossierId, into: DossierId) -> DossierEdit:
        """Move all facts of a dossier into another one; the emptied dossier goes, its id leads there."""
        return await self._again(lambda: self._merge(dossier_id, into))

    async def _merge(self, dossier_id: DossierId, into: DossierId) -> DossierEdit:
        sheet = await self._sheet()
        source, target = await sheet.dossier(dossier_id), await sheet.dossier(into)
        if source is target:
            raise InvalidInput("a dossier can't be merged into itself", hint="Name two dossiers")
        sheet.edit(MERGE_DOSSIER, source.dossier_id, into=target.dossier_id)
        merge(sheet.bed.shelf, source, target, sheet.work, by=BY)
        sheet.place(target)
        return await self._write(sheet, target, GardenDone(merged=1))

    async def split(
        self, dossier_id: DossierId, fact_ids: Sequence[FactId], title: str | None
    ) -> DossierEdit:
        """Move facts of a dossier into a new one, under a title of the user's own if there is one."""
        if not fact_ids:
            raise InvalidInput("no fact is named", hint="Name the facts that go into the new dossier")
        if title is not None:
            check_label(title, what="the title")
        wanted = list(dict.fromkeys(fact_ids))
        return await self._again(lambda: self._split(dossier_id, wanted, title))

    async def _split(
        self, dossier_id: DossierId, fact_ids: Sequence[FactId], title: str | None
    ) -> DossierEdit:
        sheet = await self._sheet()
        source = await sheet.dossier(dossier_id)
        sheet.require(source, fact_ids)
        shelf = sheet.bed.shelf
        new = shelf.open(new_dossier_id(sheet.work.run_id))
        part = own_offers([shelf.offered(fact_id) for fact_id in fact_ids])
        new.title = home_of(part) or title_of(part)
        if title is not None:
            sheet.name(new, title)
        sheet.work.log("created", new.dossier_id, by=BY)
        split(shelf, source, new, fact_ids, sheet.work, by=BY)
        sheet.place(source)
        sheet.place(new)
        return await self._write(sheet, new, GardenDone(split=1))

    async def _sheet(self) -> _Sheet:
        view = await self._store.garden_view(self._user, self._model_id)
        bed = await asyncio.to_thread(Bed, self._user, view, active=False)
        run_id = RunId(str(uuid_utils.uuid7()))
        work = Work(user=self._user, block_id=None, run_id=run_id, now=self._clock())
        return _Sheet(self._store, bed, work)

    async def _write(self, sheet: _Sheet, dossier: OpenDossier, done: GardenDone) -> DossierEdit:
        """Tell what was touched anew and write all of it in one step."""
        work = sheet.work
        await self._texts.tell(sheet.bed.shelf, work)
        run = GardenRun(
            run_id=work.run_id,
            started_at=work.now,
            ended_at=work.now,
            undone_at=None,
            sealed=False,
            done=replace(done, retold=len(work.touched)),
        )
        step = sheet.bed.step(Unit(block=None), work, (), run)
        step = replace(step, garden_version=sheet.bed.garden_version, edits=tuple(sheet.edits))
        await self._store.garden_step(self._user, step)
        file = await self._store.dossier(self._user, dossier.dossier_id)
        return DossierEdit(run_id=work.run_id, dossier=file.dossier)

    async def _again(self, work: Callable[[], Awaitable[DossierEdit]]) -> DossierEdit:
        """Do it, again when it met a conflict; Conflict when it always does."""
        async with self._editing:
            for attempt in range(1, TRIES):
                try:
                    return await work()
                except Conflict:
                    await asyncio.sleep(WAIT_S * attempt)
            return await work()


class _Sheet:
    """The dossiers as they were read, with one edit of them under way."""

    def __init__(self, store: Store, bed: Bed, work: Work) -> None:
        self._store = store
        self.bed = bed
        self.work = work
        self.edits: list[AddEdit] = []

    async def dossier(self, dossier_id: DossierId) -> OpenDossier:
        """The dossier of that id, or the one that it was merged into. NotFound."""
        held = self.bed.shelf.dossiers.get(dossier_id)
        if held is None:
            leads_to = (await self._store.dossier(self.work.user, dossier_id)).dossier.dossier_id
            held = self.bed.shelf.dossiers.get(leads_to)
        if held is None:
            raise Conflict(f"dossier {dossier_id} is being changed", hint="Try it again")
        return held

    def require(self, source: OpenDossier, fact_ids: Sequence[FactId]) -> None:
        """Refuse facts that are not in the dossier, and all that are in it."""
        shelf = self.bed.shelf
        for fact_id in fact_ids:
            if fact_id in source.facts:
                continue
            if fact_id not in shelf.facts:
                raise NotFound(f"there is no fact {fact_id!r}", hint="`dossiers DOSSIER` lists its facts")
            place = shelf.place_of.get(fact_id, "none")
            raise InvalidInput(f"fact {fact_id} is not in that dossier", hint=f"It has its place in: {place}")
        if len(fact_ids) == len(source.facts):
            raise InvalidInput(
                "these are all facts of the dossier", hint="Leave at least one, or rename the dossier"
            )

    def name(self, dossier: OpenDossier, title: str) -> None:
        """Give it a title of the user's own."""
        dossier.title = title
        self.bed.shelf.rename(dossier.dossier_id, title)
        self.work.touch(dossier.dossier_id)
        self.work.log("renamed", dossier.dossier_id, by=BY)
        self.edit(RENAME_DOSSIER, dossier.dossier_id, label=title)

    def place(self, dossier: OpenDossier) -> None:
        """Note that its facts are there by the user's will, each in an edit of its own."""
        for fact_id in dossier.facts:
            self.edit(PLACE_FACT, fact_id, dossier_id=dossier.dossier_id)

    def edit(self, kind: str, target: str, **payload: str) -> None:
        """Note an edit of the user's."""
        given = {**payload, "run_id": str(self.work.run_id)}
        self.edits.append(AddEdit(kind=kind, target=target, payload=given, recorded_at=self.work.now))
