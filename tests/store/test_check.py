"""check(): each kind of damage is found and named with a remedy (F09, F10, F14)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hmlr.errors import StorageCorrupt, StorageError
from hmlr.records import BlockId, TurnId
from hmlr.store.care_records import ErasePlan
from hmlr.store.records import AddVectors, AssignTurn, PutBlock, PutFact, TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.making import ADA, BOB, NOW, block, encoded, fact, slices, turn, unit_rows
from tests.store.reading import chunk_ids_of, vectors_of

pytestmark = pytest.mark.faults


async def failing(store: SqliteStore) -> set[str]:
    checks = await store.check()
    assert all(check.remedy for check in checks if not check.ok)
    assert all("\n" not in check.detail for check in checks)
    return {check.name for check in checks if not check.ok}


async def fill(store: SqliteStore) -> TurnId:
    (first, *_) = await store.add_turns(ADA, [turn("Oslo is home"), turn("More\nhere"), turn("Last")])
    await store.add_turns(BOB, [turn("Bob")])
    place = AssignTurn(turn_id=first.turn_id, block_id=BlockId("b1"), by="rule")
    await store.apply(ADA, [PutFact(fact=fact(first.turn_id)), PutBlock(block=block(), version=0), place])
    return first.turn_id


async def test_a_sound_database_passes(store: SqliteStore, db_path: Path) -> None:
    await fill(store)
    checks = await store.check()
    assert await failing(store) == set()
    assert any("SQLite 3" in check.detail for check in checks)


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("UPDATE messages SET content = 'Oslo was home' WHERE message_no = 1", "messages"),
        ('UPDATE facts SET "end" = 3', "quotes"),
        ("DELETE FROM turns WHERE seq = 2 AND user_id = 'ada'", "turns"),
        ("DELETE FROM users WHERE user_id = 'none'; DELETE FROM messages WHERE message_no = 1", "references"),
        ("DELETE FROM chunks WHERE chunk_id >> 20 = 2", "index"),
        ("INSERT INTO chunk_terms(rowid, t) VALUES (7, 'oslo')", "index"),
        ("DELETE FROM messages WHERE message_no = 4", "index"),
        ("UPDATE chunks SET terms = 'bergen is home' WHERE chunk_id >> 20 = 1", "index"),
        ('UPDATE chunks SET "end" = 3 WHERE chunk_id >> 20 = 1', "index"),
        ("UPDATE facts SET state = 'actife'", "values"),
        ("UPDATE facts SET subject = 'usez'", "values"),
        ("UPDATE messages SET metadata = '{' WHERE message_no = 1", "values"),
        ("UPDATE blocks SET label = CAST(x'ff' AS TEXT)", "values"),
        ("DROP INDEX ix_facts_key", "schema"),
        ("ALTER TABLE facts ADD COLUMN note TEXT", "schema"),
        ("UPDATE blocks SET turn_count = 7", "topics"),
        ("UPDATE jobs SET state = 'failed', error = 'model gone'", "jobs"),
        ("DELETE FROM chunk_terms_data WHERE id > 10", "full text"),
    ],
)
async def test_damage_is_found(store: SqliteStore, db_path: Path, statement: str, name: str) -> None:
    turn_id = await fill(store)
    await store.add_jobs(ADA, "scrub", [turn_id])
    with sqlite3.connect(db_path) as raw:
        raw.executescript(statement)
    raw.close()
    assert name in await failing(store)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM chunk_terms_data WHERE id > 10",
        "DROP TABLE chunk_terms",
        "DELETE FROM chunks",
        "DELETE FROM vectors",
    ],
)
async def test_a_rebuild_mends_a_lost_or_damaged_index(
    store: SqliteStore, db_path: Path, statement: str
) -> None:  # F14
    await fill(store)
    with sqlite3.connect(db_path) as raw:
        raw.execute(statement)
    raw.close()
    assert await store.rebuild_search() == 4
    assert await failing(store) == set()
    assert len((await store.postings(ADA, ["oslo"]))["oslo"].chunk_ids) == 1
    assert (await store.job_counts(ADA, NOW)).waiting == 3


async def test_a_damaged_vector_is_found_and_made_anew(store: SqliteStore, db_path: Path) -> None:
    turn_id = await fill(store)
    ids = await chunk_ids_of(store, ADA)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(len(ids))))])
    with closing(sqlite3.connect(db_path)) as raw, raw:
        (data,) = raw.execute("SELECT data FROM vectors WHERE vector_no = 1").fetchone()
        raw.execute("UPDATE vectors SET data = ? WHERE vector_no = 1", (bytes([data[0] ^ 1]) + data[1:],))
    assert await failing(store) == {"vectors"}
    with pytest.raises(StorageCorrupt, match="damaged"):
        await vectors_of(store, ADA, "m")
    await store.rebuild_search()
    assert await failing(store) == set()
    assert await store.turns_without_vectors(ADA, "m") == [turn_id]


async def test_a_changed_message_is_an_error_where_it_is_read(store: SqliteStore, db_path: Path) -> None:
    turn_id = await fill(store)
    with closing(sqlite3.connect(db_path)) as raw, raw:
        raw.execute("UPDATE messages SET content = 'Oslo is hope' WHERE message_no = 1")
    for read in (store.turns(ADA, TurnQuery()), store.turn_chunks(ADA, [turn_id])):
        with pytest.raises(StorageCorrupt, match=f"{turn_id}/0"):
            await read
    assert len(await store.turns(BOB, TurnQuery())) == 1


async def test_open_permissions_are_found(store: SqliteStore, db_path: Path) -> None:
    db_path.chmod(0o644)
    assert await failing(store) == {"files"}


async def test_forgotten_turns_are_no_gap(store: SqliteStore) -> None:
    turn_id = await fill(store)
    await store.erase(ADA, ErasePlan(scope="turn", target=turn_id, turn_ids=(turn_id,)), now=NOW)
    assert await failing(store) == set()


async def test_a_damaged_page_never_passes_in_silence(db_path: Path) -> None:
    opened = await open_sqlite(db_path, slicer=slices)
    await opened.add_turns(ADA, [turn(f"number {n} " + "word " * 50) for n in range(200)])
    await opened.aclose()
    sound = db_path.read_bytes()
    page = 4096
    for number in range(1, len(sound) // page, 7):
        damaged = bytearray(sound)
        damaged[number * page : number * page + 64] = b"\xff" * 64
        db_path.write_bytes(damaged)
        try:
            store = await open_sqlite(db_path, slicer=slices)
        except StorageError:
            continue
        assert await failing(store), f"page {number}"
        await store.aclose()


@pytest.mark.parametrize("lost", ["-shm", "-wal"])
async def test_a_lost_side_file_leaves_a_sound_database(tmp_path: Path, lost: str) -> None:  # F10
    path = tmp_path / "memory.db"
    opened = await open_sqlite(path, slicer=slices)
    await opened.add_turns(ADA, [turn("one")])
    copy = tmp_path / "copy.db"
    for ending in ("", "-wal", "-shm"):
        if ending != lost:
            copy.with_name(copy.name + ending).write_bytes(path.with_name(path.name + ending).read_bytes())
    await opened.aclose()
    if lost == "-wal":  # what was only in the log is gone, and the rest says so or is sound
        copy.with_name(copy.name + "-shm").unlink()
    store = await open_sqlite(copy, slicer=slices)
    assert (await store.stats(ADA)).turns == (1 if lost == "-shm" else 0)
    assert await failing(store) <= {"files"}
    await store.aclose()
