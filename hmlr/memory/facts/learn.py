"""Learning: a task's drafts become facts, pinned to their quotes and reconciled with what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from hmlr.core.tasks.base import Answer, Task, TaskRunner
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.resolve import WIDE_CATEGORIES, resolve
from hmlr.memory.intake import CORRECTIONS
from hmlr.records import Fact, StoredMessage, UserId
from hmlr.store.port import Store
from hmlr.store.records import Change, FactQuery, Lease, TurnQuery

In = TypeVar("In")


@dataclass(frozen=True, kw_only=True)
class Learner(Generic[In]):
    """Takes facts out of turns with one task."""

    task: Task[In, FactDrafts]
    view: Callable[[StoredMessage], In]  # the task's input for one message
    store: Store
    runner: TaskRunner
    user: UserId
    clock: Callable[[], datetime]

    async def handle(self, leases: Sequence[Lease]) -> None:
        """Learn from the leased turns and finish the leases with the facts, in one transaction.

        Echoes of recalled memories teach nothing. Facts are known here whatever their state, so that a late
        message about an earlier time finds its place.
        """
        wanted = TurnQuery(turn_ids=tuple(lease.turn_id for lease in leases))
        turns = await self.store.turns(self.user, wanted)
        messages = [
            message
            for turn in turns
            for message in turn.messages
            if not message.echo and turn.session_id != CORRECTIONS
        ]
        answers = await self._answers(messages)
        changes = await self._changes(messages, answers)
        await self.store.apply(self.user, changes, finish=leases)

    async def _answers(self, messages: Sequence[StoredMessage]) -> list[Answer[FactDrafts]]:
        if self.runner.model is None:  # rules are CPU work: all of it in one hop, off the event loop
            values = await asyncio.to_thread(
                lambda: [self.task.offline(self.view(message)) for message in messages]
            )
            return [Answer(value=value, by="rule") for value in values]
        asked = (self.runner.run(self.task, self.view(message)) for message in messages)
        return list(await asyncio.gather(*asked))

    async def _changes(
        self, messages: Sequence[StoredMessage], answers: Sequence[Answer[FactDrafts]]
    ) -> list[Change]:
        now = self.clock()
        pinned = _pinned(messages, answers, now)
        if not pinned:
            return []
        known = await self._known({fact.key for _, fact in pinned})
        by = answers[0].by
        edits = await self.store.edits(self.user)
        return await asyncio.to_thread(resolve, pinned, known, by=by, recorded_at=now, edits=edits)

    async def _known(self, keys: set[str]) -> list[Fact]:
        """The facts that new ones under these keys may bear on, whatever their state; see `resolve`."""
        wide = await self.store.facts(self.user, FactQuery(categories=WIDE_CATEGORIES, states=None))
        keys = keys | {fact.key for fact in wide}
        alike = await self.store.facts(self.user, FactQuery(keys=tuple(sorted(keys)), states=None))
        known = {fact.fact_id: fact for fact in (*wide, *alike)}
        return sorted(known.values(), key=lambda fact: (fact.valid_from, fact.recorded_at, fact.fact_id))


def _pinned(
    messages: Sequence[StoredMessage], answers: Sequence[Answer[FactDrafts]], now: datetime
) -> list[tuple[FactDraft, Fact]]:
    """Drafts with the facts made of them; a draft whose quote does not stand in its message is dropped."""
    found = []
    for message, answer in zip(messages, answers, strict=True):
        for draft in answer.value.facts:
            fact = pin(draft, message, recorded_at=now)
            if fact is not None:
                found.append((draft, fact))
    return found
