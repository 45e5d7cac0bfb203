"""Routing, facts and profile of a message by one model call instead of three (setting combined_analysis).

The call is made where the turn is routed. What it says of facts and profile waits here for the jobs that
write them; when it is gone by then, after a kill say, those jobs ask for themselves.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from hmlr.core.tasks.analysis.task import ANALYSIS, Analysis, AnalysisInput
from hmlr.core.tasks.base import Answer, TaskRunner
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.core.tasks.fact_scrubbing.task import FACT_SCRUBBING
from hmlr.core.tasks.routing.task import Routing, RoutingInput
from hmlr.core.tasks.scribe.task import SCRIBE
from hmlr.records import MessageId, StoredMessage

# Answers that nobody fetched are forgotten beyond this: their jobs ran elsewhere.
KEPT = 1000

FETCHED_BY = frozenset({FACT_SCRUBBING.name, SCRIBE.name})
Known = Callable[[str], Awaitable[tuple[str, ...]]]  # statements that a text bears on


@dataclass
class _Made:
    """An answer, or the wait for it, and the tasks that have still to fetch their part of it."""

    answer: asyncio.Future[Answer[Analysis] | None]
    waiting: set[str] = field(default_factory=lambda: set(FETCHED_BY))


class Analyst:
    """Asks once per message; safe for concurrent use on one event loop."""

    def __init__(self, runner: TaskRunner, known: Known) -> None:
        self._runner = runner
        self._known = known
        self._made: OrderedDict[MessageId, _Made] = OrderedDict()

    async def route(self, given: RoutingInput, message: StoredMessage) -> Answer[Routing]:
        """Where the message belongs; what else the answer says is kept for `drafts`."""
        made: asyncio.Future[Answer[Analysis] | None] = asyncio.get_running_loop().create_future()
        self._made[message.message_id] = _Made(made)
        while len(self._made) > KEPT:
            self._made.popitem(last=False)
        try:
            known = await self._known(message.content)
            asked = AnalysisInput(routing=given, message=message, known=known)
            answer = await self._runner.run(ANALYSIS, asked)
            made.set_result(answer)
        finally:
            if not made.done():
                made.set_result(None)
        return Answer(value=answer.value.routing, by=answer.by, usage=answer.usage, failure=answer.failure)

    async def drafts(self, message: StoredMessage, task: str) -> Answer[FactDrafts] | None:
        """What the message's analysis says for a task; None when that task has to be asked itself."""
        made = self._made.get(message.message_id)
        if made is None:
            return None
        answer = await asyncio.shield(made.answer)
        made.waiting.discard(task)
        if not made.waiting:
            self._made.pop(message.message_id, None)
        if answer is None:
            return None
        drafts = _part(answer.value, task)
        return None if drafts is None else Answer(value=FactDrafts(facts=drafts), by=answer.by)


def _part(analysis: Analysis, task: str) -> tuple[FactDraft, ...] | None:
    return analysis.facts if task == FACT_SCRUBBING.name else analysis.profile
