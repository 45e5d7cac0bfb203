"""The gardener: finished blocks of one user become tags, and their facts find their dossiers.

Each block is one step: what it changes is worked out on a shelf in memory, then written in one transaction
that also finishes the block's lease. So a killed run leaves whole blocks, and the next one goes on from
there. No lock is held while a model is asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

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
from hmlr.memory.gardener.block import BlockGardener
from hmlr.memory.gardener.manner import Manner
from hmlr.memory.gardener.pending import Unit, pending
from hmlr.memory.gardener.reach import Reach, TooFar, changed_lately
from hmlr.memory.leasing import Leasing
from hmlr.memory.synthesis.dossier_governor import DossierGovernor
from hmlr.memory.synthesis.dossier_texts import DossierTexts
from hmlr.memory.synthesis.dossier_vectors import DossierVectors
from hmlr.memory.synthesis.work import Work
from hmlr.records import BlockId, RunId, Tag, Turn, TurnId, UserId
from hmlr.store.garden_records import GardenStep
from hmlr.store.port import Store
from hmlr.store.records import Lease, TurnQuery

POLL_S = 0.25  # how often a block is looked for that another process has
TRIES = 3  # of a block that a conversation changes meanwhile
RETRY_S = 60.0  # ... until it is tried again
FAILED_S = 3600.0  # until a block at which the model fails is tried again, unless somebody asks for it
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
        self._embedding = embedding
        self._vectors = DossierVectors(embedding)
        texts = DossierTexts(runner, self._vectors)
        self._block = BlockGardener(runner, DossierGovernor(runner, self._vectors, texts), texts)
        self._user = user
        self._clock = clock
        self._leasing = leasing
        self._active = active
        self._large = large
        self._foreground = foreground
        self._manner = manner or Manner()
        self._lease_s = self._manner.lease_s
        self._bed: Bed | None = None
        self._given_up: set[TurnId] = set()  # that stand for blocks which this run can't garden
        self._in_a_row = 0  # blocks that failed by the model, without a good one between
        self._trouble = ""  # why the last of them failed

    @property
    def degraded(self) -> tuple[str, ...]:
        """What did not take part in its work."""
        return (self._vectors.failure,) if self._vectors.failure else ()

    async def waiting(self) -> list[Unit]:
        """What is to be gardened, oldest first."""
        view = await self._store.garden_view(self._user, self._embedding.model_id)
        return await asyncio.to_thread(pending, view, active=self._active)

    async def plan(self, run_id: RunId) -> list[GardenLine]:
        """What gardening would change, worked out block after block; nothing is written."""
        bed = await self._fresh(store_vectors=False)
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
            while units := [unit for unit in await self.waiting() if unit.turn_id not in self._given_up]:
                await self._queue(units)
                reach = reach or await self._reach(run)
                before = run.done.blocks, len(self._given_up)
                while (grown := await self._one_more(run, reach)) is not None:
                    run = grown
                    progress()
                if (run.done.blocks, len(self._given_up)) == before:  # another process has the rest
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
            bed = await self._fresh()
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

    async def _queue(self, units: Sequence[Unit]) -> None:
        """Make a job for each block, and have those that failed before tried again by who was asked."""
        turn_ids = [unit.turn_id for unit in units if unit.turn_id is not None]
        if turn_ids:
            await self._store.add_jobs(self._user, "garden", turn_ids)
            if self._manner.asked:
                await self._store.hasten(self._user, "garden")

    async def _one_more(self, run: GardenRun, reach: Reach | None) -> GardenRun | None:
        """Garden the next block; the run as it stands then, None when no block is left that may be had."""
        async with self._next() as lease:
            return await self._garden(lease, run, reach) if lease is not None else None

    @asynccontextmanager
    async def _next(self) -> AsyncIterator[Lease | None]:
        """The next block's lease, as long as the block runs; None when none is left that may be had.

        What another process holds is waited for while that gets on, and as long as a lease lasts.
        """
        if self._manner.enough():
            yield None
            return
        tries, before = 0, None
        while tries * POLL_S <= self._lease_s + 1:
            claiming = self._store.claim(
                self._user, "garden", limit=1, lease_s=self._lease_s, now=self._clock()
            )
            async with self._leasing.holding(self._user, claiming, list, lease_s=self._lease_s) as leases:
                if leases:
                    yield leases[0]
                    return
                if not self._manner.asked:
                    break
            if not await self._held_elsewhere():
                break
            left = (await self._store.garden_mark(self._user)).garden_version
            tries = tries + 1 if left == before else 0
            before = left
            await asyncio.sleep(POLL_S)
        yield None

    async def _held_elsewhere(self) -> bool:
        turns = await self._store.waiting_turns(
            self._user, ["garden"], before_seq=2**62, most=1, now=self._clock()
        )
        return bool(turns)

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
            await self._give_back(lease, Crashed(), None)
            return run
        if self._foreground is not None:
            await self._foreground.quiet()
        for attempt in range(TRIES):
            try:
                return await self._one(lease, run, reach)
            except LeaseLost:
                self._bed = None
                return run
            except Conflict as conflict:  # a conversation went on, or something was forgotten
                self._bed = None
                if attempt == TRIES - 1:
                    await self._give_back(lease, conflict, RETRY_S)
            except (TryLater, ConfigurationError) as error:
                self._bed = None
                await self._give_back(lease, error, self._after_failure(lease, error))
                self._go_on_after(error)
                return run
            except TooFar as excess:
                self._bed = None
                await self._give_back(lease, excess, 0.0 if self._manner.asked else FAILED_S)
                raise Stop(excess, halts=False) from excess
        return run

    def _after_failure(self, lease: Lease, error: HMLRError) -> float | None:
        """How long a block is left alone at which the model failed; None: until somebody asks for it."""
        if isinstance(error, DayBudgetExceeded):
            return (error.until - self._clock()).total_seconds()
        if self._manner.asked or not isinstance(error, ModelError) or isinstance(error, BudgetExceeded):
            return FAILED_S
        return self._manner.wait_s(lease.attempts)

    def _go_on_after(self, error: HMLRError) -> None:
        """Raise Stop unless another block may fare better: the failure may lie in this one alone."""
        self._trouble = str(error)
        lone = isinstance(error, ModelError) and not isinstance(error, BudgetExceeded | ConfigurationError)
        self._in_a_row += lone
        if not lone or self._in_a_row >= IN_A_ROW:
            raise Stop(error, halts=not isinstance(error, DayBudgetExceeded)) from error

    async def _give_back(self, lease: Lease, reason: Exception, wait_s: float | None) -> None:
        self._given_up.add(lease.turn_id)
        retry_at = None if wait_s is None else self._clock() + timedelta(seconds=wait_s)
        await self._store.fail(self._user, [lease], error=type(reason).__name__, retry_at=retry_at)

    async def _one(self, lease: Lease, run: GardenRun, reach: Reach | None) -> GardenRun:
        bed = await self._current()
        unit = await self._unit(bed, lease)
        if unit is None:  # perhaps its topic was finished since the bed was read
            bed = self._bed = await self._fresh()
            unit = await self._unit(bed, lease)
        if unit is None:  # somebody has done it, or it is talked about again
            await self._store.apply(self._user, [], finish=[lease])
            return run
        step, grown = await self._made(bed, unit, run, reach)
        await self._store.garden_step(self._user, step, finish=[lease])
        bed.written(step, unit)
        self._in_a_row = 0
        return grown or run

    async def _unit(self, bed: Bed, lease: Lease) -> Unit | None:
        return bed.standing_for(lease.turn_id) or bed.unit(await self._block_of(lease.turn_id))

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

    async def _current(self) -> Bed:
        """The bed, read again when facts have changed or anything was forgotten."""
        mark = await self._store.garden_mark(self._user)
        if self._bed is None or not self._bed.holds(mark):
            self._bed = await self._fresh()
        return self._bed

    async def _fresh(self, *, store_vectors: bool = True) -> Bed:
        view = await self._store.garden_view(self._user, self._embedding.model_id)
        bed = await asyncio.to_thread(Bed, self._user, view, active=self._active)
        made = await self._vectors.fill(bed.shelf)
        if made and store_vectors:
            vectors = [(each.dossier_id, each.search_summary, vector) for each, vector in made]
            await self._store.put_dossier_vectors(self._user, vectors)
        return bed

    async def fill_vectors(self) -> None:
        """Give dossiers their vectors that have none of the present model."""
        await self._fresh()

    async def _block_of(self, turn_id: TurnId) -> BlockId | None:
        turns = await self._store.turns(self._user, TurnQuery(turn_ids=(turn_id,)))
        return turns[0].block_id if turns else None

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
