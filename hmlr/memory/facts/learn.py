"""Learning: a task's drafts become facts, pinned to their quotes and reconciled with what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from hmlr.core.tasks.base import Answer, Task, TaskRunner
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.memory.facts.edits import replay
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.resolve import resolve
from hmlr.records import Fact, StoredMessage, UserId
from hmlr.store.port import Store
from hmlr.store.records import Change, FactQuery, Lease, PutFact, TurnQuery

In = TypeVar("In")


async def learn(
    store: Store,
    runner: TaskRunner,
    user: UserId,
    task: Task[In, FactDrafts],
    view: Callable[[StoredMessage], In],
    leases: Sequence[Lease],
    clock: Callable[[], datetime],
) -> None:
    """Take facts out of the leased turns and finish the leases with them, in one transaction.

    Echoes of recalled memories teach nothing. All facts of the user are known here, whatever their state,
    so that a late message about an earlier time finds its place.
    """
    turns = await store.turns(user, TurnQuery(turn_ids=tuple(lease.turn_id for lease in leases)))
    messages = [message for turn in turns for message in turn.messages if not message.echo]
    answers = await asyncio.gather(*(runner.run(task, view(message)) for message in messages))
    now = clock()
    changes: list[Change] = []
    pinned = _pinned(messages, answers, now)
    if pinned:
        known = await store.facts(user, FactQuery(states=None))
        by = answers[0].by
        changes = await asyncio.to_thread(resolve, pinned, known, by=by, recorded_at=now)
        fresh = {change.fact.fact_id for change in changes if isinstance(change, PutFact)}
        if fresh:
            changes += replay(await store.edits(user), fresh, changes)
    await store.apply(user, changes, finish=leases)


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
