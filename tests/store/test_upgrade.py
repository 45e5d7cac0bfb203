"""A database of an older schema is brought to the newest, with what is in it."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

from sqlalchemy import create_engine

from hmlr.records import ChunkId
from hmlr.store import schema
from hmlr.store.migrations.upgrade import create
from hmlr.store.records import AddVectors, TurnQuery
from hmlr.store.sqlite import open_sqlite
from tests.store.making import ADA, BOB, age, encoded, message, reply, slices, turn, unit_rows


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
    ids = tuple(ChunkId(int(chunk_id)) for chunk_id in (await store.chunk_columns(ADA, 0)).chunk_ids)
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(3)))])
    await store.aclose()
    await asyncio.to_thread(age, db_path)
    store = await open_sqlite(db_path, slicer=slices)
    mine, bobs = await store.chunk_columns(ADA, 0), await store.chunk_columns(BOB, 0)
    assert (mine.asks.tolist(), mine.of_self.tolist()) == ([True, False, False], [False, True, False])
    assert (bobs.asks.tolist(), bobs.of_self.tolist()[:2]) == ([False, True] * 601, [True, False])
    assert len((await store.vectors(ADA, "m", 0)).encoded) == 0
    assert await store.turns_without_vectors(ADA, "m") == [first.turn_id]
    assert all(check.ok for check in await store.check())
    await store.apply(ADA, [AddVectors(model_id="m", chunk_ids=ids, encoded=encoded(unit_rows(3)))])
    assert (await store.vectors(ADA, "m", 0)).encoded.parts() == encoded(unit_rows(3)).parts()
    await store.aclose()
