"""What happened on the way of one turn: its stages' times, costs and failures."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from hmlr.core.tasks.answer.task import AnswerText
from hmlr.core.tasks.base import Answer
from hmlr.core.tasks.memory_filter.task import Kept
from hmlr.core.tasks.routing.task import Routing
from hmlr.errors import HMLRError
from hmlr.records import Usage

T = TypeVar("T")
Counted = Answer[Routing] | Answer[Kept] | Answer[AnswerText]


@dataclass
class TurnTrace:
    """Filled while a turn runs, read when its reply is made."""

    timings_ms: dict[str, float] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Measure a stage's wall time."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[stage] = round((time.perf_counter() - start) * 1000, 2)

    async def guarded(self, stage: str, work: Callable[[], Awaitable[T]], fallback: T) -> T:
        """A stage's value; when it fails the turn goes on without it and says so."""
        with self.timed(stage):
            try:
                return await work()
            except HMLRError as error:
                self.degraded.append(f"{stage}: {error}")
                return fallback

    def count(self, stage: str, answer: Counted) -> None:
        """Add an answer's cost, and its failure if the rule had to step in."""
        self.usage += answer.usage
        if answer.failure:
            self.degraded.append(f"{stage}: {answer.failure}")
