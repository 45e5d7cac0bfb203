"""A database server that is killed, a network that breaks: nothing answered is lost or stored twice (F16)."""

from __future__ import annotations

import asyncio
import time

import pytest

from hmlr.errors import StorageBusy, StorageUnreachable, TryLater
from hmlr.store.port import Store
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres
from hmlr.store.records import TurnQuery
from tests.faults.figures import figure
from tests.faults.store_writer import said
from tests.faults.wire import Wire
from tests.postgres import Server
from tests.store.making import ADA, BOB, slices

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
BACK_S = 5.0


class Ledger:
    """What writers were told: by key, the id of the turn, or that nobody knows."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}
        self.unknown: set[str] = set()

    async def write(self, store: Store, key: str) -> None:
        """Store a turn under its key, and note the answer."""
        user = BOB if key.endswith("b") else ADA
        try:
            (added,) = await store.add_turns(user, [said(key, key)])
        except TryLater as error:
            assert isinstance(error, (StorageUnreachable, StorageBusy)), error
            assert "postgres:" not in str(error)
            self.unknown.add(key)
        else:
            assert self.stored.setdefault(key, added.turn_id) == added.turn_id
            self.unknown.discard(key)

    async def write_many(self, store: Store, name: str) -> None:
        """Eight at once, of two users."""
        await asyncio.gather(*(self.write(store, f"{name}-{lane}{'ab'[lane % 2]}") for lane in range(8)))

    async def repeat(self, store: Store) -> None:
        """Say again what got no answer, twice: the same turn both times."""
        for key in sorted(self.unknown):
            for _ in range(2):
                await self.write(store, key)
        assert not self.unknown

    async def verify(self, store: Store) -> None:
        """All are there, once."""
        turns = [turn for user in (ADA, BOB) for turn in await store.turns(user, TurnQuery())]
        assert sorted(turn.turn_id for turn in turns) == sorted(self.stored.values())
        assert len({turn.messages[0].content for turn in turns}) == len(turns) == len(self.stored)
        assert all(check.ok for check in await store.check()), await store.check()


@pytest.fixture
def address(postgres_server: Server) -> str:
    return postgres_server.database()


async def test_a_commit_of_which_no_answer_came_is_resolved_by_its_key(
    postgres_server: Server, address: str
) -> None:
    ledger = Ledger()
    repeated = 0
    async with Wire(postgres_server).strung() as wire:
        store = await open_postgres(Reach(url=wire.url(address)), slicer=slices)
        for number in range(figure(6, 100)):
            wire.cut_at_commit = "after" if number % 2 else "before"
            await ledger.write_many(store, str(number))
            assert wire.cut_at_commit == ""
            assert ledger.unknown
            repeated += len(ledger.unknown)
            await ledger.repeat(store)
        await ledger.verify(store)
        await store.aclose()
    print(f"F16: {wire.cuts} cuts in a commit, {repeated} writes without an answer: 0 lost, 0 double")


async def test_a_killed_server_costs_no_answered_write_and_is_used_again(
    postgres_server: Server, address: str
) -> None:
    ledger = Ledger()
    back: list[float] = []
    store = await open_postgres(Reach(url=address), slicer=slices)
    for number in range(figure(2, 100)):
        writing = asyncio.create_task(ledger.write_many(store, f"{number}-0"))
        await asyncio.sleep(0.003 * (number % 10))
        postgres_server.kill()
        await writing
        with pytest.raises(StorageUnreachable):
            await store.turns(ADA, TurnQuery())
        await asyncio.to_thread(postgres_server.start)
        begun = time.monotonic()
        while True:  # the server may still be recovering
            try:
                await store.turns(ADA, TurnQuery(limit=1))
            except StorageUnreachable:
                await asyncio.sleep(0.05)
            else:
                break
        back.append(time.monotonic() - begun)
        assert back[-1] < BACK_S
        await ledger.repeat(store)
        await ledger.write_many(store, f"{number}-1")
        assert not ledger.unknown
    await ledger.verify(store)
    await store.aclose()
    print(f"F16: {len(back)} kills, {len(ledger.stored)} turns: 0 lost, 0 double; back in {max(back):.2f} s")


async def test_a_server_that_is_away_is_said_to_be(postgres_server: Server, address: str) -> None:
    async with Wire(postgres_server).strung() as wire:
        store = await open_postgres(Reach(url=wire.url(address)), slicer=slices)
        wire.down = True
        wire.cut()
        for call in (store.turns(ADA, TurnQuery()), store.add_turns(ADA, [said("k", "k")])):
            with pytest.raises(StorageUnreachable, match="reached") as told:
                await call
            assert "127.0.0.1" not in str(told.value)
        wire.down = False
        await store.add_turns(ADA, [said("k", "k")])
        await store.aclose()
