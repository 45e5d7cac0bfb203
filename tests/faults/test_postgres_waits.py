"""Every call to a database server ends in time, with an error that says what was waited for (F17)."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text

from hmlr.errors import LockTimeout, PoolTimeout, StorageBusy, StorageUnreachable
from hmlr.store.care_records import ErasePlan
from hmlr.store.postgres.calls import EVERYBODY
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import PostgresStore, open_postgres
from hmlr.store.records import TurnQuery
from tests.faults.figures import FULL
from tests.faults.store_writer import said
from tests.faults.wire import Wire
from tests.places import past_hmlr
from tests.postgres import Server
from tests.store.making import ADA, BOB, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

ALWAYS_S = 10.0
BRIEF: dict[str, Any] = {} if FULL else {"call_timeout_s": 1.0, "pool_timeout_s": 0.4, "lock_timeout_s": 0.4}
MOST_S = ALWAYS_S if FULL else 3.0
CLOSING_S = 6.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def address(postgres_server: Server) -> str:
    return postgres_server.database()


@asynccontextmanager
async def opened(address: str, **given: Any) -> AsyncIterator[PostgresStore]:
    store = await open_postgres(Reach(url=address, **{**BRIEF, **given}), slicer=slices)
    try:
        yield store
    finally:
        await store.aclose()


@contextmanager
def within(seconds: float = MOST_S) -> Iterator[None]:
    """The block takes no longer."""
    begun = time.monotonic()
    yield
    took = time.monotonic() - begun
    assert took < seconds, took
    print(f"F17: told after {took:.1f} s")


def calls(store: PostgresStore) -> list[Callable[[], Awaitable[object]]]:
    """A read and a write."""
    return [lambda: store.turns(ADA, TurnQuery()), lambda: store.add_turns(ADA, [said("key", "key")])]


async def test_a_pool_without_a_free_connection_says_so(address: str) -> None:
    async with opened(address, pool_size=1) as store:
        await store.add_turns(ADA, [turn()])
        prompt = store._gate._prompt
        connection = await prompt.begin(BOB)
        for call in calls(store):
            with within(), pytest.raises(PoolTimeout):
                await call()
        await prompt.in_thread(lambda _: connection.close())
        assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_slow_exports_keep_nobody_else_from_a_connection(address: str) -> None:
    async with opened(address) as store:
        for user in (ADA, BOB):
            await store.add_turns(user, [turn()])
        exports = [store.export(ADA) for _ in range(10)]
        begun = await asyncio.gather(*map(anext, exports), return_exceptions=True)
        assert {type(each) for each in begun if isinstance(each, BaseException)} == {PoolTimeout}
        for call in calls(store):
            await call()
        await store.erase(BOB, ErasePlan(scope="everything", target="", everything=True), now=NOW)
        for export in exports:
            await export.aclose()
        assert [record async for record in store.export(ADA)]


async def test_work_that_takes_long_keeps_nobody_waiting(address: str) -> None:
    async with opened(address) as store:
        await store.add_turns(BOB, [turn()])
        long = asyncio.create_task(store._gate.patient.read(ADA, lambda _: time.sleep(1.5)))
        await asyncio.sleep(0.3)  # it is in Python by now
        assert len(await store.turns(BOB, TurnQuery())) == 1
        assert not long.done()
        await long


async def test_a_call_ends_in_time_whatever_the_others_do(address: str) -> None:
    async with opened(address, call_timeout_s=1.0, pool_timeout_s=0.4, lock_timeout_s=0.4) as store:
        long = asyncio.create_task(store._gate.read(ADA, lambda _: time.sleep(3)))
        await asyncio.sleep(0.3)
        with within(2), pytest.raises(StorageUnreachable):
            await store.turns(BOB, TurnQuery())
        await asyncio.gather(long, return_exceptions=True)


async def test_connections_that_were_ended_while_idle_are_replaced(address: str) -> None:
    async with opened(address, lock_timeout_s=5.0, call_timeout_s=9.0) as store:
        for _ in range(2):
            await asyncio.gather(*(store.turns(ADA, TurnQuery()) for _ in range(10)))
            past_hmlr(
                address,
                "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            await asyncio.gather(*(call() for call in calls(store) for _ in range(10)))
        assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_a_long_lock_is_not_waited_out(address: str) -> None:
    async with opened(address) as store:
        other = await asyncpg.connect(address)
        try:
            await other.execute(f"SELECT pg_advisory_lock(hashtextextended('{ADA}', {EVERYBODY}))")
            with within(), pytest.raises(LockTimeout):
                await store.add_turns(ADA, [said("key", "key")])
            await store.add_turns(BOB, [turn()])  # others go on
            await store.turns(ADA, TurnQuery())
            await other.execute("SELECT pg_advisory_unlock_all()")
            async with other.transaction():
                await other.execute("LOCK TABLE turns")
                for call in calls(store):
                    with within(), pytest.raises(LockTimeout):
                        await call()
        finally:
            await other.close()
        await store.add_turns(ADA, [said("key", "key")])


async def test_a_server_that_falls_silent_is_not_waited_for(postgres_server: Server, address: str) -> None:
    async with Wire(postgres_server).strung() as wire:
        reach = wire.url(address)
        async with opened(reach) as store:
            await asyncio.gather(*(store.turns(ADA, TurnQuery()) for _ in range(3)))
            wire.silent = True
            for _ in range(2):  # on connections that were open, and on new ones
                for call in calls(store):
                    with within(), pytest.raises(StorageUnreachable):
                        await call()
            with within(), pytest.raises(StorageUnreachable):
                async with opened(reach):
                    pass
            wire.silent = False
            wire.cut()
            for call in calls(store):
                await call()
            assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_a_store_whose_server_is_silent_closes(postgres_server: Server, address: str) -> None:
    async with Wire(postgres_server).strung() as wire:
        async with opened(wire.url(address)) as store:
            await asyncio.gather(*(store.turns(ADA, TurnQuery()) for _ in range(3)))
            await store.add_turns(ADA, [turn()])
            export = store.export(ADA)
            await anext(export)
            wire.silent = True
            begun = time.monotonic()
        assert time.monotonic() - begun < CLOSING_S


async def test_a_stopped_process_of_the_server_is_not_waited_for(address: str) -> None:
    async with opened(address, pool_size=1) as store:
        await store.turns(ADA, TurnQuery())
        ((backend,),) = past_hmlr(
            address,
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'hmlr' AND datname = current_database()",
        )
        os.kill(backend, signal.SIGSTOP)
        try:
            with within(), pytest.raises(StorageUnreachable):
                await store.add_turns(ADA, [said("key", "key")])
        finally:
            os.kill(backend, signal.SIGCONT)
        for _ in range(2):
            await store.add_turns(ADA, [said("key", "again")])
        assert len(await store.turns(ADA, TurnQuery())) == 1


async def test_work_that_takes_long_is_given_its_time(address: str) -> None:
    async with opened(address, call_timeout_s=1.5) as store:
        sleep = text("SELECT pg_sleep(1.9)")
        with pytest.raises(StorageBusy):
            await store._gate.read(ADA, lambda connection: connection.execute(sleep))
        await store._gate.patient.read(ADA, lambda connection: connection.execute(sleep))
        await store._gate.patient.write(None, lambda connection: connection.execute(sleep))
        with pytest.raises(StorageBusy):  # the patience ended with the call
            await store._gate.write(ADA, lambda connection: connection.execute(sleep))
