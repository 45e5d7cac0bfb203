"""A write of many steps, between which its maker waits for something else: all of it or nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from hmlr.store.port import Store
from hmlr.store.sql.gate import Gate
from hmlr.store.sql.move_write import remove_user
from hmlr.store.sql.store import SqlStore
from tests.store.making import ADA, BOB, turn


class Stop(Exception):
    """The work was ended from outside."""


@pytest.fixture
async def gate(store: Store) -> Gate:
    """The way to a database in which Ada and Bob are."""
    for user in (ADA, BOB):
        await store.add_turns(user, [turn()])
    assert isinstance(store, SqlStore)
    return store._gate


async def test_all_or_nothing(store: Store, gate: Gate) -> None:
    before = await store.tally(ADA)
    with suppress(Stop):
        async with gate.change(ADA) as transaction:
            await transaction.step(lambda c: remove_user(c, ADA))
            raise Stop
    assert await store.tally(ADA) == before
    async with gate.change(ADA) as transaction:
        await transaction.step(lambda c: remove_user(c, ADA))
    assert await store.every_user() == [BOB]


async def test_no_step_after_one_that_failed(store: Store, gate: Gate) -> None:
    def fail(_: object) -> None:
        raise Stop

    with pytest.raises(Stop):
        async with gate.change(ADA) as transaction:
            with suppress(Stop):
                await transaction.step(fail)
            await transaction.step(lambda c: remove_user(c, ADA))
    assert await store.every_user() == [ADA, BOB]


async def test_given_up_it_leaves_nothing(store: Store, gate: Gate) -> None:
    async def work() -> None:
        async with gate.change(ADA) as transaction:
            await transaction.step(lambda c: remove_user(c, ADA))
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.2)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert await store.every_user() == [ADA, BOB]
    await store.add_turns(ADA, [turn("Still at work")])
