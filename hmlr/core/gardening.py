"""Gardening over many users: bounded concurrency, one allowance, progress, one report."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

import uuid_utils

from hmlr.core.services import Services
from hmlr.errors import InvalidInput
from hmlr.garden_records import GardenDone, GardenLine, GardenPlan, GardenProgress, GardenReport
from hmlr.llm.names import OFFLINE
from hmlr.memory.gardener.allowance import Allowance, AllowedRunner, EstimatingRunner
from hmlr.memory.gardener.manner import Manner
from hmlr.memory.gardener.manual_gardener import IN_A_ROW, Gardener, Outcome
from hmlr.memory.intake import check_limit
from hmlr.memory.together import together
from hmlr.records import DayLimit, RunId, Usage, UserId

MOST_AT_ONCE = 256
Progress = Callable[[GardenProgress], None]


@dataclass(frozen=True, kw_only=True)
class GardenOptions:
    """How a run goes; see `HMLRClient.garden`."""

    include_active: bool = False
    allow_large: bool = False
    budget_tokens: int | None = None
    budget_usd: float | None = None
    day_limit: DayLimit = field(default_factory=DayLimit)
    concurrency: int = 8


class GardenArguments(TypedDict, total=False):
    """What may be said of a run; see `HMLRClient.garden`."""

    include_active: bool
    allow_large: bool
    budget_tokens: int | None
    budget_usd: float | None
    daily_tokens: int | None
    daily_usd: float | None
    concurrency: int


def checked_options(
    *,
    include_active: bool = False,
    allow_large: bool = False,
    budget_tokens: int | None = None,
    budget_usd: float | None = None,
    daily_tokens: int | None = None,
    daily_usd: float | None = None,
    concurrency: int = 8,
) -> GardenOptions:
    """The options. InvalidInput for those that make no sense."""
    limits = {
        "budget_usd": budget_usd,
        "budget_tokens": budget_tokens,
        "daily_tokens": daily_tokens,
        "daily_usd": daily_usd,
    }
    for name, limit in limits.items():
        if limit is not None and not limit >= 0:
            raise InvalidInput(f"{name} is below 0", hint="Give a limit, or None for none")
    return GardenOptions(
        include_active=include_active,
        allow_large=allow_large,
        budget_tokens=budget_tokens,
        budget_usd=budget_usd,
        day_limit=DayLimit(tokens=daily_tokens, cost_usd=daily_usd),
        concurrency=check_limit(concurrency, what="concurrency", most=MOST_AT_ONCE),
    )


async def plan(services: Services, users: Sequence[UserId], options: GardenOptions) -> GardenPlan:
    """What gardening would change, by the rules, and what the model's answers would cost."""
    runner = EstimatingRunner(services.runner)
    lines: list[GardenLine] = []
    blocks = 0
    for user in users:
        gardener = _gardener(services, runner, user, options)
        blocks += len(await gardener.waiting())
        lines += await gardener.plan(RunId(""))
    priced = _price(services, runner.expected)
    return GardenPlan(
        blocks=blocks,
        lines=tuple(lines),
        model=services.runner.model.name if services.runner.model else OFFLINE,
        calls=dict(sorted(Counter(runner.calls).items())),
        expected=priced or runner.expected,
    )


async def run(
    services: Services, users: Sequence[UserId], options: GardenOptions, progress: Progress | None = None
) -> GardenReport:
    """Garden the finished blocks of the users. What can't be done now stays pending; the report says why."""
    begun = time.monotonic()
    allowance = Allowance(
        tokens=options.budget_tokens,
        usd=options.budget_usd,
        calls_at_once=options.concurrency,
        priced=lambda usage: _price(services, usage),
    )
    tending = _Tending(options, progress)
    gardeners = [
        _gardener(
            services,
            AllowedRunner(services.for_user(user, options.day_limit).runner, allowance),
            user,
            options,
        )
        for user in users
    ]
    await tending.count(gardeners)
    await together(tending.tend(gardener) for gardener in gardeners)
    return GardenReport(
        run_id=tending.run_id,
        done=tending.done,
        pending=tending.left,
        stopped=tending.stopped,
        degraded=tuple(sorted({each for gardener in gardeners for each in gardener.degraded})),
        seconds=round(time.monotonic() - begun, 3),
    )


async def tend(
    services: Services, user: UserId, options: GardenOptions, allowance: Allowance, manner: Manner
) -> Outcome:
    """A worker's turn at one user's finished blocks."""
    runner = AllowedRunner(services.for_user(user, options.day_limit).runner, allowance)
    gardener = _gardener(services, runner, user, options, manner)
    return await gardener.run(new_run_id(), lambda: None)


def new_run_id() -> RunId:
    """An id for a run; they sort by time."""
    return RunId(str(uuid_utils.uuid7()))


def _gardener(
    services: Services,
    runner: AllowedRunner | EstimatingRunner,
    user: UserId,
    options: GardenOptions,
    manner: Manner | None = None,
) -> Gardener:
    return Gardener(
        services.store,
        services.embedding,
        runner,
        user,
        services.clock,
        leasing=services.leasing,
        active=options.include_active,
        large=options.allow_large,
        foreground=services.foreground,
        manner=manner,
    )


def _price(services: Services, usage: Usage) -> Usage | None:
    """The usage with its cost; None when the model's price is not known."""
    if services.opened_model is None:
        return None
    gateway = services.opened_model.gateway
    model = gateway.models[0]
    return gateway.ledger.priced(model, usage) if gateway.ledger.knows(model) else None


class _Tending:
    """One run over several users."""

    def __init__(self, options: GardenOptions, progress: Progress | None) -> None:
        self.run_id = new_run_id()
        self.done = GardenDone()
        self.left = 0
        self.stopped = ""
        self._halted = False
        self._in_a_row = 0  # users at whose last block the model failed
        self._progress = progress
        # More users than calls: while one block is written others are asked about, to the end of the run.
        self._places = asyncio.Semaphore(4 * options.concurrency)
        self._total = 0
        self._finished = 0

    async def count(self, gardeners: Sequence[Gardener]) -> None:
        """Count the blocks, so that progress can be told."""
        if self._progress is not None:
            self._total = sum([len(await gardener.waiting()) for gardener in gardeners])
            self._tell()

    async def tend(self, gardener: Gardener) -> None:
        """Garden one user's blocks when it is his turn; not once the run was stopped."""
        async with self._places:
            if self._halted:
                left = len(await gardener.waiting())
                self.left += left  # in one step: others add to it meanwhile
                return
            outcome = await gardener.run(self.run_id, self._step)
            self.done += outcome.done
            self.left += outcome.left
            self.stopped = self.stopped or outcome.stopped
            self._in_a_row = self._in_a_row + 1 if outcome.failed else 0
            self._halted = self._halted or outcome.halts or self._in_a_row >= IN_A_ROW

    def _step(self) -> None:
        self._finished += 1
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(GardenProgress(done=self._finished, total=max(self._total, self._finished)))
