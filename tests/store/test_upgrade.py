"""A database of an older schema is brought to the newest, with what is in it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine

from hmlr.records import ChunkId
from hmlr.store import schema
from hmlr.store.care_records import ErasePlan
from hmlr.store.migrations.upgrade import create
from hmlr.store.records import AddVectors, TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.aging import age
from tests.store.making import ADA, BOB, encoded, later, message, reply, slices, turn, unit_rows
from tests.store.reading import chunk_ids_of, columns_of, has_vectors, vectors_of


def make_first(path: Path) -> None:
    """A database as revision 0001 left it, with a user who has forgotten something."""
    engine = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        create(connection, target="0001")
        connection.exec_driver_sql("INSERT INTO users VALUES ('ada', 1, 3, 0, 0, 1)")
        connection.exec_driver_sql(
            "INSERT INTO tombstones (user_id, scope, target, turn_seqs, recorded_at) "
            "VALUES ('ada', 'turn', 't', '[[1,1]]', 0)"
        )
    engine.dispose()


async def test_the_first_schema_is_upgraded(db_path: Path) -> None:
    await asyncio.to_thread(make_first, db_path)
    store = await open_sqlite(db_path, slicer=slices)
    (added,) = await store.add_turns(ADA, [turn()])
    assert (added.seq, added.erasures) == (2, 0)
    await store.add_reply(ADA, added.turn_id, reply(), erasures=0)
    assert len(await store.turns(ADA, TurnQuery())) == 1
    assert await store.purge_pending()  # nobody knows whether its files were rewritten
    assert await store.purge_files()
    assert not await store.purge_pending()
    await store.aclose()
    with sqlite3.connect(db_path) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (schema.HEAD,)
    raw.close()


async def test_the_second_schema_gets_traits_and_drops_its_vectors(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    (first,) = await store.add_turns(
        ADA, [turn("Über 日本? Who?\nI am Ada 🦊.\nIt rains.", reply("We?", echo=True))]
    )
    await store.add_turns(BOB, [turn("My cat\nWhat?")])
    await store.add_turns(BOB, [turn(message(f"Note {n}"), reply("Why?")) for n in range(600)])
    ids = await chunk_ids_of(store, ADA)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(3)))])
    await store.aclose()
    await asyncio.to_thread(age, db_path)
    store = await open_sqlite(db_path, slicer=slices)
    mine, bobs = await columns_of(store, ADA), await columns_of(store, BOB)
    assert (mine.asks.tolist(), mine.of_self.tolist()) == ([True, False, False], [False, True, False])
    assert (bobs.asks.tolist(), bobs.of_self.tolist()[:2]) == ([False, True] * 601, [True, False])
    assert not await has_vectors(store, ADA, "m")
    assert await store.turns_without_vectors(ADA, "m") == [first.turn_id]
    assert all(check.ok for check in await store.check())
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(3)))])
    assert (await vectors_of(store, ADA, "m")).encoded.parts() == encoded(unit_rows(3)).parts()
    await store.aclose()


async def test_the_fifth_schema_keeps_what_is_searched_and_shrinks(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    said = ["Who is Ada?\nI am.\n🦊\nIt rains.", "It rains again."]
    first, _ = await store.add_turns(ADA, [turn(said[0], reply("It rains.", echo=True)), turn(said[1])])
    await store.add_turns(BOB, [turn(f"Rain, the {n}th tale\nRain, the other") for n in range(1200)])
    for user, model, count in ((BOB, "n", 2400), (ADA, "m", 5), (ADA, "n", 5)):
        given = encoded(unit_rows(count), tokens=[unit_rows(2)] * count, pieces=[(3, 65535)] * count)
        ids = await chunk_ids_of(store, user)
        await store.apply(user, [AddVectors(model_id=model, chunk_ids=ids, encoded=given)])
    before = await search_data(store)
    await store.aclose()
    await asyncio.to_thread(age, db_path, revision="0005")
    size = db_path.stat().st_size
    with closing(sqlite3.connect(db_path)) as raw:
        assert raw.execute("SELECT count(*) FROM chunks").fetchone()[0] == 2 * 2405 + 1

    store = await open_sqlite(db_path, slicer=slices)
    assert db_path.stat().st_size < size
    assert await search_data(store) == before
    assert all(check.ok for check in await store.check())
    stats = await store.stats(ADA)
    assert (stats.chunks, stats.vectors, stats.jobs_waiting) == (5, 10, 0)
    assert await store.rebuild_search() == 1203
    assert (await store.stats(ADA)).jobs_waiting == 0  # nothing to embed anew
    plan = ErasePlan(scope="turn", target=first.turn_id, turn_ids=(first.turn_id,))
    erased = await store.erase(ADA, plan, now=later(days=1))
    assert (erased.chunks, erased.vectors) == (4, 8)
    assert len((await store.postings(ADA, ["rain"]))["rain"].chunk_ids) == 1
    assert all(check.ok for check in await store.check())
    await store.aclose()


async def search_data(store: SqliteStore) -> list[str]:
    """Everything that search reads, of all users."""
    found: list[object] = []
    for user in (ADA, BOB):
        columns = await columns_of(store, user)
        ids = [ChunkId(int(each)) for each in columns.chunk_ids]
        found += [vars(columns), await store.chunks(user, ids)]
        postings = await store.postings(user, ["rain", "ada", "tale"])
        found.append({term: vars(each) for term, each in postings.items()})
        for model in ("m", "n"):
            if await has_vectors(store, user, model):
                batch = await vectors_of(store, user, model)
                found += [batch.vector_nos, batch.chunk_ids, batch.encoded.parts()]
            found.append(await store.turns_without_vectors(user, model))
    return [str(each) for each in found]
