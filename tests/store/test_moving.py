"""Whole memories from one database to another: nothing is lost, mixed or seen half."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

from hmlr import move
from hmlr.core.moving import Move, Progress
from hmlr.errors import ConfigurationError, Conflict, CopyDiffers, NotFound, StorageError
from hmlr.records import MoveReport, UserId
from hmlr.store.port import Store
from hmlr.store.records import PutFact, TurnQuery
from tests import moving
from tests.faults.doors import Clock
from tests.moving import ADA, BOB, CAROL, DAN, USERS, client, exports, opened, tallies
from tests.postgres import Server
from tests.store.making import NOW, fact, turn


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read by many tests and changed by none."""
    path = tmp_path_factory.mktemp("rich") / "memory.db"
    asyncio.run(moving.enrich(path))
    return path


@pytest.fixture
def own(rich: Path, tmp_path: Path) -> Path:
    """A copy to be changed."""
    return Path(shutil.copy(rich, tmp_path / "memory.db"))


@pytest.fixture
def url(postgres_server: Server) -> Iterator[str]:
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def empty(postgres_server: Server) -> Iterator[str]:
    """A database in which nothing was ever built."""
    url = postgres_server.empty()
    yield url
    postgres_server.drop(url)


@pytest.fixture
async def source(tmp_path: Path) -> AsyncIterator[Store]:
    """Ada with two turns and a fact, Bob with one."""
    made = await opened(tmp_path / "source.db")
    await small(made)
    yield made
    await made.aclose()


async def small(store: Store) -> None:
    first, _ = await store.add_turns(ADA, [turn("Oslo is home"), turn("I like it")])
    await store.apply(ADA, [PutFact(fact=fact(first.turn_id))])
    await store.add_turns(BOB, [turn("Bergen")])


async def run(
    source: Store, target: Store, only: UserId | None = None, progress: Progress = lambda _, __: None
) -> MoveReport:
    return await Move(source, target, clock=Clock(), progress=progress or (lambda _, __: None)).run(only)


async def test_there_and_back_is_the_same(rich: Path, tmp_path: Path, empty: str, url: str) -> None:
    before, file = await tallies(rich), rich.read_bytes()
    places = (rich, tmp_path / "first.db", empty, url, tmp_path / "back.db")
    for here, there in pairwise(places):
        report = await move(here, there)
        assert (report.users, report.here, report.left, report.tokens) == (USERS, 0, (), 2)
        assert await tallies(there) == before
    assert rich.read_bytes() == file  # the source is as it was
    kept = {name: count for tally in before.values() for name, (count, _) in tally.tables.items() if count}
    assert len(kept) == 19, "a table is empty: its move proves nothing"
    said = await exports(shutil.copy(rich, tmp_path / "copy.db"), tmp_path / "before")
    assert await exports(url, tmp_path / "server") == said
    assert await exports(tmp_path / "back.db", tmp_path / "after") == said
    with closing(sqlite3.connect(rich)) as old, closing(sqlite3.connect(tmp_path / "back.db")) as new:
        for table in ("users", "access_tokens", "day_spending", "models"):
            wanted = [sorted(raw.execute(f"SELECT * FROM {table}"), key=repr) for raw in (old, new)]  # noqa: S608
            assert table in ("users", "models") or wanted[0] == wanted[1]
        epochs = [raw.execute("SELECT user_id, epoch FROM users ORDER BY 1").fetchall() for raw in (old, new)]
        assert epochs[0] == epochs[1]


async def test_found_the_same_and_undone_the_same(own: Path, url: str) -> None:
    await move(own, url)
    said = []
    for place in (own, url):
        async with client(place) as ada:
            stats = await ada.stats()
            hits = await ada.recall("what is the limit of Styx?")
            run_id = next(one.run_id for one in await ada.garden_runs() if one.undone_at is None)
            await ada.undo(run_id)
            told = [(hit.text, round(hit.score, 9), hit.turn_ids) for hit in hits]
            assert stats.jobs_waiting == 0  # nothing is embedded again
            said.append((told, stats.vectors, await ada.dossiers(), await ada.blocks()))
    assert said[0] == said[1]
    assert said[0][0]


async def test_leased_jobs_wait_and_failed_ones_stay(own: Path, url: str) -> None:
    await move(own, url)
    store = await opened(url)
    counts = await store.job_counts(BOB, NOW)
    (waiting,) = await store.claim(BOB, "scrub", limit=5, lease_s=1, now=NOW)
    (leased,) = await store.claim(BOB, "embed", limit=5, lease_s=1, now=NOW)
    await store.aclose()
    assert (counts.waiting, counts.running, counts.failed, counts.errors) == (2, 0, 1, ("it went wrong",))
    assert (waiting.attempts, leased.attempts) == (1, 2)


async def test_a_second_run_finds_all_done(own: Path, url: str) -> None:
    await move(own, url)
    steps: list[tuple[int, int]] = []
    report = await move(own, url, progress=lambda done, total: steps.append((done, total)))
    assert (report.users, report.here, report.tokens) == (USERS, 4, 0)
    assert steps[-1][0] == steps[-1][1] == 3 * report.rows


async def test_one_user_alone(own: Path, url: str) -> None:
    report = await move(own, url, user_id=ADA)
    assert (report.users, report.tokens) == ((ADA,), 1)
    assert await tallies(url) == {ADA: (await tallies(own))[ADA]}
    with pytest.raises(NotFound, match="nobody"):
        await move(own, url, user_id="nobody")


async def test_another_memory_is_refused_before_anything_is_copied(source: Store, store: Store) -> None:
    await store.add_turns(BOB, [turn("Another Bob")])
    with pytest.raises(Conflict, match=r"another memory of bob: .*messages \(1 and 1 rows\)"):
        await run(source, store)
    assert await store.every_user() == [BOB]
    await run(source, store, ADA)
    assert await store.tally(ADA) == await source.tally(ADA)
    (kept,) = await store.turns(BOB, TurnQuery())
    assert kept.messages[0].content == "Another Bob"


async def test_a_copy_that_was_changed_is_named(source: Store, store: Store) -> None:
    await run(source, store)
    await store.add_turns(BOB, [turn("Said in the new place")])
    with pytest.raises(Conflict, match=r"of bob: .*turns \(1 and 2 rows\)"):
        await run(source, store)


@pytest.fixture
async def lying(adapter: str, place: Path, store: Store) -> AsyncIterator[None]:
    """A target that keeps another value of a fact than it is given."""
    if adapter == "sqlite":
        with closing(sqlite3.connect(place)) as raw:
            raw.execute("CREATE TRIGGER lie AFTER INSERT ON facts BEGIN UPDATE facts SET value = 'x'; END")
            yield
            raw.execute("DROP TRIGGER lie")
        return
    raw = await asyncpg.connect(place.url)  # type: ignore[attr-defined]
    await raw.execute(
        "CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN NEW.value = 'x'; RETURN NEW; END $$"
    )
    await raw.execute("CREATE TRIGGER lie BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION lie()")
    yield
    await raw.execute("DROP TRIGGER lie ON facts")
    await raw.close()


@pytest.mark.usefixtures("lying")
async def test_a_copy_that_differs_is_named_and_taken_out(source: Store, store: Store) -> None:
    with pytest.raises(CopyDiffers, match=r"the copy of ada is not what was read: facts \(1 and 1 rows\)"):
        await run(source, store)
    assert await store.every_user() == []
    await run(source, store, BOB)
    assert await store.every_user() == [BOB]


class Stop(Exception):
    """The move was ended from outside."""


def stopping(after: int) -> Progress:
    """Ends the move when so many steps are done."""

    def progress(done: int, total: int) -> None:
        if done >= after:
            raise Stop

    return progress


async def test_a_user_who_is_half_copied_is_not_there(source: Store, store: Store) -> None:
    rows = await source.row_count(ADA)
    for steps in range(1, rows + 1, 2):
        with pytest.raises(Stop):
            await run(source, store, progress=stopping(steps))
        assert await store.every_user() == []
    with pytest.raises(Stop):
        await run(source, store, progress=stopping(2 * rows))
    assert await store.every_user() == [ADA]
    assert (await run(source, store)).here == 1
    assert await store.tally(ADA) == await source.tally(ADA)


async def test_a_copy_is_made_anew_when_its_source_has_changed(source: Store, store: Store) -> None:
    with pytest.raises(Stop):
        await run(source, store, progress=stopping(2 * await source.row_count(ADA)))
    before = (await store.index_state(ADA, "m")).epoch
    await source.add_turns(ADA, [turn("Bergen too")])
    assert (await run(source, store)).here == 0
    assert await store.tally(ADA) == await source.tally(ADA)
    assert (await store.index_state(ADA, "m")).epoch > before  # whoever has read search data reads it again
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
    await run(source, target)
    assert not await target.purge_pending()
    for store in (source, target):
        await store.aclose()
    assert b"xylophone77" not in there.read_bytes()


async def test_a_source_in_use_is_followed(source: Store, store: Store) -> None:
    busy = [turn(f"Meanwhile {number}") for number in range(2)]

    async def progress_writes(progress: int) -> None:
        await source.add_turns(BOB, [busy[progress]])

    tasks = []

    def progress(done: int, total: int) -> None:
        if len(tasks) < len(busy):
            tasks.append(asyncio.ensure_future(progress_writes(len(tasks))))

    report = await run(source, store, progress=progress)
    await asyncio.gather(*tasks)
    assert (report.left, report.users) == ((), (ADA, BOB))
    assert await store.tally(BOB) == await source.tally(BOB)
    assert len(await store.turns(BOB, TurnQuery())) == 3


async def test_who_goes_on_changing_is_left_for_the_next_run(source: Store, store: Store) -> None:
    tasks: set[asyncio.Task[object]] = set()

    def progress(done: int, total: int) -> None:
        tasks.add(asyncio.ensure_future(source.add_turns(BOB, [turn("Again")])))

    report = await run(source, store, progress=progress)
    await asyncio.gather(*tasks)
    assert (report.users, report.left) == ((ADA,), (BOB,))
    assert (await run(source, store)).left == ()
    assert await store.tally(BOB) == await source.tally(BOB)


async def test_two_moves_at_once_are_one(own: Path, url: str) -> None:
    await asyncio.gather(
        move(own, url, user_id=ADA), move(own, url, user_id=BOB), move(own, url, user_id=CAROL)
    )
    reports = await asyncio.gather(*(move(own, url) for _ in range(2)), return_exceptions=True)
    assert any(isinstance(report, MoveReport) for report in reports), reports
    assert await tallies(url) == await tallies(own)


async def test_row_numbers_are_the_targets_own(source: Store, store: Store) -> None:
    await store.add_turns(DAN, [turn("Here first"), turn("And second")])
    await run(source, store)
    state = [await each.chunk_columns(ADA, 0) for each in (source, store)]
    assert list(state[0].chunk_ids) != list(state[1].chunk_ids)
    assert [row.text for row in await store.chunks(ADA, state[1].chunk_ids.tolist())] == [
        "Oslo is home",
        "I like it",
    ]
    (added,) = await store.add_turns(ADA, [turn("Afterwards")])
    assert added.seq == 3
    assert all(check.ok for check in await store.check())


@pytest.mark.parametrize(
    ("here", "there", "error", "words"),
    [
        ("missing.db", "new.db", NotFound, "does not exist"),
        ("own", "own", ConfigurationError, "same"),
        ("own", " ", ConfigurationError, "two databases"),
        ("own", "mysql://h/d", ConfigurationError, "mysql"),
        ("empty.db", "new.db", NotFound, "nothing of any user"),
        ("other.txt", "new.db", StorageError, "not a database"),
    ],
)
async def test_wrong_places(own: Path, here: str, there: str, error: type[Exception], words: str) -> None:
    folder = own.parent
    (folder / "empty.db").touch()
    (folder / "other.txt").write_text("This is some text, and no database.")
    names = [
        own if each == "own" else each if "://" in each or not each.strip() else folder / each
        for each in (here, there)
    ]
    with pytest.raises(error, match=words):
        await move(*names)
    assert not (folder / "new.db").exists() or await tallies(folder / "new.db") == {}


async def test_wrong_addresses(own: Path, url: str, empty: str, postgres_server: Server) -> None:
    with pytest.raises(ConfigurationError, match="no such database"):
        await move(own, postgres_server.url("nowhere"))
    with pytest.raises(ConfigurationError, match="same"):
        await move(url, url)
    with pytest.raises(NotFound, match="holds no memory"):
        await move(empty, own.parent / "new.db")
    raw = await asyncpg.connect(empty)
    assert await raw.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await raw.close()
