"""A reply that was written while something was forgotten is not stored."""

from __future__ import annotations

import pytest

from hmlr.errors import Conflict, NotFound
from hmlr.store.care_records import ErasePlan
from hmlr.store.port import Store
from hmlr.store.records import TurnQuery
from tests.store.making import ADA, BOB, NOW, reply, turn


def plan(turn_id: str) -> ErasePlan:
    return ErasePlan(scope="turn", target=turn_id, turn_ids=(turn_id,))  # type: ignore[arg-type]


async def test_a_reply_from_before_an_erasure_is_refused(store: Store) -> None:
    gone, asked = await store.add_turns(ADA, [turn("The code is 7781"), turn("What is the code?")])
    await store.erase(ADA, plan(gone.turn_id), now=NOW)
    with pytest.raises(Conflict, match="forgotten"):
        await store.add_reply(ADA, asked.turn_id, reply("It is 7781"), erasures=asked.erasures)
    (left,) = await store.turns(ADA, TurnQuery())
    assert len(left.messages) == 1


async def test_a_reply_from_after_an_erasure_is_stored(store: Store) -> None:
    (gone,) = await store.add_turns(ADA, [turn()])
    await store.erase(ADA, plan(gone.turn_id), now=NOW)
    (asked,) = await store.add_turns(ADA, [turn(idempotency_key="k")])
    assert asked.erasures == gone.erasures + 1
    (again,) = await store.add_turns(ADA, [turn(idempotency_key="k")])
    assert again.erasures == asked.erasures
    await store.add_reply(ADA, asked.turn_id, reply(), erasures=asked.erasures)


async def test_the_reply_of_a_forgotten_turn_is_refused(store: Store) -> None:
    (asked,) = await store.add_turns(ADA, [turn()])
    await store.erase(ADA, plan(asked.turn_id), now=NOW)
    with pytest.raises(NotFound):
        await store.add_reply(ADA, asked.turn_id, reply(), erasures=asked.erasures)


async def test_what_another_user_forgets_or_a_rebuild_keeps_no_reply_out(store: Store) -> None:
    (asked,) = await store.add_turns(ADA, [turn()])
    (gone,) = await store.add_turns(BOB, [turn()])
    await store.erase(BOB, plan(gone.turn_id), now=NOW)
    await store.rebuild_search()
    await store.add_reply(ADA, asked.turn_id, reply(), erasures=asked.erasures)
