"""The one answer about a message is kept for the two tasks that fetch their part of it, and no longer."""

from __future__ import annotations

from typing import Any

from hmlr.core.tasks.analysis.task import Analysis
from hmlr.core.tasks.base import Answer
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING
from hmlr.core.tasks.routing.task import Routing, RoutingInput
from hmlr.core.tasks.scribe.task import SCRIBE
from hmlr.memory.analyst import Analyst
from tests.unit.making import message

GIVEN = RoutingInput(message="I live in Graz.", current=None, others=(), has_vectors=False)


class Asked:
    """Answers every analysis with the same."""

    async def run(self, task: Any, given: Any) -> Answer[Analysis]:
        return Answer(value=Analysis(routing=Routing(action="new"), facts=(), profile=()), by="m")


async def nothing_known(_: str) -> tuple[str, ...]:
    return ()


async def test_both_tasks_fetch_their_part_and_then_it_is_gone() -> None:
    analyst: Any = Analyst(Asked(), nothing_known)  # type: ignore[arg-type]
    said = message("I live in Graz.")
    await analyst.route(GIVEN, said)
    for task in (SCRIBE.name, FACT_SCRUBBING.name):
        answer = await analyst.drafts(said, task)
        assert answer is not None
        assert answer.by == "m"
    assert await analyst.drafts(said, SCRIBE.name) is None
    assert not analyst._made


async def test_a_task_that_fetches_twice_gets_it_while_the_other_waits() -> None:
    analyst: Any = Analyst(Asked(), nothing_known)  # type: ignore[arg-type]
    said = message("I live in Graz.")
    await analyst.route(GIVEN, said)
    assert await analyst.drafts(said, SCRIBE.name) is not None
    assert await analyst.drafts(said, SCRIBE.name) is not None
    assert await analyst.drafts(said, FACT_SCRUBBING.name) is not None
