"""No user ever sees anything of another through MCP: users, random operations, canaries (T1, X06)."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import CallToolResult

from tests.faults.figures import figure
from tests.server.mcp_doors import issue, over_http
from tests.server.serving import server

pytestmark = [pytest.mark.security, pytest.mark.timeout(3600)]

USERS, OPERATIONS, AT_ONCE = figure(5, 50), figure(100, 10_000), 8
WORD = "quetzal"  # stands in no file name
QUESTION = "Who is the sister, where does she live, and what is the API key?"
UNLIMITED = {
    "HMLR_SERVER_REQUESTS_PER_MINUTE": "1000000",
    "HMLR_SERVER_BURST": "1000000",
    "HMLR_SERVER_MCP_DESTRUCTIVE": "true",
    "HMLR_SERVER_MCP_OWNER_WORDS": "true",
}


@dataclass
class Person:
    """One user, with a word that only their own messages hold."""

    number: int
    client: Client
    ids: dict[str, list[str]]  # of all users: what may be asked for by mistake or by malice

    @property
    def canary(self) -> str:
        return f"{WORD}{self.number:02}x"

    async def call(self, name: str, **arguments: object) -> CallToolResult:
        return await self.client.call_tool(name, arguments)

    def some(self, kind: str, chance: random.Random) -> str:
        """An id of anybody's."""
        return chance.choice(self.ids[kind] or ["none"])


Operation = Callable[[Person, random.Random], Awaitable[CallToolResult]]


async def remember(one: Person, chance: random.Random) -> CallToolResult:
    text = chance.choice(
        [
            f"My sister is called {one.canary.title()} and she lives in {one.canary}ville.",
            f"The API key for {one.canary} is key-{one.canary}-{chance.randrange(100)}.",
            f"I am strictly vegetarian, says {one.canary}.",
        ]
    )
    role = chance.choice(["user", "assistant"])
    result = await one.call("remember", text=text, role=role, occurred_at="2026-03-01T12:00:00Z")
    one.ids["turn"].append(result.structured_content["turn_id"])
    return result


async def recall(one: Person, chance: random.Random) -> CallToolResult:
    other = f"{WORD}{chance.randrange(USERS):02}x"  # a question is kept nowhere
    return await one.call(chance.choice(["recall", "context"]), query=f"{QUESTION} {other}?")


async def facts(one: Person, chance: random.Random) -> CallToolResult:
    result = await one.call("facts", past=True, limit=200)
    one.ids["fact"] += [fact["fact_id"] for fact in result.structured_content["facts"]]
    return result


async def views(one: Person, chance: random.Random) -> CallToolResult:
    match chance.randrange(4):
        case 0:
            return await one.call("profile")
        case 1:
            return await one.call("timeline", entity="user")
        case 2:
            return await one.call("day", day="2026-03-01", limit=200)
        case _:
            return await one.call("deep_recall", question=QUESTION)


async def edit(one: Person, chance: random.Random) -> CallToolResult:
    fact_id = one.some("fact", chance)
    if chance.random() < 0.5:
        return await one.call("retire", fact_id=fact_id, reason="no longer")
    return await one.call("correct", fact_id=fact_id, value=f"{one.canary} corrected")


async def forget(one: Person, chance: random.Random) -> CallToolResult:
    kind = chance.choice(["turn", "fact"])
    return await one.call("forget", **{f"{kind}_id": one.some(kind, chance)})


# Each with its weight; forgetting rewrites the file and is rare.
WEIGHTS: dict[Operation, int] = {remember: 30, recall: 30, facts: 12, views: 14, edit: 11, forget: 3}


async def test_no_canary_crosses(tmp_path: Path) -> None:
    chance = random.Random(20260301)
    ids: dict[str, list[str]] = {"turn": [], "fact": []}
    done: dict[str, int] = {}
    with server(tmp_path / "memory.db", **UNLIMITED) as up:
        async with AsyncExitStack() as stack:
            tokens = await issue(up.db, *(f"user{number}" for number in range(USERS)))
            people = [
                Person(number, await stack.enter_async_context(over_http(up, token)), ids)
                for number, token in enumerate(tokens)
            ]

            async def step(one: Person) -> None:
                operation = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
                result = await operation(one, chance)
                done[operation.__name__] = done.get(operation.__name__, 0) + (not result.is_error)
                text = repr(result).lower().replace(one.canary, "")
                assert WORD not in text, (operation.__name__, one.number, text[:2000])

            for _ in range(OPERATIONS // AT_ONCE):
                await asyncio.gather(*(step(chance.choice(people)) for _ in range(AT_ONCE)))
        assert set(done) == {operation.__name__ for operation in WEIGHTS}, done
        assert all(done[each.__name__] for each in (remember, recall, facts, views)), done
        assert WORD not in up.log.read_text(encoding="utf-8").lower()
