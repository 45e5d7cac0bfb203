"""Order is that of arrival and ids are unique, whatever the clock says (F15)."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from hmlr.memory.intake import Intake
from hmlr.records import Message, SessionId
from hmlr.store.records import NewTurn, TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from tests.faults.figures import figure
from tests.store.making import ADA, later, message, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

HOURS = (0, -1, 24 * 365, 0, 1, 0)  # where the clock jumps to: back an hour, forth a year, summer time
PAGE = 10_000  # turns stored, and read, at a time
# Prints ids as fast as it can: several processes at once share each microsecond.
PROGRAM = """
import sys
from tests.faults.test_store_clock import taken
from tests.store.making import NOW
for number in range(int(sys.argv[1])):
    print(taken(str(number), NOW).turn_id)
"""


def taken(content: str, now: datetime) -> NewTurn:
    """A turn as the client takes it in."""
    intake = Intake(owner_name=None, max_message_chars=1000)
    return intake.turn(Message(content=content), session_id=SessionId("s"), now=now, jobs=())


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


async def test_turns_of_few_microseconds_keep_their_order(db_path: Path) -> None:
    """Ten thousand in each microsecond, between jumps of the clock."""
    total = figure(20_000, 1_000_000)
    given, stored = hashlib.sha256(), hashlib.sha256()
    store = await open_sqlite(db_path, slicer=slices, durability="fast")
    ids: set[str] = set()
    for start in range(0, total, PAGE):
        now = later(hours=HOURS[start // PAGE % len(HOURS)])
        turns = [taken(str(number), now) for number in range(start, start + PAGE)]
        ids.update(each.turn_id for each in turns)
        for each in turns:
            given.update(each.turn_id.encode())
        await store.add_turns(ADA, turns)
    assert len(ids) == total
    for start in range(0, total, PAGE):
        page = await store.turns(ADA, TurnQuery(after_seq=start, limit=PAGE))
        assert [each.seq for each in page] == list(range(start + 1, start + PAGE + 1))
        assert [each.messages[0].content for each in page] == [str(start + n) for n in range(PAGE)]
        for each in page:
            stored.update(each.turn_id.encode())
    assert stored.digest() == given.digest()
    print(f"F15: {total:,} turns in order")
    await store.aclose()


def test_ids_of_several_processes_never_collide() -> None:
    processes, count = 4, figure(2_000, 250_000)
    running = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, str(count)], stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    ids: list[str] = []
    for process in running:
        ids += process.communicate()[0].split()
        assert process.returncode == 0
    assert len(ids) == len(set(ids)) == processes * count
    print(f"F15: {len(ids):,} ids of {processes} processes, 0 collisions")
