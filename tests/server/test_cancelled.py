"""A request that is given up midway leaves nothing of its answer for anybody else (X07)."""

from __future__ import annotations

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from tests.faults.figures import figure
from tests.server.mcp_doors import issue
from tests.server.serving import server

pytestmark = [pytest.mark.security, pytest.mark.timeout(3600)]

USERS, REQUESTS, AT_ONCE = 8, figure(240, 10_008), 24
WORD = "quetzal"


async def ask(client: httpx.AsyncClient, canary: str, chance: random.Random) -> str:
    """One request of a kind, with one's own word in what is stored; the answer's text."""
    said = {"role": "user", "content": f"My sister {canary.title()} lives in {canary}ville."}
    match chance.randrange(4):
        case 0:
            body = {"model": "hmlr", "messages": [said], "stream": chance.random() < 0.5}
            return (await client.post("/v1/chat/completions", json=body)).text
        case 1:
            return (await client.post("/v1/recall", json={"query": "where does the sister live?"})).text
        case 2:
            return (await client.get("/v1/facts")).text
        case _:
            return (await client.get("/v1/memories", params={"limit": 20})).text


async def test_answers_reach_only_who_asked(tmp_path: Path) -> None:
    chance = random.Random(7)
    limits = {"HMLR_SERVER_REQUESTS_PER_MINUTE": "1000000", "HMLR_SERVER_BURST": "1000000"}
    given_up = answered = 0
    with server(tmp_path / "memory.db", **limits) as up:
        async with AsyncExitStack() as stack:
            clients = []
            for token in await issue(up.db, *(f"user{number}" for number in range(USERS))):
                head = {"Authorization": f"Bearer {token}"}
                client = httpx.AsyncClient(base_url=up.url, headers=head, timeout=60, trust_env=False)
                clients.append(await stack.enter_async_context(client))

            async def step(number: int) -> bool:
                """Whether the answer came before it was given up."""
                canary = f"{WORD}{number}x"
                try:
                    async with asyncio.timeout(chance.choice([0.002, 0.01, 0.03, 0.1, 60])):
                        text = await ask(clients[number], canary, chance)
                except TimeoutError:
                    return False
                assert WORD not in text.lower().replace(canary, ""), (number, text[:2000])
                return True

            for _ in range(REQUESTS // AT_ONCE):
                came = await asyncio.gather(*(step(chance.randrange(USERS)) for _ in range(AT_ONCE)))
                answered += sum(came)
                given_up += len(came) - sum(came)
            for number, client in enumerate(clients):  # all of them go on
                body = {"messages": [{"role": "user", "content": f"Well, says {WORD}{number}x."}]}
                assert (await client.post("/v1/chat/completions", json=body)).status_code == 200
                turns = (await client.get("/v1/memories", params={"limit": 1000})).text
                assert WORD not in turns.lower().replace(f"{WORD}{number}x", "")
                assert f"{WORD}{number}x" in turns
    print(f"X07: {given_up} of {given_up + answered} requests of {USERS} users given up")
    assert min(given_up, answered) > REQUESTS // 20
