"""PostgreSQL finds rows by their index also where tables have grown since a statement was prepared."""

from __future__ import annotations

import asyncio

from hmlr.store.postgres.settings import Reach
from tests.places import past_hmlr
from tests.store.conftest import open_store
from tests.store.making import ADA, turn

TABLES = ("messages", "chunks", "turns", "jobs")
ROUNDS, TURNS = 40, 25
READ = "SELECT sum(seq_tup_read), sum(n_live_tup) FROM pg_stat_user_tables WHERE relname = ANY ($1::text[])"


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
