"""The fact scrubber: takes hard facts out of messages in the background."""

from __future__ import annotations

from hmlr.core.tasks.base import TaskRunner
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING, ScrubInput
from hmlr.memory.analyst import Analyst
from hmlr.memory.facts.learn import Learner
from hmlr.records import UserId
from hmlr.store.port import Store


def fact_scrubber(
    store: Store,
    runner: TaskRunner,
    user: UserId,
    *,
    analyst: Analyst | None = None,
) -> Learner[ScrubInput]:
    """The learner behind `scrub` jobs."""
    return Learner(
        task=FACT_SCRUBBING,
        view=lambda message, known: ScrubInput(message=message, known=known),
        concerns=lambda message: True,
        store=store,
        runner=runner,
        analyst=analyst,
        user=user,
    )
