"""WorkStore: workers are sent to users who have something left, and to no others."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hmlr.records import BlockId, FactEvent, FactId, RunId, UserId
from hmlr.store.care_records import ErasePlan
from hmlr.store.garden_records import GardenedBlock
from hmlr.store.port import Store
from hmlr.store.records import AssignTurn, Change, ChangeFact, LogFactEvent, PutBlock, PutFact, UsersLeft
from tests.store.making import ADA, BOB, NOW, block, fact, later, message, turn
from tests.store.test_garden import RUN, fill, place, put, step


async def test_a_finished_block_is_found_until_it_is_gardened(store: Store) -> None:
    await fill(store)
    await store.add_turns(BOB, [turn()])
    assert await store.users_left("garden", NOW) == [ADA]
    done = GardenedBlock(block_id=BlockId("b1"), version=1, tags=())
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(), place("f2")), block=done))
    assert await store.users_left("garden", NOW) == []


async def test_a_topic_that_goes_on_is_left_alone(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn("Oslo is home")])
    await store.apply(
        ADA,
        [
            PutBlock(block=block(state="PAUSED"), version=0),
            AssignTurn(turn_id=added.turn_id, block_id=BlockId("b1"), by="rule", activate=True),
            PutFact(fact=fact(added.turn_id)),
        ],
    )
    assert await store.users_left("garden", NOW) == []


async def test_what_somebody_has_backs_off_or_is_parked_is_left_alone(store: Store) -> None:
    _, last = await fill(store)
    await store.add_jobs(ADA, "garden", [last])
    (lease,) = await store.claim(ADA, "garden", limit=1, lease_s=10, now=NOW)
    assert await store.users_left("garden", NOW) == await store.users_stalled("garden", NOW) == []
    assert await store.next_due(ADA, "garden") == later(seconds=10)
    assert (await store.work_left(NOW))["garden"] == left(running=1)
    late = later(seconds=11)
    assert await store.users_left("garden", late) == await store.users_stalled("garden", late) == [ADA]
    assert (await store.work_left(late))["garden"] == left(waiting=1, stalled=1)
    await store.fail(ADA, [lease], error="Down", retry_at=later(hours=1))
    assert await store.users_left("garden", late) == await store.users_stalled("garden", late) == []
    assert await store.next_due(ADA, "garden") == later(hours=1)
    assert await store.users_left("garden", later(hours=1)) == [ADA]
    (lease,) = await store.claim(ADA, "garden", limit=1, lease_s=10, now=later(hours=1))
    await store.fail(ADA, [lease], error="Down", retry_at=None)
    assert await store.users_left("garden", later(days=9)) == []
    assert await store.next_due(ADA, "garden") is None
    assert (await store.work_left(NOW))["garden"] == left(failed=1)
    await store.retry_failed(ADA)
    assert await store.users_left("garden", NOW) == [ADA]


async def test_a_fact_that_changes_after_a_run_is_found(store: Store) -> None:
    await fill(store)
    done = GardenedBlock(block_id=BlockId("b1"), version=1, tags=())
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(), place("f2")), block=done))
    await store.apply(ADA, invalidated("f1", later(hours=1)))
    assert await store.users_left("garden", NOW) == [ADA]
    again = replace(RUN, run_id=RunId("r2"), started_at=later(hours=2))
    await store.garden_step(ADA, step(run=again))
    assert await store.users_left("garden", NOW) == []


async def test_a_changed_fact_is_found_after_another_was_forgotten(store: Store) -> None:
    _, last = await fill(store)
    done = GardenedBlock(block_id=BlockId("b1"), version=1, tags=())
    await store.garden_step(ADA, step(dossiers=(put(),), places=(place(), place("f2")), block=done))
    await store.apply(ADA, invalidated("f1", later(hours=1)))
    assert await store.users_left("garden", NOW) == [ADA]
    await store.erase(ADA, ErasePlan(scope="turn", target=last, turn_ids=(last,)), now=NOW)
    assert await store.users_left("garden", NOW) == [ADA]


async def test_a_fact_that_is_learned_after_its_topic_was_gardened_is_found(store: Store) -> None:
    first, last = await fill(store)
    done = GardenedBlock(block_id=BlockId("b1"), version=1, tags=())
    run = replace(RUN, started_at=later(hours=1))
    await store.garden_step(ADA, step(run=run, dossiers=(put(),), places=(place(), place("f2")), block=done))
    await store.apply(ADA, [PutFact(fact=fact(first, "f3", key="likes"))])
    assert await store.users_left("garden", later(hours=2)) == [ADA]
    await store.add_jobs(ADA, "garden", [last])  # gardening the topic fails, and backs off
    (lease,) = await store.claim(ADA, "garden", limit=1, lease_s=10, now=later(hours=2))
    await store.fail(ADA, [lease], error="Down", retry_at=later(hours=3))
    assert await store.users_left("garden", later(hours=2)) == []
    again = replace(RUN, run_id=RunId("r2"), started_at=later(hours=3))
    await store.garden_step(ADA, step(run=again, places=(place("f3"),)))
    assert await store.users_left("garden", later(hours=4)) == []


async def test_learning_is_left_to_who_stored_it_for_a_moment(store: Store) -> None:
    await store.add_turns(ADA, [turn(jobs=("scrub",))])
    assert await store.users_left("learn", later(seconds=5)) == []
    late = later(seconds=11)
    assert await store.users_left("learn", late) == [ADA]
    assert await store.users_left("garden", late) == []
    await store.claim(ADA, "scrub", limit=1, lease_s=10, now=late)
    assert await store.users_left("learn", late) == []
    assert (await store.work_left(late))["learn"] == left(running=1)
    assert await store.users_stalled("learn", later(seconds=22)) == [ADA]


async def test_each_user_with_something_left_to_learn_is_found(store: Store) -> None:
    users = [UserId(f"user{number}") for number in range(5)]
    for user in users:
        await store.add_turns(user, [turn(jobs=("embed",))])
    at = later(seconds=11)
    await store.claim(users[1], "embed", limit=1, lease_s=10, now=at)
    await store.add_turns(ADA, [turn()])
    assert await store.users_left("learn", at) == [users[0], *users[2:]]


async def test_what_is_left_to_learn_is_found_behind_what_is_not(store: Store) -> None:
    said = message("Bergen", recorded_at=later(seconds=60))
    old, new = turn(jobs=("embed", "route")), turn(said, jobs=("embed",))
    await store.add_turns(ADA, [old, new])
    at = later(seconds=62)  # the second turn is new
    (lease,) = await store.claim(ADA, "embed", limit=1, lease_s=5, now=at)
    assert await store.users_left("learn", at) == [ADA]  # there is the other job of the first turn
    (other,) = await store.claim(ADA, "route", limit=1, lease_s=5, now=at)
    assert await store.users_left("learn", at) == []
    assert await store.users_left("learn", later(seconds=68)) == [ADA]  # whoever had them is gone
    await store.fail(ADA, [lease, other], error="Down", retry_at=later(hours=1))
    assert await store.users_left("learn", later(seconds=69)) == []
    assert await store.users_left("learn", later(seconds=70)) == [ADA]  # the second turn is no longer new


def invalidated(fact_id: str, at: datetime) -> list[Change]:
    """The user says that a fact is wrong."""
    of = FactId(fact_id)
    wrong = ChangeFact(
        fact_id=of, expected="active", state="invalidated", superseded_by=None, reason="", valid_to=None
    )
    event = FactEvent(fact_id=of, change="invalidated", by="user", reason="", turn_id=None, recorded_at=at)
    return [wrong, LogFactEvent(event=event)]


def left(**counts: int) -> UsersLeft:
    return UsersLeft(**({"waiting": 0, "running": 0, "failed": 0, "stalled": 0} | counts))
