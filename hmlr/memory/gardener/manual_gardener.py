"""The gardener: finished blocks of one user become tags, and their facts find their dossiers.

Each block is one step: what it changes is worked out on a shelf in memory, then written in one transaction
that also finishes the block's lease. So a killed run leaves whole blocks, and the next one goes on from
there. No lock is held while a model is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hmlr.core.tasks.base import TaskRunner
from hmlr.errors import (
    BudgetExceeded,
    ConfigurationError,
    Conflict,
    DayBudgetExceeded,
    HMLRError,
    LeaseLost,
    ModelError,
    TryLater,
)
from hmlr.garden_records import GardenDone, GardenLine, GardenRun
from hmlr.memory.cancelling import to_its_end
from hmlr.memory.embeddings.service import EmbeddingService
from hmlr.memory.foreground import Foreground
from hmlr.memory.gardener.bed import Bed
from hmlr.memory.gardener.beds import Beds
from hmlr.memory.gardener.block import BlockGardener
from hmlr.memory.gardener.jobs import FAILED_S, RETRY_S, BlockJobs
from hmlr.memory.gardener.manner import Manner
from hmlr.memory.gardener.pending import Unit
from hmlr.memory.gardener.reach import Reach, TooFar, changed_lately
from hmlr.memory.leasing import Leasing
from hmlr.memory.synthesis.dossier_governor import DossierGovernor
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.work import Work
from hmlr.records import RunId, Tag, Turn, UserId
from hmlr.store.garden_records import GardenStep
from hmlr.store.port import Store
from hmlr.store.records import Lease, TurnQuery

TRIES = 3  # of a block that a conversation changes meanwhile
IN_A_ROW = 2  # blocks at which the model fails: it is down, and the run ends


class Stop(Exception):
    """The run over this memory can't go on; one over another's neither when it `halts`."""

    def __init__(self, reason: Exception, *, halts: bool) -> None:
        super().__init__(str(reason))
        self.halts = halts


class Crashed(Exception):
    """The block was taken again and again by processes that ended before they were done with it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run over one user's memory came to."""

    done: GardenDone
    left: int  # blocks that are still to be gardened
    stopped: str  # why, if any are
    halts: bool  # it would be no better with another user's
    failed: bool  # the last block it tried, by the model: perhaps it is down


class Gardener:
    """Gardens one user's memory."""

    def __init__(
        self,
        store: Store,
        embedding: EmbeddingService,
        runner: TaskRunner,
        user: UserId,
        clock: Callable[[], datetime],
        *,
        leasing: Leasing,
        active: bool = False,
        large: bool = False,
        foreground: Foreground | None = None,
        manner: Manner | None = None,
    ) -> None:
        """With `active` the block talked about now is gardened too; with `large` any share of what was in
        order may change. Turns of `foreground` go first."""
        self._store = store
        self._vectors = DossierVectors(embedding)
        texts = DossierTexts(runner, self._vectors)
        self._block = BlockGardener(runner, DossierGovernor(runner, self._vectors, texts), texts)
        self._user = user
        self._clock = clock
        self._large = large
        self._foreground = foreground
        self._manner = manner or Manner()
        self._jobs = BlockJobs(store, user, clock, leasing, self._manner)
        self._beds = Beds(store, user, self._vectors, embedding.model_id, active=active)
        self._in_a_row = 0  # blocks that failed by the model, without a good one between
        self._trouble = ""  # why the last of them failed

    @property
    def degraded(self) -> tuple[str, ...]:
        """What did not take part in its work."""
        return (self._vectors.failure,) if self._vectors.failure else ()

    async def waiting(self) -> list[Unit]:
        """What is to be gardened, oldest first."""
        return await self._beds.waiting()

    async def fill_vectors(self) -> None:
        """Give dossiers their vectors that have none of the present model."""
        await self._beds.fresh()

    async def plan(self, run_id: RunId) -> list[GardenLine]:
        """What gardening would change, worked out block after block; nothing is written."""
        bed = await self._beds.fresh(store_vectors=False)
        lines: list[GardenLine] = []
        for unit in bed.units:
            work, _ = await self._work(bed, unit, run_id)
            lines += work.lines
        return lines

    async def run(self, run_id: RunId, progress: Callable[[], None]) -> Outcome:
        """Garden block after block; `progress` is called after each."""
        run = GardenRun(
            run_id=run_id,
            started_at=self._clock(),
            ended_at=None,
            undone_at=None,
            sealed=False,
            large=self._large,
            done=GardenDone(),
        )
        try:
            return await self._run(run, progress)
        except asyncio.CancelledError:
            await to_its_end(self._end_stored(run_id))
            raise

    async def _run(self, run: GardenRun, progress: Callable[[], None]) -> Outcome:
        stopped, halts = "", False
        reach: Reach | None = None
        try:
            while units := [unit for unit in await self.waiting() if unit.turn_id not in self._jobs.given_up]:
                await self._jobs.add(units)
                reach = reach or await self._reach(run)
                before = run.done.blocks, len(self._jobs.given_up)
                while (grown := await self._one_more(run, reach)) is not None:
                    run = grown
                    progress()
                if (run.done.blocks, len(self._jobs.given_up)) == before:  # another process has the rest
                    break
        except Stop as reason:
            stopped, halts = str(reason), reason.halts
        left = len(await self.waiting())
        if run.done != GardenDone():
            await self._end(run)
        if left and not stopped:
            elsewhere = "they changed meanwhile, or another process is gardening them; run it again"
            stopped = self._trouble or elsewhere
        return Outcome(done=run.done, left=left, stopped=stopped, halts=halts, failed=self._in_a_row > 0)

    async def retell(self) -> None:
        """Tell dossiers anew, by rule, that lost their texts when something was forgotten."""
        for _ in range(TRIES):
            if not (await self._store.garden_mark(self._user)).garden_version:
                return
            bed = await self._beds.fresh()
            behind = [each for unit in bed.units for each in unit.retell]
            unit = Unit(block=None, retell=[each for each in behind if bed.shelf.is_bare(each)])
            if not unit.retell:
                return
            step, _ = await self._made(bed, unit, None)
            try:
                await self._store.garden_step(self._user, step)
            except Conflict:
                continue
            return

    async def _one_more(self, run: GardenRun, reach: Reach | None) -> GardenRun | None:
        """Garden the next block; the run as it stands then, None when no block is left that may be had."""
        async with self._jobs.next() as lease:
            return await self._garden(lease, run, reach) if lease is not None else None

    async def _reach(self, run: GardenRun) -> Reach | None:
        """What the run may change of what there is; None: everything."""
        if self._large:
            return None
        view = await self._store.garden_view(self._user, None)
        tags = await self._store.tags(self._user, [each.block.block_id for each in view.blocks])
        runs = await self._store.garden_runs(self._user)
        return Reach(view, tags, before=changed_lately(runs, run.started_at))

    async def _garden(self, lease: Lease, run: GardenRun, reach: Reach | None) -> GardenRun:
        """Garden the block behind a lease; the run as it stands then."""
        if self._manner.gives_up(lease.attempts):
            await self._jobs.give_back(lease, Crashed(), None)
            return run
        if self._foreground is not None:
            await self._foreground.quiet()
        for attempt in range(TRIES):
            try:
                return await self._one(lease, run, reach)
            except LeaseLost:
                self._beds.drop()
                return run
            except Conflict as conflict:  # a conversation went on, or something was forgotten
                self._beds.drop()
                if attempt == TRIES - 1:
                    await self._jobs.give_back(lease, conflict, RETRY_S)
            except (TryLater, ConfigurationError) as error:
                self._beds.drop()
                await self._jobs.give_back(lease, error, self._jobs.wait_s(lease, error))
                self._go_on_after(error)
                return run
            except TooFar as excess:
                self._beds.drop()
                await self._jobs.give_back(lease, excess, 0.0 if self._manner.asked else FAILED_S)
                raise Stop(excess, halts=False) from excess
        return run

    def _go_on_after(self, error: HMLRError) -> None:
        """Raise Stop unless another block may fare better: the failure may lie in this one alone."""
        self._trouble = str(error)
        lone = isinstance(error, ModelError) and not isinstance(error, BudgetExceeded | ConfigurationError)
        self._in_a_row += lone
        if not lone or self._in_a_row >= IN_A_ROW:
            raise Stop(error, halts=not isinstance(error, DayBudgetExceeded)) from error

    async def _one(self, lease: Lease, run: GardenRun, reach: Reach | None) -> GardenRun:
        bed, unit = await self._beds.behind(lease)
        if unit is None:
            await self._store.apply(self._user, [], finish=[lease])
            return run
        step, grown = await self._made(bed, unit, run, reach)
        await self._store.garden_step(self._user, step, finish=[lease])
        bed.written(step, unit)
        self._in_a_row = 0
        return grown or run

    async def _made(
        self, bed: Bed, unit: Unit, run: GardenRun | None, reach: Reach | None = None
    ) -> tuple[GardenStep, GardenRun | None]:
        """The step that gardening a unit comes to, and the run as it stands after it. TooFar beyond reach."""
        work, tags = await self._work(bed, unit, run.run_id if run else RunId(""))
        step = bed.step(unit, work, tags, run)
        if run is None:
            return step, None
        done = run.done + work.done(tags=len(tags))
        if reach is not None:
            done = reach.grown(done, step)
        grown = replace(run, done=done)
        return replace(step, run=grown), grown

    async def _work(self, bed: Bed, unit: Unit, run_id: RunId) -> tuple[Work, list[Tag]]:
        turns: list[Turn] = []
        if unit.block_id is not None:
            turns = await self._store.turns(self._user, TurnQuery(block_id=unit.block_id))
        return await self._block.work(bed, unit, turns, run_id=run_id, now=self._clock())

    async def _end_stored(self, run_id: RunId) -> None:
        """End the run if it is stored: the step that was under way may have been its first."""
        for stored in await self._store.garden_runs(self._user):
            if stored.run_id == run_id and stored.ended_at is None:
                await self._end(stored)

    async def _end(self, run: GardenRun) -> None:
        """Mark the run as ended."""
        mark = await self._store.garden_mark(self._user)
        ended = replace(run, ended_at=self._clock())
        await self._store.garden_step(self._user, GardenStep(erasures=mark.erasures, run=ended))
