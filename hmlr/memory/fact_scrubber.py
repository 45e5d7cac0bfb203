"""The fact scrubber: takes hard facts out of messages in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING, ScrubInput
from hmlr.memory.facts.learn import learn
from hmlr.records import StoredMessage, UserId
from hmlr.store.port import Store
from hmlr.store.records import Lease


class FactScrubber:
    """Handler of `scrub` jobs."""

    def __init__(self, store: Store, runner: TaskRunner, user: UserId, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._runner = runner
        self._user = user
        self._clock = clock

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Scrub the leased turns; facts and finished jobs are one transaction."""
        await learn(self._store, self._runner, self._user, FACT_SCRUBBING, _view, leases, self._clock)


def _view(message: StoredMessage) -> ScrubInput:
    return ScrubInput(message=message)
