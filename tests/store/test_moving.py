"""Whole memories from one database to another: nothing is lost or mixed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from hmlr import move
from hmlr.errors import NotFound
from hmlr.store import schema
from hmlr.store.port import Store
from hmlr.store.sql.move_parts import PARTS
from tests.moving import ADA, BOB, DAN, USERS, client, exports, opened, run, tallies
from tests.store.making import NOW, turn
from tests.store.reading import columns_of


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


async def test_one_user_alone(own: Path, url: str) -> None:
    report = await move(own, url, user_id=ADA)
    assert (report.users, report.tokens) == ((ADA,), 1)
    assert await tallies(url) == {ADA: (await tallies(own))[ADA]}
    with pytest.raises(NotFound, match="nobody"):
        await move(own, url, user_id="nobody")


async def test_row_numbers_are_the_targets_own(source: Store, store: Store) -> None:
    await store.add_turns(DAN, [turn("Here first"), turn("And second")])
    await run(source, store)
    state = [await columns_of(each, ADA) for each in (source, store)]
    assert list(state[0].chunk_ids) != list(state[1].chunk_ids)
    assert [row.text for row in await store.chunks(ADA, state[1].chunk_ids.tolist())] == [
        "Oslo is home",
        "I like it",
    ]
    (added,) = await store.add_turns(ADA, [turn("Afterwards")])
    assert added.seq == 3
    assert all(check.ok for check in await store.check())


def test_every_table_is_moved_or_named_here() -> None:
    others = {"models", "access_tokens", "moves", "alembic_version"}  # shared, the operator's, the move's own
    assert set(schema.metadata.tables) == PARTS.keys() | others
