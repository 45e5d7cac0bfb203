"""A call cancelled anywhere has happened or has not, and the client goes on (F20)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import InvalidInput
from hmlr.testing import hash_embedder
from tests.faults.cancels import Call, cancelled_at
from tests.faults.doors import Clock, door, said, settled
from tests.faults.figures import figure
from tests.opening import Place
from tests.places import holds

pytestmark = [pytest.mark.faults, pytest.mark.one_store, pytest.mark.timeout(300)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def hmlr(database: Place, clock: Clock) -> AsyncIterator[HMLRClient]:
    async with door(database, embedder=hash_embedder(), clock=clock) as client:
        await client.chat("My name is Ada and I live in Oslo.", session_id="first")
        await settled(client)
        yield client


async def at_every_point(call: Call, after: Callable[[], Awaitable[None]], *, moments: int = 15) -> int:
    """Cancel at every suspension, and at some moments between them; the number of suspensions."""
    k = 1
    while not await cancelled_at(call, k):
        await after()
        k += 1
        assert k < 500
    for moment in range(figure(moments, 20 * moments)):
        task = asyncio.create_task(call())
        await asyncio.sleep(moment % 40 * 0.0007)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await after()
    return k


async def test_chat(hmlr: HMLRClient, clock: Clock) -> None:
    kept: list[str] = await said(hmlr)

    async def after() -> None:
        now = await said(hmlr)
        assert now[: len(kept)] == kept
        kept[:] = now

    points = await at_every_point(lambda: hmlr.chat("What is my name?", session_id="x"), after)
    assert points > 5
    reply = await hmlr.chat("Where do I live?", session_id="x")
    assert not reply.degraded
    await settled(hmlr, clock)
    assert all(turn.block_id for turn in await hmlr.turns())
    assert [block.state for block in await hmlr.blocks()].count("ACTIVE") == 1
    assert (await hmlr.stats()).jobs_failed == 0


async def test_a_cancelled_chat_is_routed_without_waiting_for_its_lease(database: Place) -> None:
    """The clock stands still here, so that no lease runs out."""
    async with door(database, embedder=hash_embedder(delay_s=0.1), clock=Clock()) as hmlr:
        task = asyncio.create_task(hmlr.chat("I keep bees on the roof."))
        while not await said(hmlr):
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.02)  # it waits for the embedder by now
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await settled(hmlr)
        assert (await hmlr.turns())[0].block_id


async def test_recall(hmlr: HMLRClient) -> None:
    async def after() -> None:
        assert "Oslo" in (await hmlr.recall("Where does Ada live?"))[0].text

    assert await at_every_point(lambda: hmlr.recall("Where does Ada live?"), after) > 3


async def test_remember_and_again_with_its_key(hmlr: HMLRClient) -> None:
    number = 0
    kept = await said(hmlr)

    def call() -> Coroutine[Any, Any, object]:
        messages = [Message(content=f"note {number} {part}") for part in range(3)]
        return hmlr.remember(messages, session_id="x", idempotency_key=str(number))

    async def after() -> None:
        nonlocal number
        added = (await said(hmlr))[len(kept) :]
        wanted = [f"note {number} {part}" for part in range(3)]
        assert added in ([], wanted)  # all or none
        receipt: Any = await call()
        assert receipt.stored + receipt.repeated == 3
        kept.extend(wanted)
        assert await said(hmlr) == kept
        number += 1

    await at_every_point(call, after)


async def written(hmlr: HMLRClient) -> None:
    """Wait until a cancelled write that had begun is done: writes come one after the other."""
    await hmlr.remember([Message(content="between")], session_id="between")


async def test_forget(hmlr: HMLRClient, database: Place) -> None:
    """Begun, it is finished: no byte is left even when nobody waited for the certificate."""
    turn_id = ""

    async def plant() -> None:
        nonlocal turn_id
        turn_id = (await hmlr.chat("The xylophonequartz is under the bed.", session_id="x")).turn_id
        await hmlr.flush()

    async def after() -> None:
        await written(hmlr)
        if any(turn.turn_id == turn_id for turn in await hmlr.turns()):
            await hmlr.forget(turn_id=turn_id)
        for _ in range(300):  # the files may still be in work
            if not await asyncio.to_thread(holds, database, "xylophonequartz"):
                break
            await asyncio.sleep(0.01)
        assert not await asyncio.to_thread(holds, database, "xylophonequartz")
        assert (await said(hmlr))[0] == "My name is Ada and I live in Oslo."
        await plant()

    await plant()
    await at_every_point(lambda: hmlr.forget(turn_id=turn_id), after, moments=5)


async def test_retire_and_restore(hmlr: HMLRClient) -> None:
    (fact,) = await hmlr.facts(key="lives_in")
    states: set[str] = set()

    async def after() -> None:
        await written(hmlr)
        history = await hmlr.history(fact.fact_id)
        states.add(history.facts[0].state)
        await hmlr.restore(fact.fact_id)
        assert [each.value for each in await hmlr.facts(key="lives_in")] == [fact.value]

    await at_every_point(lambda: hmlr.retire(fact.fact_id, "moved"), after)
    assert states == {"active", "superseded"}


async def test_correct_is_whole_or_not_begun(hmlr: HMLRClient) -> None:
    async def after() -> None:
        with suppress(InvalidInput):  # corrected already
            await hmlr.correct(fact.fact_id, "Bergen")
        (turn,) = [turn for turn in await hmlr.turns() if turn.messages[0].content.startswith("Correction")]
        (new,) = [each for each in await hmlr.facts() if each.value == "Bergen"]
        assert new.turn_id == turn.turn_id
        await hmlr.forget(turn_id=turn.turn_id)
        await hmlr.restore(fact.fact_id)

    (fact,) = await hmlr.facts(key="lives_in")
    await at_every_point(lambda: hmlr.correct(fact.fact_id, "Bergen"), after, moments=5)


async def test_a_stream_that_is_left_is_no_harm(hmlr: HMLRClient, clock: Clock) -> None:
    stream = hmlr.chat_stream("What is my name?", session_id="x")
    async for _ in stream:
        break
    await stream.aclose()  # type: ignore[attr-defined]
    await settled(hmlr, clock)
    assert (await hmlr.turns())[-1].block_id
    assert (await hmlr.chat("And where do I live?", session_id="x")).text


async def test_closing_while_calls_run(database: Place) -> None:
    """What had a receipt is there; what had none ends with an error of ours, and nothing hangs."""
    client = door(database, embedder=hash_embedder())
    await client.__aenter__()
    calls = [asyncio.create_task(client.chat(f"message {number}")) for number in range(8)]
    await asyncio.sleep(0.03)
    await asyncio.wait_for(client.aclose(), 5)
    outcomes = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 5)
    async with door(database) as again:
        ids = {turn.turn_id for turn in await again.turns()}
    assert {outcome.turn_id for outcome in outcomes if not isinstance(outcome, BaseException)} <= ids
