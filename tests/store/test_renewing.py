"""A lease that is renewed is nobody else's; one that is not ends soon."""

from __future__ import annotations

import pytest

from hmlr.errors import LeaseLost
from hmlr.store.port import Store
from tests.store.making import ADA, BOB, later, turn


async def test_a_renewed_lease_lasts_from_now(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",)) for _ in range(3)])
    leases = await store.claim(ADA, "scrub", limit=2, lease_s=20, now=later())
    await store.renew(ADA, leases, lease_s=20, now=later(seconds=15))
    assert await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later(seconds=34)) == []
    assert len(await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later(seconds=36))) == 3


async def test_a_lost_lease_is_not_taken_back_by_renewing_it(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    first = await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later())
    second = await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later(seconds=21))
    await store.renew(ADA, first, lease_s=1000, now=later(seconds=22))
    with pytest.raises(LeaseLost):
        await store.apply(ADA, [], finish=first)
    assert len(await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later(seconds=42))) == 1
    await store.renew(BOB, second, lease_s=20, now=later())


async def test_what_is_finished_needs_no_renewing(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",)) for _ in range(2)])
    leases = await store.claim(ADA, "scrub", limit=9, lease_s=20, now=later())
    await store.apply(ADA, [], finish=leases[:1])
    await store.renew(ADA, leases, lease_s=20, now=later(seconds=10))
    await store.apply(ADA, [], finish=leases[1:])
    assert (await store.job_counts(ADA, later())).running == 0
