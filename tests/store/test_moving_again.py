"""A move that was broken off, or whose source is in use: users are there wholly or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from hmlr import move
from hmlr.errors import Conflict
from hmlr.records import MoveReport, UserId
from hmlr.store.move_records import Tally
from hmlr.store.port import Store
from hmlr.store.records import TurnQuery
from tests.moving import ADA, BOB, CAROL, USERS, Stop, client, opened, run, stopping, tallies
from tests.store.making import turn
from tests.store.reading import state_of


async def test_a_user_who_is_half_copied_is_not_there(source: Store, store: Store) -> None:
    rows = await source.row_count(ADA)
    for steps in range(1, rows + 1, 2):
        with pytest.raises(Stop):
            await run(source, store, progress=stopping(steps))
        assert await store.every_user() == []
    with pytest.raises(Stop):
        await run(source, store, progress=stopping(2 * rows))
    assert await store.every_user() == [ADA]
    (wrong,) = [check for check in await store.check() if not check.ok]
    assert (wrong.name, wrong.detail) == ("move", "a move of 2 users into this database was not finished")
    assert (await run(source, store)).here == 1
    assert all(check.ok for check in await store.check())
    assert await store.tally(ADA) == await source.tally(ADA)


async def test_a_copy_is_made_anew_when_its_source_has_changed(source: Store, store: Store) -> None:
    with pytest.raises(Stop):
        await run(source, store, progress=stopping(2 * await source.row_count(ADA)))
    before = (await state_of(store, ADA, "m")).epoch
    await source.add_turns(ADA, [turn("Bergen too")])
    assert (await run(source, store)).here == 0
    assert await store.tally(ADA) == await source.tally(ADA)
    assert (await state_of(store, ADA, "m")).epoch > before  # whoever has read search data reads it again
    assert set(await store.postings(ADA, ["oslo", "bergen"])) == {"oslo", "bergen"}
    assert all(check.ok for check in await store.check()), await store.check()
    with pytest.raises(Conflict):  # the move is done: from now on it is a memory like any other
        await source.add_turns(ADA, [turn("And more")])
        await run(source, store)


async def test_what_was_forgotten_between_two_runs_leaves_the_files(tmp_path: Path) -> None:
    here, there = tmp_path / "here.db", tmp_path / "there.db"
    async with client(here) as ada:
        told = await ada.chat("The word is xylophone77.")
    source, target = await opened(here), await opened(there)
    with pytest.raises(Stop):
        await run(source, target, progress=stopping(2 * await source.row_count(ADA)))
    assert await target.every_user() == [ADA]
    await source.aclose()
    async with client(here) as ada:
        await ada.forget(turn_id=told.turn_id)
    source = await opened(here)
    rows = await source.row_count(ADA)
    with pytest.raises(Stop):  # a kill before the files are rewritten
        await run(source, target, progress=stopping(2 * rows))
    assert await target.purge_pending()
    await run(source, target)
    assert not await target.purge_pending()
    for store in (source, target):
        await store.aclose()
    assert b"xylophone77" not in there.read_bytes()


class Busy:
    """A source in which Bob says something after each copy of his memory, so many times."""

    def __init__(self, store: Store, times: int) -> None:
        self._store = store
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def tally(self, user: UserId) -> Tally:
        """Asked for when all are copied."""
        if user == BOB and self._times:
            self._times -= 1
            await self._store.add_turns(BOB, [turn("Meanwhile")])
        return await self._store.tally(user)


async def test_a_source_in_use_is_followed(source: Store, store: Store) -> None:
    report = await run(cast("Store", Busy(source, 2)), store)
    assert (report.left, report.users) == ((), (ADA, BOB))
    assert await store.tally(BOB) == await source.tally(BOB)
    assert len(await store.turns(BOB, TurnQuery())) == 3


async def test_who_goes_on_changing_is_left_for_the_next_run(source: Store, store: Store) -> None:
    report = await run(cast("Store", Busy(source, 3)), store)
    assert (report.users, report.left) == ((ADA,), (BOB,))
    assert await store.tally(BOB) != await source.tally(BOB)
    assert (await run(source, store)).left == ()
    assert await store.tally(BOB) == await source.tally(BOB)


async def test_two_moves_at_once_are_one(own: Path, url: str) -> None:
    await asyncio.gather(
        move(own, url, user_id=ADA), move(own, url, user_id=BOB), move(own, url, user_id=CAROL)
    )
    reports = await asyncio.gather(*(move(own, url) for _ in range(2)), return_exceptions=True)
    assert any(isinstance(report, MoveReport) for report in reports), reports
    assert await tallies(url) == await tallies(own)


async def test_a_second_run_finds_all_done(own: Path, url: str) -> None:
    await move(own, url)
    steps: list[tuple[int, int]] = []
    report = await move(own, url, progress=lambda done, total: steps.append((done, total)))
    assert (report.users, report.here, report.tokens) == (USERS, 4, 0)
    assert steps[-1][0] == steps[-1][1] == 3 * report.rows
