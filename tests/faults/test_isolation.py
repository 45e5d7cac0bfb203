"""No user ever sees anything of another, through any call, error or log record (T1, X06).

Some users have an open database of their own, as in programs of their own; the others share these.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import HMLRError, TryLater
from hmlr.testing import hash_embedder
from tests.faults.doors import door
from tests.faults.figures import figure
from tests.opening import Place

pytestmark = [pytest.mark.security, pytest.mark.timeout(1800)]

USERS = figure(10, 50)
DATABASES = 5  # opened: on PostgreSQL each may use ten connections, and a server gives a hundred
AT_ONCE = 8
WORD = "quetzal"  # stands in no file name
KINDS = ("turn", "fact", "block", "dossier", "run")
QUESTION = "Who is the sister, where does she live, and what is the API key?"


@dataclass
class Person:
    """One user, with a word that only their own messages hold."""

    number: int
    hmlr: HMLRClient
    folder: Path
    ids: dict[str, list[str]]  # of all users: what may be asked for by mistake or by malice
    own: dict[str, list[str]]
    count: int = 0

    @property
    def canary(self) -> str:
        return f"{WORD}{self.number:02}x"

    def text(self, chance: random.Random) -> str:
        self.count += 1
        return chance.choice(
            [
                f"My sister is called {self.canary.title()} and she lives in {self.canary}ville.",
                f"The API key for {self.canary} is key-{self.canary}-{self.count}.",
                f"I am strictly vegetarian, says {self.canary}.",
                f"Project {self.canary} has moved to {self.canary}town number {self.count}.",
            ]
        )

    def session(self, chance: random.Random) -> str:
        return f"s{chance.randrange(3)}"  # the same names for all users

    def found(self, kind: str, ids: list[str]) -> None:
        """Note ids that this user was given."""
        self.ids[kind] += ids
        self.own[kind] += ids

    def some(self, kind: str, chance: random.Random) -> str:
        """An id of one's own, or of anybody's."""
        ids = (self.own if chance.random() < 0.5 else self.ids)[kind]
        return chance.choice(ids) if ids else "none"


Operation = Callable[[Person, random.Random], Awaitable[object]]


async def chat(one: Person, chance: random.Random) -> object:
    text = one.text(chance) if chance.random() < 0.6 else QUESTION
    reply = await one.hmlr.chat(text, session_id=one.session(chance))
    one.found("turn", [reply.turn_id])
    return reply


async def remember(one: Person, chance: random.Random) -> object:
    messages = [Message(content=one.text(chance), metadata={"id": one.canary}) for _ in range(3)]
    return await one.hmlr.remember(messages, session_id=one.session(chance), idempotency_key=f"{one.count}")


async def recall(one: Person, chance: random.Random) -> object:
    kinds = chance.choice([None, ("fact",), ("block",), ("sentence", "turn")])
    other = f"{WORD}{chance.randrange(USERS):02}x"  # a question is kept nowhere
    return await one.hmlr.recall(f"{QUESTION} {other}?", kinds=kinds, limit=50, explain=True)


async def facts(one: Person, chance: random.Random) -> object:
    found = await one.hmlr.facts(states=("active", "superseded", "invalidated"))
    one.found("fact", [fact.fact_id for fact in found])
    return [found, await one.hmlr.profile()]


async def views(one: Person, chance: random.Random) -> object:
    timeline, known_at = await one.hmlr.timeline("user"), datetime.now(UTC)
    days = await one.hmlr.days()
    seen = [await one.hmlr.day(chance.choice(days).date)] if days else []
    found = [await one.hmlr.contradictions(), await one.hmlr.audit(), await one.hmlr.facts(known_at=known_at)]
    found.append(await one.hmlr.deep_recall(QUESTION))
    return [timeline, days, seen, found]


async def history(one: Person, chance: random.Random) -> object:
    return await one.hmlr.history(one.some("fact", chance))


async def edit(one: Person, chance: random.Random) -> object:
    fact_id = one.some("fact", chance)
    match chance.randrange(3):
        case 0:
            return await one.hmlr.retire(fact_id, "no longer")
        case 1:
            return await one.hmlr.restore(fact_id)
        case _:
            return await one.hmlr.correct(fact_id, f"{one.canary} corrected")


async def blocks(one: Person, chance: random.Random) -> object:
    found = await one.hmlr.blocks()
    one.found("block", [block.block_id for block in found])
    return found


async def arrange(one: Person, chance: random.Random) -> object:
    one.found("block", [block.block_id for block in await one.hmlr.blocks()])
    block_id = one.some("block", chance)
    match chance.randrange(3):
        case 0:
            return await one.hmlr.rename_block(block_id, f"{one.canary} label")
        case 1:
            return await one.hmlr.merge_blocks(block_id, one.some("block", chance))
        case _:
            return await one.hmlr.split_block(block_id, one.some("turn", chance))


async def context(one: Person, chance: random.Random) -> object:
    return await one.hmlr.context(QUESTION, session_id=one.session(chance))


async def turns(one: Person, chance: random.Random) -> object:
    return await one.hmlr.turns(session_id=one.session(chance))


async def forget(one: Person, chance: random.Random) -> object:
    match chance.randrange(3):
        case 0:
            return await one.hmlr.forget(turn_id=one.some("turn", chance))
        case 1:
            return await one.hmlr.forget(fact_id=one.some("fact", chance))
        case _:
            return await one.hmlr.forget(session_id=one.session(chance))


async def export(one: Person, chance: random.Random) -> object:
    path = one.folder / f"{one.number}-{chance.randrange(10**9)}.jsonl"
    await one.hmlr.export(path)
    text = await asyncio.to_thread(path.read_text, encoding="utf-8")
    await asyncio.to_thread(path.unlink)
    return text


async def garden(one: Person, chance: random.Random) -> object:
    match chance.randrange(4):
        case 0:
            return await one.hmlr.garden(dry_run=True)
        case 1:
            return await one.hmlr.undo(one.some("run", chance))
        case _:
            report = await one.hmlr.garden(include_active=chance.random() < 0.5)
            one.found("run", [report.run_id])
            return report


async def dossiers(one: Person, chance: random.Random) -> object:
    found = await one.hmlr.dossiers()
    one.found("dossier", [dossier.dossier_id for dossier in found])
    hits = await one.hmlr.recall(QUESTION, kinds=("dossier",))
    return [found, hits, await one.hmlr.garden_runs(), await one.hmlr.dossier(one.some("dossier", chance))]


async def file(one: Person, chance: random.Random) -> object:
    first, other = one.some("dossier", chance), one.some("dossier", chance)
    match chance.randrange(4):
        case 0:
            done = await one.hmlr.rename_dossier(first, f"{one.canary} named")
        case 1:
            done = await one.hmlr.merge_dossiers(first, other)
        case 2:
            done = await one.hmlr.split_dossier(first, [one.some("fact", chance)])
        case _:
            return [await one.hmlr.draw_dossiers(html=True), await one.hmlr.draw_blocks()]
    one.found("run", [done.run_id])
    return done


async def stats(one: Person, chance: random.Random) -> object:
    return [await one.hmlr.stats(), await one.hmlr.health()]


# Each with its weight; forgetting rewrites the file and is rare.
OPERATIONS: dict[Operation, int] = {
    chat: 25, remember: 15, recall: 15, facts: 10, views: 3, history: 5, edit: 8, blocks: 5, arrange: 6,
    context: 8, turns: 3, forget: 3, export: 2, stats: 2, garden: 5, dossiers: 5, file: 6,
}  # fmt: skip


async def test_no_canary_crosses(database: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seed = 20260301
    chance = random.Random(seed)
    ids: dict[str, list[str]] = {kind: [] for kind in KINDS}
    async with AsyncExitStack() as stack:
        people: list[Person] = []
        for number in range(USERS):
            name = f"user{number}"
            if number < DATABASES:
                client = door(database, name, embedder=hash_embedder())
            else:
                client = people[number % DATABASES].hmlr.as_user(name)
            own: dict[str, list[str]] = {kind: [] for kind in KINDS}
            people.append(Person(number, await stack.enter_async_context(client), tmp_path, ids, own))
        done: Counter[str] = Counter()
        unmade: Counter[str] = Counter()

        async def step(one: Person) -> None:
            operation = chance.choices(list(OPERATIONS), list(OPERATIONS.values()))[0]
            try:
                shown = repr(await operation(one, chance))
                done[operation.__name__] += 1
            except HMLRError as error:
                shown = f"{error} {error.hint}"
                if isinstance(error, TryLater):
                    unmade[type(error).__name__] += 1
            check(one, shown, operation.__name__)

        total = figure(400, 10_000)
        for _ in range(total // AT_ONCE):
            await asyncio.gather(*(step(chance.choice(people)) for _ in range(AT_ONCE)))
        assert set(done) == {operation.__name__ for operation in OPERATIONS}, done
        assert unmade.total() < total / 100, unmade
        for one in people:
            await one.hmlr.flush(10)
            shown = [await one.hmlr.turns(), await one.hmlr.facts(), await one.hmlr.blocks()]
            check(one, repr(shown), "the end")
    log = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    assert WORD not in log.lower()
    print(f"X06: {total} calls of {USERS} users at {DATABASES} open databases, 0 words crossed")


def check(one: Person, shown: str, what: str) -> None:
    """Fail when a result holds the word of another user."""
    text = shown.lower().replace(one.canary, "")
    assert WORD not in text, (what, one.number, text[max(0, text.index(WORD) - 200) :][:400])
