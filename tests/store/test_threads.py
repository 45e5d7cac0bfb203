"""Group commit, cancelled calls, and who may call (F20, F21, F22)."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hmlr.errors import ClosedError, InvalidInput, StorageError
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite import files as sqlite_files
from hmlr.store.sqlite.engine import Link
from hmlr.store.sqlite.locking import WriteLock
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.figures import figure
from tests.opening import Place
from tests.store.making import ADA, BOB, message, slices, turn

pytestmark = pytest.mark.faults


@pytest.mark.timeout(figure(20, 900))
async def test_a_failing_call_costs_its_group_nothing(store: SqliteStore, db_path: Path) -> None:  # F21
    rounds = figure(20, 1000)

    async def write(number: int) -> bool:
        bad = number % 2
        # The speaker is refused by the driver, when the turn's row is written already.
        said = message("x", speaker="\ud800") if bad else message(str(number))
        try:
            await store.add_turns(ADA, [turn(said)])
        except InvalidInput:
            assert bad
            return False
        return True

    stored = 0
    for _ in range(rounds):
        stored += sum(await asyncio.gather(*(write(number) for number in range(64))))
    turns = await store.turns(ADA, TurnQuery())
    assert len(turns) == stored == rounds * 32
    assert [one.seq for one in turns] == list(range(1, stored + 1))


class FailingOnCommit:
    """A connection on which the disk fails at COMMIT."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def execute(self, statement: str) -> Any:
        if statement == "COMMIT":
            raise sqlite3.OperationalError("disk I/O error")
        return self._raw.execute(statement)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


async def test_a_failed_commit_is_told_to_all_and_the_connection_thrown_away(
    store: SqliteStore, db_path: Path
) -> None:
    writer = store._gate._writer
    link = await store._gate.alone(lambda link: link)
    writer._link = Link(link.connection, FailingOnCommit(link.raw))  # type: ignore[arg-type]
    calls = [store.add_turns(ADA, [turn()]) for _ in range(5)]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    failed = [outcome for outcome in outcomes if isinstance(outcome, StorageError)]
    assert failed
    assert len(await store.turns(ADA, TurnQuery())) == 5 - len(failed)
    await store.add_turns(ADA, [turn()])
    assert len(await store.turns(ADA, TurnQuery())) == 6 - len(failed)


async def test_a_call_cancelled_in_the_queue_is_dropped(store: SqliteStore, db_path: Path) -> None:
    with WriteLock(sqlite_files.lock_path(db_path), needed=True, timeout_s=5).held():
        running = asyncio.create_task(store.add_turns(ADA, [turn("running")]))
        await asyncio.sleep(0.05)  # it waits for the lock by now
        queued = [asyncio.create_task(store.add_turns(ADA, [turn("queued")])) for _ in range(5)]
        await asyncio.sleep(0)
        for task in queued:
            task.cancel()
        kept = asyncio.create_task(store.add_turns(ADA, [turn("kept")]))
        await asyncio.sleep(0.01)
    await asyncio.gather(running, kept)
    assert all(task.cancelled() for task in queued)
    assert [one.messages[0].content for one in await store.turns(ADA, TurnQuery())] == ["running", "kept"]


async def test_a_call_cancelled_anywhere_happens_wholly_or_not_at_all(store: SqliteStore) -> None:  # F20
    for number in range(60):
        task = asyncio.create_task(store.add_turns(ADA, [turn(f"a{number}\nb"), turn("c", jobs=("embed",))]))
        await asyncio.sleep(number * 0.00005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.add_turns(ADA, [turn("after")])  # the way is free
    stats = await store.stats(ADA)
    assert stats.turns % 2 == 1
    assert stats.jobs_waiting == (stats.turns - 1) // 2
    assert all(check.ok for check in await store.check())


async def test_a_cancelled_read_leaves_the_readers_well(store: SqliteStore, db_path: Path) -> None:
    await store.add_turns(ADA, [turn(str(n)) for n in range(200)])
    for number in range(40):
        task = asyncio.create_task(store.turns(ADA, TurnQuery()))
        await asyncio.sleep(number * 0.0001)
        task.cancel()
    assert len(await store.turns(ADA, TurnQuery())) == 200


async def test_reads_go_on_while_a_write_waits(store: SqliteStore, db_path: Path) -> None:
    await store.add_turns(ADA, [turn()])
    with WriteLock(sqlite_files.lock_path(db_path), needed=True, timeout_s=5).held():
        late = asyncio.create_task(store.add_turns(ADA, [turn()]))
        found = await asyncio.gather(*(store.turns(ADA, TurnQuery()) for _ in range(20)))
        assert {len(turns) for turns in found} == {1}
        assert not late.done()
    await late


async def test_closing_finishes_what_is_queued(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    writes = [asyncio.create_task(store.add_turns(ADA, [turn()])) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.gather(store.aclose(), store.aclose(), *writes)
    assert sorted(file.name for file in db_path.parent.iterdir()) == ["memory.db", "memory.db.lock"]
    again = await open_sqlite(db_path, slicer=slices)
    assert (await again.stats(ADA)).turns == 100
    await again.aclose()


async def test_a_closed_store_says_so(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    await store.aclose()
    for call in (store.add_turns(ADA, [turn()]), store.turns(ADA, TurnQuery()), store.purge_files()):
        with pytest.raises(ClosedError):
            await call
    with pytest.raises(ClosedError):
        await anext(store.export(ADA))


async def test_another_loop_is_refused(store: SqliteStore) -> None:  # F22
    def elsewhere() -> None:
        with pytest.raises(ClosedError, match="loop"):
            asyncio.run(store.turns(ADA, TurnQuery()))

    await asyncio.to_thread(elsewhere)


FORK = """
import asyncio, os, sys
from hmlr.errors import ClosedError
from hmlr.store.records import TurnQuery
from tests.opening import open_place

async def main():
    store = await open_place(sys.argv[1], slicer=lambda text: [])
    await store.users()
    child = os.fork()
    if child == 0:
        try:
            store.users().send(None)
        except ClosedError:
            os._exit(7)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    await store.users()
    await store.aclose()
    print("well", flush=True)

asyncio.run(main())
"""

NOT_CLOSED = """
import asyncio, sys
from tests.opening import open_place

async def main():
    store = await open_place(sys.argv[1], slicer=lambda text: [])
    await store.users()
    asyncio.ensure_future(store.drop_knowledge("ada"))
    print("well", flush=True)
    return store

kept = asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
@pytest.mark.parametrize("program", [FORK, NOT_CLOSED])
def test_forking_and_leaving_open_end_quickly(database: Place, program: str) -> None:  # F22
    command = [sys.executable, "-c", program, database]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        begun = time.monotonic()
        _, error = process.communicate(timeout=15)
    assert (process.returncode, said, error) == (0, "well\n", "")
    assert time.monotonic() - begun < 2


@pytest.mark.faults
async def test_two_stores_of_a_process_keep_their_log_when_another_process_leaves(db_path: Path) -> None:
    first = await open_sqlite(db_path, slicer=slices)
    await first.add_turns(ADA, [turn("one")])
    second = await open_sqlite(db_path, slicer=slices)
    program = (
        "import asyncio, pathlib, sys; from hmlr.store.sqlite.store import open_sqlite\n"
        "async def main():\n"
        "    store = await open_sqlite(pathlib.Path(sys.argv[1]), slicer=lambda text: [])\n"
        "    print(len(await store.users()))\n"
        "    await store.aclose()\n"
        "asyncio.run(main())\n"
    )
    seen = []
    for _ in range(2):
        command = [sys.executable, "-c", program, str(db_path)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        seen.append(done.stdout.strip())
        await first.add_turns(BOB, [turn("two")])
    assert seen == ["1", "2"]
    await first.aclose()
    await second.aclose()
