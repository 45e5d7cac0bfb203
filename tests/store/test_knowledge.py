"""KnowledgeStore: facts, blocks, edits; changes are made together or not at all."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from hmlr.errors import Conflict, LeaseLost, NotFound
from hmlr.records import BlockId, FactEvent, FactId, Turn, TurnId
from hmlr.store.care_records import ErasePlan
from hmlr.store.port import Store
from hmlr.store.records import (
    AddEdit,
    AssignTurn,
    ChangeFact,
    ConfirmFact,
    FactChanges,
    FactQuery,
    LogFactEvent,
    PutBlock,
    PutFact,
    TurnQuery,
)
from tests.store.making import ADA, BOB, NOW, block, fact, later, message, turn


def assign(turn_id: str, block_id: str = "b1", **given: Any) -> AssignTurn:
    return AssignTurn(turn_id=TurnId(turn_id), block_id=BlockId(block_id), by="rule", **given)


def change(fact_id: str = "f1", **given: Any) -> ChangeFact:
    values: dict[str, Any] = {
        "expected": "active",
        "state": "superseded",
        "superseded_by": FactId("f2"),
        "reason": "moved",
        "valid_to": later(days=1),
    }
    return ChangeFact(fact_id=FactId(fact_id), **(values | given))


async def stored_turn(store: Store) -> TurnId:
    (added,) = await store.add_turns(ADA, [turn("Oslo is home")])
    return added.turn_id


async def test_a_fact_comes_back_as_it_was_given(store: Store) -> None:
    given = fact(await stored_turn(store), valid_to=later(days=2), reason="why", confirmations=3)
    await store.apply(ADA, [PutFact(fact=given)])
    assert await store.facts(ADA, FactQuery()) == [given]
    assert await store.facts(BOB, FactQuery(states=None)) == []


async def test_a_fact_stored_already_is_left(store: Store) -> None:
    given = fact(await stored_turn(store))
    await store.apply(ADA, [PutFact(fact=given), PutFact(fact=replace(given, key="other"))])
    assert await store.facts(ADA, FactQuery()) == [given]


async def test_a_fact_needs_a_message_of_its_user(store: Store) -> None:
    turn_id = await stored_turn(store)
    with pytest.raises(NotFound):
        await store.apply(BOB, [PutFact(fact=fact(turn_id))])
    with pytest.raises(NotFound):
        await store.apply(ADA, [PutFact(fact=fact("nowhere"))])


async def test_fact_queries(store: Store) -> None:
    turn_id = await stored_turn(store)
    facts = [
        fact(turn_id, "f1", subject="Zoë", valid_from=later(days=2)),
        fact(turn_id, "f2", key="job", valid_from=later(days=1)),
        fact(turn_id, "f3", state="invalidated"),
    ]
    await store.apply(ADA, [PutFact(fact=item) for item in facts])

    async def ids(**where: Any) -> list[str]:
        return [found.fact_id for found in await store.facts(ADA, FactQuery(**where))]

    assert await ids() == ["f2", "f1"]
    assert await ids(states=None) == ["f3", "f2", "f1"]
    assert await ids(states=()) == []
    assert await ids(subject="ZOË") == ["f1"]
    assert await ids(key="job") == ["f2"]
    assert await ids(keys=("job", "home"), states=None) == ["f3", "f2", "f1"]
    assert await ids(keys=()) == []
    assert await ids(categories=("identity",)) == ["f2", "f1"]
    assert await ids(categories=("policy", "secret")) == []
    assert await ids(fact_ids=("f1", "f9")) == ["f1"]
    assert await ids(turn_ids=(turn_id,)) == ["f2", "f1"]
    assert await ids(turn_ids=()) == []


async def test_a_state_changes_only_from_the_one_expected(store: Store) -> None:
    turn_id = await stored_turn(store)
    await store.apply(ADA, [PutFact(fact=fact(turn_id))])
    await store.apply(ADA, [change()])
    (found,) = await store.facts(ADA, FactQuery(states=("superseded",)))
    assert (found.superseded_by, found.reason, found.valid_to) == ("f2", "moved", later(days=1))
    with pytest.raises(Conflict, match="superseded"):
        await store.apply(ADA, [change()])
    for user, missing in ((ADA, change("f9")), (BOB, change())):
        with pytest.raises(NotFound):
            await store.apply(user, [missing])


async def test_a_confirmation_counts_and_keeps_the_latest_time(store: Store) -> None:
    await store.apply(ADA, [PutFact(fact=fact(await stored_turn(store)))])
    for moment in (later(days=3), later(days=1)):
        await store.apply(ADA, [ConfirmFact(fact_id=FactId("f1"), occurred_at=moment)])
    (found,) = await store.facts(ADA, FactQuery())
    assert (found.confirmations, found.last_confirmed_at) == (2, later(days=3))


async def test_history_is_oldest_first_whatever_the_clock_said(store: Store) -> None:
    turn_id = await stored_turn(store)
    event = FactEvent(
        fact_id=FactId("f1"), change="created", by="rule", reason="", turn_id=turn_id, recorded_at=NOW
    )
    back = replace(event, change="confirmed", turn_id=None, recorded_at=later(days=-1))
    await store.apply(ADA, [PutFact(fact=fact(turn_id)), LogFactEvent(event=event), LogFactEvent(event=back)])
    assert await store.fact_events(ADA, [FactId("f1")]) == [event, back]
    assert await store.fact_events(BOB, [FactId("f1")]) == []
    with pytest.raises(NotFound):
        await store.apply(BOB, [LogFactEvent(event=event)])


async def test_fact_changes_tells_what_changed_since_a_version(store: Store) -> None:
    turn_id = await stored_turn(store)
    assert await store.fact_changes(ADA, 0) == FactChanges(version=0, facts=(), whole=False)
    await store.apply(ADA, [PutFact(fact=fact(turn_id)), PutFact(fact=fact(turn_id, "f2"))])
    seen = await store.fact_changes(ADA, 0)
    assert (seen.whole, [each.fact_id for each in seen.facts]) == (True, ["f1", "f2"])
    for one in (ConfirmFact(fact_id=FactId("f1"), occurred_at=NOW), change()):
        await store.apply(ADA, [one])
        before, seen = seen, await store.fact_changes(ADA, seen.version)
        assert seen.version > before.version
        assert (seen.whole, [each.fact_id for each in seen.facts]) == (False, ["f1"])
    assert seen.facts[0].state != "active"
    await store.apply(ADA, [PutBlock(block=block(), version=0)])
    assert await store.fact_changes(ADA, seen.version) == replace(seen, facts=())
    assert (await store.fact_changes(BOB, 0)).facts == ()


async def test_after_a_removal_of_facts_all_are_read_anew(store: Store) -> None:
    turn_id = await stored_turn(store)
    await store.apply(ADA, [PutFact(fact=fact(turn_id)), PutFact(fact=fact(turn_id, "f2"))])
    known = (await store.fact_changes(ADA, 0)).version
    await store.erase(ADA, ErasePlan(scope="fact", target="f1", fact_ids=(FactId("f1"),)), now=NOW)
    seen = await store.fact_changes(ADA, known)
    assert (seen.whole, [each.fact_id for each in seen.facts]) == (True, ["f2"])


async def test_a_fact_of_a_run_without_its_source_stores_none_of_them(store: Store) -> None:
    turn_id = await stored_turn(store)
    with pytest.raises(NotFound):
        await store.apply(ADA, [PutFact(fact=fact(turn_id)), PutFact(fact=fact("t-none", "f2"))])
    assert await store.facts(ADA, FactQuery(states=None)) == []


async def test_a_blocks_counts_and_times_follow_from_its_turns(store: Store) -> None:
    first, second = turn("a"), turn("b")
    moved = replace(second, messages=(replace(second.messages[0], occurred_at=later(days=1)),))
    await store.add_turns(ADA, [first, moved])
    await store.apply(
        ADA,
        [PutBlock(block=block(turn_count=99), version=0), assign(first.turn_id), assign(second.turn_id)],
    )
    (found,) = await store.blocks(ADA)
    assert found.block == block(turn_count=2, last_at=later(days=1))
    assert found.version == 1
    assert [t.block_id for t in await store.turns(ADA, TurnQuery(block_id=BlockId("b1")))] == ["b1", "b1"]
    assert await store.blocks(BOB) == []


async def test_a_block_without_turns_is_not_listed_and_goes_when_left(store: Store) -> None:
    turn_id = await stored_turn(store)
    await store.apply(ADA, [PutBlock(block=block(), version=0)])
    assert await store.blocks(ADA) == []
    other = block("b2")
    await store.apply(ADA, [assign(turn_id), PutBlock(block=other, version=0), assign(turn_id, "b2")])
    assert [found.block.block_id for found in await store.blocks(ADA)] == ["b2"]
    await store.apply(ADA, [PutBlock(block=block(), version=0)])  # its id is free again


async def test_the_block_with_the_latest_turn_comes_first(store: Store) -> None:
    turns = [turn(str(n)) for n in range(3)]
    await store.add_turns(ADA, turns)
    puts = [PutBlock(block=block(f"b{n}"), version=0) for n in range(2)]
    places = [assign(turns[n].turn_id, f"b{n % 2}") for n in range(3)]
    await store.apply(ADA, [*puts, *places])
    assert [found.block.block_id for found in await store.blocks(ADA)] == ["b0", "b1"]
    assert [found.block.block_id for found in await store.blocks(ADA, limit=1)] == ["b0"]
    wanted = [BlockId("b1"), BlockId("b9")]
    assert [found.block.block_id for found in await store.blocks(ADA, block_ids=wanted)] == ["b1"]


@pytest.mark.parametrize("seed", range(5))
async def test_what_a_block_holds_is_right_however_turns_come_and_go(store: Store, seed: int) -> None:
    dice = Random(seed)
    new = [turn(str(n)) for n in range(12)]
    dice.shuffle(new)
    new = [replace(t, messages=(message(occurred_at=later(days=dice.randint(-9, 9))),)) for t in new]
    ids = [added.turn_id for added in await store.add_turns(ADA, new)]
    for _ in range(8):
        names = [f"b{n}" for n in range(3)]
        there = {entry.block.block_id for entry in await store.blocks(ADA)}
        puts = [PutBlock(block=block(name), version=0) for name in names if name not in there]
        run = [
            assign(dice.choice(ids), dice.choice(names), activate=False) for _ in range(dice.randint(1, 5))
        ]
        used = {each.block_id for each in run}
        await store.apply(ADA, [put for put in puts if put.block.block_id in used] + run)
        if dice.random() < 0.3:
            gone = ids.pop()
            await store.erase(ADA, ErasePlan(scope="turn", target=gone, turn_ids=(gone,)), now=NOW)
        held: dict[BlockId, list[Turn]] = {}
        for each in await store.turns(ADA, TurnQuery()):
            if each.block_id is not None:
                held.setdefault(each.block_id, []).append(each)
        latest = sorted(held, key=lambda name: -held[name][-1].seq)
        found = [entry.block for entry in await store.blocks(ADA)]
        assert [each.block_id for each in found] == latest
        for each in found:
            times = [one.occurred_at for one in held[each.block_id]]
            assert (each.turn_count, each.started_at, each.last_at) == (len(times), min(times), max(times))
    assert all(line.ok for line in await store.check())


async def test_one_block_is_active(store: Store) -> None:
    turns = [turn(str(n)) for n in range(3)]
    await store.add_turns(ADA, turns)
    for number in range(2):
        put = PutBlock(block=block(f"b{number}"), version=0)
        await store.apply(ADA, [put, assign(turns[number].turn_id, f"b{number}")])
    await store.apply(ADA, [assign(turns[2].turn_id, "b0", activate=False)])
    states = {found.block.block_id: found.block.state for found in await store.blocks(ADA)}
    assert states == {"b0": "PAUSED", "b1": "ACTIVE"}


async def test_a_header_is_written_over_only_what_was_read(store: Store) -> None:
    turn_id = await stored_turn(store)
    await store.apply(ADA, [PutBlock(block=block(), version=0), assign(turn_id)])
    await store.apply(ADA, [PutBlock(block=block(label="New"), version=1)])
    for version in (0, 1, 7):
        with pytest.raises(Conflict):
            await store.apply(ADA, [PutBlock(block=block(label="Late"), version=version)])
    (found,) = await store.blocks(ADA)
    assert (found.block.label, found.version) == ("New", 2)


async def test_a_turn_goes_only_into_a_block_of_its_user(store: Store) -> None:
    turn_id = await stored_turn(store)
    await store.add_turns(BOB, [turn()])
    await store.apply(BOB, [PutBlock(block=block(), version=0)])
    with pytest.raises(NotFound):
        await store.apply(ADA, [assign(turn_id)])
    with pytest.raises(NotFound):
        await store.apply(BOB, [assign(turn_id)])


async def test_edits_come_in_the_order_they_were_made(store: Store) -> None:
    for number in range(3):
        payload = {"n": number, "deep": {"text": "ü\ud800"}}
        await store.apply(ADA, [AddEdit(kind="rename", target="b1", payload=payload, recorded_at=NOW)])
    found = await store.edits(ADA)
    assert [(edit.seq, edit.payload["n"]) for edit in found] == [(1, 0), (2, 1), (3, 2)]
    assert found[0].payload["deep"] == {"text": "ü\ud800"}
    assert await store.edits(BOB) == []


async def test_changes_and_the_end_of_jobs_are_one(store: Store) -> None:
    (added,) = await store.add_turns(ADA, [turn("Oslo", jobs=("scrub",))])
    leases = await store.claim(ADA, "scrub", limit=9, lease_s=60, now=NOW)
    good = PutFact(fact=fact(added.turn_id))
    with pytest.raises(NotFound):
        await store.apply(ADA, [good, change("f9")], finish=leases)
    assert await store.facts(ADA, FactQuery()) == []
    await store.apply(ADA, [good], finish=leases)
    with pytest.raises(LeaseLost):
        await store.apply(ADA, [change()], finish=leases)
    assert len(await store.facts(ADA, FactQuery())) == 1
    assert (await store.job_counts(ADA, NOW)).waiting == 0
