"""A part of a large memory: what is found by the database itself, with what stands around it."""

from __future__ import annotations

import numpy as np

from hmlr.records import ChunkId
from hmlr.store.care_records import ErasePlan
from hmlr.store.port import Store
from hmlr.store.records import AddVectors
from hmlr.store.sql.move_write import remove_user
from hmlr.store.sql.store import SqlStore
from tests.opening import Place
from tests.places import past_hmlr
from tests.store.making import ADA, BOB, NOW, encoded, turn, unit_rows

MODEL = "m"


async def filled(store: Store, count: int, dim: int = 16) -> tuple[list[ChunkId], np.ndarray]:
    """So many turns of one chunk for ada, the first of them for bob as well; the ids and vectors."""
    ids: list[ChunkId] = []
    rows = unit_rows(count, dim)
    added = await store.add_turns(ADA, [turn(f"Paragraph number {number}") for number in range(count)])
    for each in added:
        (row,) = await store.turn_chunks(ADA, [each.turn_id])
        ids.append(row.chunk_id)
    vectors = encoded(rows)
    await store.apply(ADA, [AddVectors(model_id=MODEL, chunk_ids=tuple(ids), encoded=vectors)])
    return ids, vectors.pooled.astype(np.float32)


def best(rows: np.ndarray, asked: np.ndarray, most: int) -> list[int]:
    cosines = rows @ asked / np.linalg.norm(rows, axis=1)
    return np.argsort(-cosines, kind="stable")[:most].tolist()


async def test_a_part_brings_the_turns_beside_it(store: Store) -> None:
    ids, rows = await filled(store, 9)
    part = await store.part(ADA, MODEL, [ids[4]])
    assert part.columns.chunk_ids.tolist() == ids[3:6]
    assert part.vectors is not None
    assert part.vectors.chunk_ids.tolist() == ids[3:6]
    assert (part.vectors.encoded.pooled == rows[3:6]).all()
    assert (await store.part(BOB, MODEL, [ids[4]])).columns.chunk_ids.tolist() == []
    assert (await store.part(ADA, None, ids[:1])).vectors is None
    assert await store.latest_chunks(ADA, 2) == ids[-2:]
    extent = await store.extent(ADA)
    assert (extent.chunks, extent.terms > 9) == (9, True)
    assert (await store.extent(BOB)).chunks == 0


async def test_what_the_database_finds_is_nearest_and_the_users_own(store: Store, adapter: str) -> None:
    ids, rows = await filled(store, 300)
    assert not await store.finds_vectors(ADA, MODEL)
    taken = await store.index_vectors(ADA, MODEL)
    if adapter == "sqlite":  # reads a memory whole, whatever its size
        assert (taken, await store.finds_vectors(ADA, MODEL)) == (0, False)
        assert await store.nearest(ADA, MODEL, rows[0], 5) == []
        return
    assert (taken, await store.finds_vectors(ADA, MODEL)) == (300, True)
    for asked in unit_rows(7, 16):
        found = await store.nearest(ADA, MODEL, asked, 10)
        assert len({ids[place] for place in best(rows, asked, 10)} & set(found)) >= 9
    assert not await store.finds_vectors(BOB, MODEL)
    assert await store.nearest(BOB, MODEL, rows[0], 10) == []
    assert await store.index_vectors(ADA, MODEL) == 0


async def test_what_is_forgotten_is_not_near_any_more(store: Store) -> None:
    ids, rows = await filled(store, 40)
    await store.index_vectors(ADA, MODEL)
    (row,) = await store.chunks(ADA, ids[:1])
    plan = ErasePlan(scope="turn", target=row.message.turn_id, turn_ids=(row.message.turn_id,))
    await store.erase(ADA, plan, now=NOW)
    assert ids[0] not in await store.nearest(ADA, MODEL, rows[0], 40)
    (new,) = await store.add_turns(ADA, [turn("A new one")])
    (chunk,) = await store.turn_chunks(ADA, [new.turn_id])
    put = AddVectors(model_id=MODEL, chunk_ids=(chunk.chunk_id,), encoded=encoded(unit_rows(1, 16)))
    await store.apply(ADA, [put])
    taken = await store.index_vectors(ADA, MODEL)
    assert taken in (0, 1)  # 0: no such index here
    assert len(await store.nearest(ADA, MODEL, rows[0], 99)) == 40 * taken


async def test_of_a_user_who_is_gone_no_table_is_left(store: Store, database: Place, adapter: str) -> None:
    if adapter == "sqlite":
        return  # has no table of one user's

    async def tables() -> int:
        await filled(store, 3)
        assert await store.index_vectors(ADA, MODEL) == 3
        return len(past_hmlr(database, "SELECT 1 FROM pg_tables WHERE tablename LIKE 'points%'"))

    assert isinstance(store, SqlStore)
    assert await tables() == 1
    await store.erase(ADA, ErasePlan(scope="everything", target="", everything=True), now=NOW)
    assert not past_hmlr(database, "SELECT 1 FROM pg_tables WHERE tablename LIKE 'points%'")
    assert await tables() == 1
    async with store._gate.change(ADA) as transaction:
        await transaction.step(lambda c: remove_user(c, ADA))
    assert not past_hmlr(database, "SELECT 1 FROM pg_tables WHERE tablename LIKE 'points%'")
