"""The fact scrubber: takes hard facts out of messages in the background."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING, ScrubInput
from hmlr.memory.facts.learn import Learner
from hmlr.records import UserId
from hmlr.store.port import Store


def fact_scrubber(
    store: Store, runner: TaskRunner, user: UserId, clock: Callable[[], datetime]
) -> Learner[ScrubInput]:
    """The learner behind `scrub` jobs."""
    return Learner(
        task=FACT_SCRUBBING,
        view=lambda message: ScrubInput(message=message),
        store=store,
        runner=runner,
        user=user,
        clock=clock,
    )
