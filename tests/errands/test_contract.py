"""The contract of the workers' queues, on both adapters; the work is the test's own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hmlr.core.services import utc_now
from hmlr.errands.on_procrastinate import open_procrastinate
from hmlr.errands.port import PARK_AFTER, Errand, Errands, Shift
from hmlr.errands.table import TableErrands
from hmlr.records import Queue, UserId
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import open_postgres
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import slices

SHIFT = Shift(queues=("learn", "garden"), concurrency=3, every_s=0.4, lease_s=2.0, retry_s=0.01, grace_s=0.2)
ADA = UserId("ada")


@pytest.fixture(params=["table", "procrastinate"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | Reach:
    if request.param == "table":
        return tmp_path / "memory.db"
    return Reach(url=request.getfixturevalue("postgres_url"))


@pytest.fixture
async def errands(place: Path | Reach) -> AsyncIterator[Errands]:
    if isinstance(place, Path):
        file = await open_sqlite(place, slicer=slices, durability="fast")
        yield TableErrands(file, utc_now)
        await file.aclose()
        return
    store = await open_postgres(place, slicer=slices)
    queue = await open_procrastinate(place, store, utc_now, lease_s=SHIFT.lease_s)
    yield queue
    await queue.aclose()
    await store.aclose()


class Work:
    """Counts who is looked at, and who by two at once."""

    def __init__(self, garden: Sequence[str] = (), learn: Sequence[str] = ()) -> None:
        self.left = {"garden": list(garden), "learn": list(learn)}
        self.done: Counter[str] = Counter()
        self.order: list[Queue] = []  # of what was done
        self.at: Counter[str] = Counter()
        self.most = 0
        self.twice = False
        self.again: list[datetime] = []
        self.fails: set[str] = set()
        self.takes_s = 0.02
        self.cancelled = 0

    async def users_left(self, queue: Queue) -> Sequence[UserId]:
        return [UserId(user) for user in self.left[queue]]

    async def do(self, errand: Errand) -> datetime | None:
        self.at[errand.user] += 1
        self.twice |= self.at[errand.user] > 1
        self.most = max(self.most, self.at.total())
        try:
            await asyncio.sleep(self.takes_s)
            self.done[errand.user] += 1
            self.order.append(errand.queue)
            if errand.user in self.fails:
                raise ValueError("it always fails")
            if self.again:
                return self.again.pop()
            if errand.user in self.left[errand.queue]:
                self.left[errand.queue].remove(errand.user)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        else:
            return None
        finally:
            self.at[errand.user] -= 1


@asynccontextmanager
async def serving(errands: Errands, *works: Work, shift: Shift = SHIFT) -> AsyncIterator[None]:
    """A worker for each."""
    stop = asyncio.Event()
    running = [asyncio.create_task(errands.serve(work, shift, stop)) for work in works]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*running)


async def until_done(work: Work, wanted: dict[str, int]) -> None:
    async with asyncio.timeout(15):
        while any(work.done[user] < count for user, count in wanted.items()):
            await asyncio.sleep(0.01)


async def until_at(work: Work, user: str) -> None:
    async with asyncio.timeout(10):
        while not work.at[user]:
            await asyncio.sleep(0.01)


async def test_each_user_is_looked_at_and_so_many_at_a_time(errands: Errands) -> None:
    users = [f"user{number}" for number in range(7)]
    work = Work(garden=users, learn=users[:2])
    work.takes_s = 0.2
    async with serving(errands, work):
        await until_done(work, {user: 2 if user in users[:2] else 1 for user in users})
    assert not work.twice
    assert work.most == 3


async def test_who_is_to_be_looked_at_again_is(errands: Errands) -> None:
    work = Work(garden=["ada"])
    work.again = [datetime.now(UTC) + timedelta(seconds=0.2), datetime.now(UTC) - timedelta(days=1)]
    async with serving(errands, work):
        await until_done(work, {"ada": 3})


async def test_an_errand_that_is_put_off_hinders_no_other_one_of_the_user(errands: Errands) -> None:
    work = Work(learn=["ada"])
    work.again = [datetime.now(UTC) + timedelta(hours=1)]
    async with serving(errands, work):
        await until_done(work, {"ada": 1})
        work.left["garden"].append("ada")
        await until_done(work, {"ada": 2})
    assert work.order == ["learn", "garden"]


async def test_an_errand_that_nobody_serves_hinders_no_other_one_of_the_user(errands: Errands) -> None:
    work = Work(learn=["ada"])
    work.takes_s = 60
    async with serving(errands, work):
        await until_at(work, "ada")
    work.left["garden"].append("ada")
    work.takes_s = 0
    async with serving(errands, work, shift=replace(SHIFT, queues=("garden",))):
        await until_done(work, {"ada": 1})
    assert work.order == ["garden"]


async def test_nobody_is_at_a_user_of_both_queues_twice(errands: Errands) -> None:
    users = [f"user{number}" for number in range(9)]
    work = Work(garden=users, learn=users)
    works = (work,) if isinstance(errands, TableErrands) else (work, work, work)
    async with serving(errands, *works):
        await until_done(work, dict.fromkeys(users, 2))
    assert not work.twice
    assert Counter(work.order) == {"learn": 9, "garden": 9}


async def test_what_fails_is_parked_and_the_others_go_on(errands: Errands) -> None:
    work = Work(garden=["ada", "bob", "cid"])
    work.fails = {"bob"}
    async with serving(errands, work):
        await until_done(work, {"ada": 1, "cid": 1})
        work.left["garden"].append("dan")
        await until_done(work, {"dan": 1})


async def test_too_many_failures_park_an_errand(errands: Errands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmlr.errands.port.BACK_OFF_TIMES", 1.0)
    work = Work(garden=["ada"])
    work.fails = {"ada"}
    async with serving(errands, work):
        await until_done(work, {"ada": PARK_AFTER})
        await asyncio.sleep(1.0)  # it is looked for users twice meanwhile
        assert work.done["ada"] == PARK_AFTER
        if not isinstance(errands, TableErrands):
            assert (await errands.state()).queues[-1].failed == 1
            work.fails = set()
            assert await errands.retry(ADA) == 1
            await until_done(work, {"ada": PARK_AFTER + 1})


async def test_who_is_stopped_is_cancelled_after_the_grace_and_looked_at_by_the_next(
    errands: Errands,
) -> None:
    work = Work(garden=["ada"])
    work.takes_s = 60
    async with serving(errands, work):
        await until_at(work, "ada")
        begun = asyncio.get_running_loop().time()
    assert work.cancelled == 1
    assert asyncio.get_running_loop().time() - begun < 5
    assert [each.running for each in (await errands.state()).queues] == [0, 0]
    work.takes_s = 0
    async with serving(errands, work):
        await until_done(work, {"ada": 1})


async def test_workers_beside_each_other_are_not_at_one_user(errands: Errands) -> None:
    if isinstance(errands, TableErrands):
        pytest.skip("the store's leases keep them apart there: tests/faults/test_workers.py")
    users = [f"user{number}" for number in range(12)]
    work = Work(garden=users)
    work.takes_s = 0.2
    async with serving(errands, work, work, work):
        await until_done(work, dict.fromkeys(users, 1))
    assert not work.twice
    assert work.most > 3
