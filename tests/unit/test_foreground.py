"""Turns go first: how many batches that ask a model run beside them."""

from __future__ import annotations

import asyncio

import pytest

from hmlr.memory import foreground
from hmlr.memory.foreground import ALONE, BESIDE, Foreground
from hmlr.records import UserId


class Batches:
    """Batches that run until they are told to end."""

    def __init__(self, wanted: int, before: Foreground) -> None:
        self.running = 0
        self.ending = asyncio.Event()
        self.tasks = [asyncio.create_task(self._one(before)) for _ in range(wanted)]

    async def _one(self, before: Foreground) -> None:
        async with before.batch(UserId("ada")):
            self.running += 1
            try:
                await self.ending.wait()
            finally:
                self.running -= 1


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_few_run_beside_a_turn_and_many_when_it_was_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "WAIT_S", 0.01)
    monkeypatch.setattr(foreground, "GAP_S", 0.2)
    turns = Foreground()
    with turns.turn():
        batches = Batches(ALONE + 1, turns)
        await asyncio.sleep(0.1)
        assert batches.running == BESIDE
    await settle()
    assert batches.running == BESIDE
    await asyncio.sleep(0.3)
    assert batches.running == ALONE
    batches.ending.set()
    await asyncio.gather(*batches.tasks)
    assert batches.running == 0


async def test_the_next_message_finds_the_way_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "GAP_S", 0.2)
    turns = Foreground()
    with turns.turn():
        batches = Batches(1, turns)
    for _ in range(4):  # the gap begins anew after each
        await asyncio.sleep(0.1)
        assert batches.running == 0
        with turns.turn():
            pass
    await asyncio.sleep(0.3)
    assert batches.running == 1
    batches.ending.set()
    await asyncio.gather(*batches.tasks)


async def test_one_that_is_given_up_leaves_its_place_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreground, "WAIT_S", 0.01)
    turns = Foreground()
    with turns.turn():
        batches = Batches(BESIDE + 2, turns)
        await asyncio.sleep(0.1)
        batches.tasks[0].cancel()  # it runs
        batches.tasks[BESIDE].cancel()  # it waits
        await settle()
        assert batches.running == BESIDE
        batches.ending.set()
        done = await asyncio.gather(*batches.tasks, return_exceptions=True)
    assert sum(isinstance(each, asyncio.CancelledError) for each in done) == 2
    async with turns.batch(UserId("ada")):
        pass


async def test_what_a_turn_waits_for_goes_at_once() -> None:
    turns = Foreground()
    ada, bob = UserId("ada"), UserId("bob")
    begun: list[str] = []

    async def one(user: UserId) -> None:
        async with turns.batch(user):
            begun.append(user)

    with turns.turn():
        tasks = [asyncio.create_task(one(user)) for user in (bob, ada)]
        await settle()
        assert begun == []
        with turns.awaiting(ada):
            await settle()
            assert begun == ["ada"]
        await settle()
        assert begun == ["ada"]
    await asyncio.gather(*tasks)
    assert begun == ["ada", "bob"]
