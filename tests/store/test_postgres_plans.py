"""PostgreSQL finds rows by their index also where tables have grown since a statement was prepared."""

from __future__ import annotations

import asyncio

from hmlr.records import SessionId, UserId
from hmlr.store.care_records import ErasePlan
from hmlr.store.postgres.settings import Reach
from hmlr.store.records import AddVectors
from hmlr.store.search_records import UNREAD, ChunkFilter
from tests.places import past_hmlr
from tests.store.conftest import open_store
from tests.store.making import ADA, NOW, encoded, later, turn, unit_rows

TABLES = ("messages", "chunks", "turns", "jobs")
ROUNDS, TURNS = 40, 25
READ = "SELECT sum(seq_tup_read), sum(n_live_tup) FROM pg_stat_user_tables WHERE relname = ANY ($1::text[])"

READ_OF_JOBS = """
    SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_user_tables WHERE relname IN ('jobs', 'turns')
"""
READ_BY_ANY_WAY = """
    SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables)
        + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes),
        (SELECT sum(n_tup_ins) FROM pg_stat_user_tables)
"""


async def test_statements_prepared_on_empty_tables_read_no_table_whole(url: str) -> None:
    for name in TABLES:  # or their plans would be made anew once they are analysed
        past_hmlr(url, f"ALTER TABLE {name} SET (autovacuum_enabled = off);")
    store = await open_store(Reach(url=url))
    for number in range(ROUNDS):
        said = [turn(f"Turn {number}, {each}", jobs=("embed",)) for each in range(TURNS)]
        added = await store.add_turns(ADA, said)
        assert len(await store.turn_chunks(ADA, [each.turn_id for each in added])) == TURNS
    await store.aclose()
    for _ in range(50):  # a session tells of what it read when it ends
        read = past_hmlr(url, READ, TABLES)[0]
        if read[1] >= len(TABLES) * ROUNDS * TURNS:
            break
        await asyncio.sleep(0.1)
    assert read[1] >= len(TABLES) * ROUNDS * TURNS
    assert read[0] < ROUNDS * TURNS


async def test_who_has_much_to_learn_is_found_by_a_few_rows(url: str) -> None:
    store = await open_store(Reach(url=url))
    for number in range(4):
        said = [turn(f"Turn {number}, {each}", jobs=("embed", "route")) for each in range(250)]
        await store.add_turns(ADA, said)
    await store.aclose()
    past_hmlr(url, "ANALYZE;")
    past_hmlr(url, "SELECT pg_stat_reset();")
    store = await open_store(Reach(url=url))
    assert await store.users_left("learn", later(minutes=1)) == [ADA]
    assert await store.users_left("learn", NOW) == []  # all turns are new
    await store.aclose()
    read = 0
    for _ in range(50):
        read = past_hmlr(url, READ_OF_JOBS)[0][0]
        if read:
            break
        await asyncio.sleep(0.1)
    assert 0 < read < 100


async def test_no_call_of_a_user_reads_what_others_hold(url: str) -> None:
    store = await open_store(Reach(url=url))
    for number in range(40):
        said = [turn(f"Turn {number}, {each}") for each in range(100)]
        await store.add_turns(UserId(f"user{number}"), said)
    await store.aclose()
    past_hmlr(url, "ANALYZE;")
    past_hmlr(url, "SELECT pg_stat_reset();")
    store = await open_store(Reach(url=url))
    added = await store.add_turns(ADA, [turn("Oslo"), turn("Bergen", jobs=("embed",))])
    rows = await store.turn_chunks(ADA, [each.turn_id for each in added])
    ids = [row.chunk_id for row in rows]
    vectors = AddVectors(model_id="m", chunk_ids=tuple(ids), encoded=encoded(unit_rows(len(ids))))
    await store.apply(ADA, [vectors])
    assert (await store.index_news(ADA, "m", UNREAD)).columns is not None
    await store.part(ADA, "m", ids)
    await store.chunk_ids(ADA, ChunkFilter(session_id=SessionId("s1")))
    await store.turns_without_vectors(ADA, "m")
    plan = ErasePlan(scope="turn", target=added[0].turn_id, turn_ids=(added[0].turn_id,))
    await store.erase(ADA, plan, now=NOW)
    await store.aclose()
    written = 0
    for _ in range(50):
        read, written = past_hmlr(url, READ_BY_ANY_WAY)[0]
        if written:
            break
        await asyncio.sleep(0.1)
    assert written
    assert read < 500
