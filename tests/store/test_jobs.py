"""JobStore: a job is done by who holds its lease, and never lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hmlr.errors import LeaseLost
from hmlr.records import TurnId
from hmlr.store.port import Store
from hmlr.store.records import JobCounts, Lease
from tests.store.making import ADA, BOB, NOW, later, reply, turn


async def claim(store: Store, *, kind: str = "scrub", limit: int = 10, seconds: float = 0) -> list[Lease]:
    return await store.claim(ADA, kind, limit=limit, lease_s=60, now=later(seconds=seconds))  # type: ignore[arg-type]


async def waiting(store: Store, seconds: float = 0) -> tuple[int, int, int]:
    counts = await store.job_counts(ADA, later(seconds=seconds))
    return counts.waiting, counts.running, counts.failed


async def test_the_oldest_jobs_are_leased_first(store: Store) -> None:
    added = await store.add_turns(ADA, [turn(jobs=("scrub", "route")) for _ in range(3)])
    leases = await claim(store, limit=2)
    assert [lease.turn_id for lease in leases] == [turn.turn_id for turn in added[:2]]
    assert {(lease.kind, lease.attempts) for lease in leases} == {("scrub", 1)}
    assert await waiting(store) == (4, 2, 0)


async def test_a_kind_is_leased_to_one_worker_at_a_time(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub", "route")) for _ in range(3)])
    await store.add_turns(BOB, [turn(jobs=("scrub",))])
    await claim(store, limit=1)
    assert await claim(store) == []
    assert len(await claim(store, kind="route")) == 3
    assert len(await store.claim(BOB, "scrub", limit=9, lease_s=60, now=NOW)) == 1


async def test_held_jobs_are_the_callers_and_hold_nobody_else_up(store: Store) -> None:
    (added, _) = await store.add_turns(
        ADA, [turn(jobs=("scrub", "route"), held=("scrub",)), turn(jobs=("scrub",))]
    )
    (held,) = added.leases
    assert (held.kind, held.turn_id, held.attempts) == ("scrub", added.turn_id, 1)
    (other,) = await claim(store)
    assert other.turn_id != held.turn_id
    await store.apply(ADA, [], finish=[held])
    assert await waiting(store) == (1, 1, 0)


async def test_an_expired_lease_is_taken_over_and_the_first_worker_refused(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn(jobs=("scrub",), held=("scrub",), hold_s=30)])
    assert await claim(store, seconds=29) == []
    (second,) = await claim(store, seconds=31)
    assert second.attempts == 2
    with pytest.raises(LeaseLost):
        await store.apply(ADA, [], finish=added.leases)
    await store.fail(ADA, added.leases, error="late", retry_at=None)
    await store.apply(ADA, [], finish=[second])
    assert await waiting(store, 31) == (0, 0, 0)


async def test_a_forged_or_foreign_lease_is_refused(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    await store.add_turns(BOB, [turn()])
    (lease,) = await claim(store)
    forged = replace(lease, token=lease.token + "x")
    for user, bad in ((ADA, forged), (BOB, lease), (ADA, replace(lease, job_id=99))):
        with pytest.raises(LeaseLost):
            await store.apply(user, [], finish=[bad])


async def test_a_failed_job_backs_off_then_parks_then_is_retried(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    leases = await claim(store)
    await store.fail(ADA, leases, error="model down", retry_at=later(seconds=10))
    assert await claim(store, seconds=9) == []
    leases = await claim(store, seconds=10)
    assert leases[0].attempts == 2
    await store.fail(ADA, leases, error="model gone", retry_at=None)
    assert await store.job_counts(ADA, NOW) == JobCounts(
        waiting=0, running=0, failed=1, errors=("model gone",)
    )
    assert await claim(store, seconds=10**6) == []
    assert (await store.retry_failed(BOB), await store.retry_failed(ADA)) == (0, 1)
    assert (await claim(store))[0].attempts == 1


async def test_a_job_that_was_not_tried_has_no_attempt_more(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    for _ in range(3):
        leases = await claim(store)
        await store.fail(ADA, leases, error="", retry_at=NOW, tried=False)
    assert [lease.attempts for lease in await claim(store)] == [1]


async def test_missing_jobs_are_added_once(store: Store) -> None:
    (added, other) = await store.add_turns(ADA, [turn(jobs=("embed",)), turn()])
    await store.add_jobs(ADA, "embed", [added.turn_id, other.turn_id, TurnId("gone")])
    await store.add_jobs(BOB, "embed", [added.turn_id])
    assert await waiting(store) == (2, 0, 0)
    assert (await store.job_counts(BOB, NOW)).waiting == 0


async def test_a_reply_starts_the_jobs_of_its_turn_anew(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn(jobs=("scrub",))])
    (lease,) = await claim(store)
    await store.add_reply(ADA, added.turn_id, reply(), jobs=("scrub", "embed"))
    with pytest.raises(LeaseLost):  # it has not seen the reply
        await store.apply(ADA, [], finish=[lease])
    assert await waiting(store) == (2, 0, 0)


async def test_a_fresh_job_is_due_though_the_clock_jumped_back(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    assert len(await claim(store, seconds=-3600)) == 1


async def test_the_turns_that_wait_are_named_up_to_a_count(store: Store) -> None:
    added = await store.add_turns(ADA, [turn(jobs=("scrub", "embed")) for _ in range(3)])
    await store.add_turns(BOB, [turn(jobs=("scrub",))])
    first, second, third = (each.turn_id for each in added)

    async def waiting_before(seq: int, most: int = 9, seconds: float = 0) -> list[TurnId]:
        kinds = ("scrub", "scribe")
        return await store.waiting_turns(ADA, kinds, before_seq=seq, most=most, now=later(seconds=seconds))

    assert await waiting_before(added[2].seq) == [first, second]
    assert await waiting_before(added[2].seq, most=1) == [first]
    leases = await claim(store, limit=2)
    assert set(await waiting_before(99)) == {first, second, third}
    await store.apply(ADA, [], finish=leases[:1])
    await store.fail(ADA, leases[1:], error="down", retry_at=later(seconds=60))
    assert await waiting_before(99) == [third]
    assert await waiting_before(99, seconds=61) == [second, third]
