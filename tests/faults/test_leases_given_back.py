"""Who leaves a call or closes the memory, anywhere and however often, leaves no job leased (F20, F23).

The clock stands still: a lease that was left would never end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest
from anyio import CancelScope

from hmlr import HMLRClient, Message
from hmlr.core.relay_records import RelayRequest
from hmlr.errors import HMLRError
from hmlr.llm.records import ChatMessage
from hmlr.testing import ScriptedModel, hash_embedder
from tests import gardens
from tests.faults.cancels import At, cancelled_at, cancelled_from
from tests.faults.doors import Clock, door, settled
from tests.faults.figures import figure
from tests.faults.jobs import left_doing

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

ways = pytest.mark.parametrize("way", [cancelled_at, cancelled_from])
Way = Callable[..., Awaitable[bool]]


async def relayed(hmlr: HMLRClient, said: str) -> None:
    request = RelayRequest(messages=(ChatMessage(role="user", content=said),))
    async for _ in hmlr.relay(request):
        pass


@ways
@pytest.mark.parametrize("relay", [False, True])
async def test_a_turn_that_is_left(db_path: Path, way: Way, relay: bool) -> None:
    async with door(db_path, embedder=hash_embedder(), clock=Clock()) as hmlr:
        k = 0

        async def call() -> None:
            said = f"I keep {k} bees on the roof."
            await (relayed(hmlr, said) if relay else hmlr.chat(said))

        while not await way(call, k := k + 1):
            await settled(hmlr)
        assert k > 5
        await settled(hmlr)
        assert all(turn.block_id for turn in await hmlr.turns())


@pytest.mark.parametrize("again", [False, True])
async def test_gardening_that_is_left(db_path: Path, again: bool) -> None:
    await gardens.sow(db_path, 12)
    async with door(db_path, clock=Clock()) as hmlr:
        for moment in range(figure(15, 300)):
            gardening = asyncio.create_task(hmlr.garden())
            await asyncio.sleep(moment % 30 * 0.003)
            while gardening.cancel() and again:
                await asyncio.sleep(0)
            await asyncio.wait([gardening])
            assert left_doing(db_path) == 0
        assert (await hmlr.garden()).pending == 0


async def closed_at(hmlr: HMLRClient, k: int) -> bool:
    """Close the memory at the k-th suspension of a turn; whether that came to its end first."""
    closing: list[asyncio.Task[None]] = []
    with suppress(HMLRError):
        await At(hmlr.chat("I keep bees."), k, lambda: closing.append(asyncio.create_task(hmlr.aclose())))
    await (closing[0] if closing else hmlr.aclose())
    return not closing


async def test_a_memory_that_is_closed_during_a_turn(db_path: Path) -> None:
    k = 1
    while not await closed_at(await door(db_path, embedder=hash_embedder()).__aenter__(), k):
        assert left_doing(db_path) == 0
        k += 1
    assert k > 5


async def test_a_memory_that_is_closed_by_who_is_cancelled(db_path: Path) -> None:
    model = ScriptedModel({}, delay_s=60)
    hmlr = await door(db_path, model=model).__aenter__()
    await hmlr.remember([Message(content="My sister Ruth plays the bassoon.")] * 3)
    while not model.requests:
        await asyncio.sleep(0.01)
    with CancelScope() as scope:
        scope.cancel()
        await hmlr.aclose()
    assert left_doing(db_path) == 0
