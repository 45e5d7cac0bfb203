"""An erasure on a database server while others are at work there: nobody waits, and what it says is true."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from hmlr.records import AccessToken, UserId
from hmlr.store.care_records import ErasePlan
from hmlr.store.postgres.settings import Reach
from hmlr.store.postgres.store import PostgresStore, open_postgres
from hmlr.store.records import TurnQuery
from hmlr.store.sql.move_write import remove_user
from hmlr.store.sql.turns import read_turns
from tests.store.making import ADA, BOB, slices, turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(60)]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ALL = ErasePlan(scope="everything", target="", everything=True)


@pytest.fixture
async def store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """A store in which Ada and Bob are."""
    reach = Reach(url=postgres_url, lock_timeout_s=0.5, pool_timeout_s=0.5, call_timeout_s=5)
    store = await open_postgres(reach, slicer=slices)
    for user in (ADA, BOB):
        await store.add_turns(user, [turn()])
    yield store
    await store.aclose()


def token(name: str) -> AccessToken:
    return AccessToken(token_id=name, name=name, user_id=ADA, created_at=NOW, revoked_at=None)


async def test_operators_do_not_wait_for_a_users_long_write(store: PostgresStore) -> None:
    async with store._gate.change(ADA) as writing:
        await writing.step(lambda c: read_turns(c, ADA, TurnQuery()))
        await store.erase(BOB, ALL, now=NOW)
        await store.purge_files()
        await store.add_token(token("one"), "digest")
        await store.revoke_token("one", NOW)
        await store.begin_moves([BOB], NOW)
        await store.end_moves([BOB])
        await store.add_turns(UserId("eve"), [turn()])


async def test_what_an_older_moment_still_shows_is_not_said_to_be_gone(
    store: PostgresStore, postgres_url: str
) -> None:
    other = await asyncpg.connect(postgres_url)
    try:
        async with other.transaction(isolation="repeatable_read"):
            assert await other.fetchval("SELECT count(*) FROM turns") == 2
            await store.erase(BOB, ALL, now=NOW)
            assert not await store.purge_files()
            assert await store.purge_pending()
            assert await other.fetchval("SELECT count(*) FROM turns") == 2
        async with other.transaction(isolation="repeatable_read"):  # a later one shows nothing of it
            await other.fetchval("SELECT count(*) FROM turns")
            assert await store.purge_files()
            assert not await store.purge_pending()
    finally:
        await other.close()


async def test_a_write_that_began_before_keeps_rows_too(store: PostgresStore) -> None:
    async with store._gate.change(ADA) as writing:
        await writing.step(lambda c: remove_user(c, ADA))
        await store.erase(BOB, ALL, now=NOW)
        assert not await store.purge_files()
    assert await store.purge_files()
    assert not await store.purge_pending()


async def test_a_table_that_was_passed_over_is_not_said_to_be_clean(
    store: PostgresStore, postgres_url: str
) -> None:
    await store.erase(BOB, ALL, now=NOW)
    other = await asyncpg.connect(postgres_url)
    try:
        async with other.transaction():
            await other.execute("LOCK TABLE messages IN SHARE UPDATE EXCLUSIVE MODE")  # as a VACUUM does
            assert not await store.purge_files()
            assert await store.purge_pending()
        assert await store.purge_files()
        assert not await store.purge_pending()
    finally:
        await other.close()
