"""Order is that of arrival, whatever the clock says (F15)."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr.store.records import TurnQuery
from hmlr.store.sqlite import open_sqlite
from tests.store.making import ADA, later, message, slices, turn

pytestmark = pytest.mark.faults


async def test_a_jumping_clock_changes_no_order(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    for number, hours in enumerate((0, -1, 24 * 365, 0, 0)):
        moment = later(hours=hours)
        given = turn(message(str(number), occurred_at=moment, recorded_at=moment), jobs=("scrub",))
        await store.add_turns(ADA, [given])
    assert [t.messages[0].content for t in await store.turns(ADA, TurnQuery())] == list("01234")
    leases = await store.claim(ADA, "scrub", limit=9, lease_s=9, now=later(hours=-2))
    assert len(leases) == 5
    await store.aclose()


async def test_ten_thousand_turns_of_one_microsecond_keep_their_order(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    given = [turn(str(number)) for number in range(10_000)]
    await store.add_turns(ADA, given)
    assert [t.turn_id for t in await store.turns(ADA, TurnQuery())] == [t.turn_id for t in given]
    await store.aclose()
