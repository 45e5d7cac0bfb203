"""Learning: a task's drafts become facts, pinned to their quotes and reconciled with what is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from hmlr.core.tasks.base import Answer, Task, TaskRunner
from hmlr.core.tasks.drafts import FactDraft, FactDrafts
from hmlr.errors import HMLRError, LeaseLost
from hmlr.language.blanking import BLANK
from hmlr.language.tokens import content_words
from hmlr.memory.analyst import Analyst
from hmlr.memory.background import SomeFailed
from hmlr.memory.facts.keys import rival_keys
from hmlr.memory.facts.make import pin
from hmlr.memory.facts.meant import reaches_all
from hmlr.memory.facts.namesakes import RELATION_KEYS, name_of
from hmlr.memory.facts.resolve import WIDE_CATEGORIES, resolve
from hmlr.memory.facts.statement import state
from hmlr.memory.intake import CORRECTIONS
from hmlr.records import Fact, StoredMessage, UserId
from hmlr.store.port import Store
from hmlr.store.records import Change, FactQuery, Lease, TurnQuery

In = TypeVar("In")
# Model calls of one batch at a time: enough to hide their latency, few enough for usual rate limits.
CALLS_AT_ONCE = 8
# Known facts that a model sees beside a message, so that it reuses their subjects and keys.
KNOWN_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Learner(Generic[In]):
    """Takes facts out of turns with one task."""

    task: Task[In, FactDrafts]
    view: Callable[[StoredMessage, tuple[str, ...]], In]  # the task's input: a message, what is known of it
    concerns: Callable[[StoredMessage], bool]  # whether the message can teach it anything
    store: Store
    runner: TaskRunner
    analyst: Analyst | None  # has the answers when they came with the routing
    user: UserId

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
            if not message.echo and turn.session_id != CORRECTIONS and self.concerns(message)
        ]
        if self.runner.model is not None:
            await self._ask(messages, leases)
            return
        # Rules are CPU work: all of it in one hop, off the event loop.
        values = await asyncio.to_thread(
            lambda: [self.task.offline(self.view(message, ())) for message in messages]
        )
        await self._learn(messages, [Answer(value=value, by="rule") for value in values], leases)

    async def _ask(self, messages: Sequence[StoredMessage], leases: Sequence[Lease]) -> None:
        """Ask a model about all turns at once; what fails for one turn leaves the others learned."""
        active = await self.store.facts(self.user, FactQuery())
        statements = await asyncio.to_thread(lambda: [_known(fact) for fact in active])
        places, writing = asyncio.Semaphore(CALLS_AT_ONCE), asyncio.Lock()
        failed: list[tuple[Lease, HMLRError]] = []

        async def one(lease: Lease) -> None:
            mine = [message for message in messages if message.turn_id == lease.turn_id]
            try:
                async with places:
                    answers = [await self._answer(message, statements) for message in mine]
                async with writing:  # one after the other: each is resolved against those before
                    await self._learn(mine, answers, [lease])
            except LeaseLost:
                return  # another worker has it
            except HMLRError as error:
                failed.append((lease, error))

        await asyncio.gather(*(one(lease) for lease in leases))
        if failed:
            raise SomeFailed(failed)

    async def _answer(self, message: StoredMessage, statements: Sequence[str]) -> Answer[FactDrafts]:
        if self.analyst is not None and (made := await self.analyst.drafts(message, self.task.name)):
            return made
        known = await asyncio.to_thread(touched, message.content, statements)
        return await self.runner.run(self.task, self.view(message, known), patient=True)

    async def _learn(
        self,
        messages: Sequence[StoredMessage],
        answers: Sequence[Answer[FactDrafts]],
        leases: Sequence[Lease],
    ) -> None:
        """Write what was learned and finish the leases with it."""
        changes = await self._changes(messages, answers)
        await self.store.apply(self.user, changes, finish=leases)

    async def _changes(
        self, messages: Sequence[StoredMessage], answers: Sequence[Answer[FactDrafts]]
    ) -> list[Change]:
        pinned = _pinned(messages, answers)
        if not pinned:
            return []
        known = await self._known(pinned)
        by = answers[0].by
        edits = await self.store.edits(self.user)
        texts = {message.message_id: message.content for message in messages}
        return await asyncio.to_thread(resolve, pinned, known, by=by, edits=edits, texts=texts)

    async def _known(self, new: Sequence[tuple[FactDraft, Fact]]) -> list[Fact]:
        """The facts that new ones may bear on, whatever their state; see `resolve`."""
        wide = await self.store.facts(self.user, FactQuery(categories=WIDE_CATEGORIES, states=None))
        every = any(reaches_all(draft) for draft, _ in new)
        wide += await self.store.facts(self.user, FactQuery()) if every else []
        keys = {key for fact in (*wide, *(fact for _, fact in new)) for key in rival_keys(fact.key)}
        if any(name_of(fact) for _, fact in new):  # who else has that name
            keys |= RELATION_KEYS
        alike = await self.store.facts(self.user, FactQuery(keys=tuple(sorted(keys)), states=None))
        known = {fact.fact_id: fact for fact in (*wide, *alike)}
        return sorted(known.values(), key=lambda fact: (fact.valid_from, fact.recorded_at, fact.fact_id))


def _known(fact: Fact) -> str:
    """The statement as a model reads it beside another message; of a secret what it is, without its value."""
    return state(replace(fact, value=BLANK) if fact.category == "secret" else fact)


def touched(text: str, statements: Sequence[str]) -> tuple[str, ...]:
    """The statements that share words with a text, most shared first, at most KNOWN_SHOWN."""
    words = content_words(text)
    scored = [(len(words & content_words(statement)), -number) for number, statement in enumerate(statements)]
    best = sorted((pair for pair in scored if pair[0]), reverse=True)[:KNOWN_SHOWN]
    return tuple(statements[-number] for _, number in best)


def _pinned(
    messages: Sequence[StoredMessage], answers: Sequence[Answer[FactDrafts]]
) -> list[tuple[FactDraft, Fact]]:
    """Drafts with the facts made of them; a draft whose quote does not stand in its message is dropped."""
    found = []
    for message, answer in zip(messages, answers, strict=True):
        for draft in answer.value.facts:
            fact = pin(draft, message, recorded_at=message.recorded_at)
            if fact is not None:
                found.append((draft, fact))
    return found
