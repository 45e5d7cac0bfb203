"""Calls that are given up leave nothing of their answers to others, and their connections clean (X07)."""

from __future__ import annotations

import asyncio
import random

import pytest

from hmlr.records import SessionId, UserId
from hmlr.store.port import Store
from hmlr.store.records import FactQuery, TurnQuery
from tests.faults.figures import figure
from tests.opening import Place, is_file, open_place
from tests.places import past_hmlr
from tests.store.making import message, slices, turn

pytestmark = [pytest.mark.security, pytest.mark.timeout(1800)]

USERS, CALLS, AT_ONCE = 8, figure(480, 10_008), 24
WORD = "quetzal"


def canary(number: int) -> str:
    return f"{WORD}{number}x"


async def ask(store: Store, number: int, chance: random.Random) -> str:
    """One call of a kind, with the user's own word in what is stored; all that it gives."""
    user = UserId(f"user{number}")
    match chance.randrange(6):
        case 0:
            said = [turn(message(f"{canary(number)} {WORD} nest")) for _ in range(chance.randrange(1, 4))]
            added = await store.add_turns(user, said)
            assert [each.turn_id for each in added] == [each.turn_id for each in said]
            return ""
        case 1:
            return repr(await store.turns(user, TurnQuery(newest=True, limit=50)))
        case 2:
            found = await store.postings(user, [WORD, "nest"])
            ids = found[WORD].chunk_ids[-50:].tolist() if WORD in found else []
            rows = await store.chunks(user, ids)
            assert len(rows) == len(ids)  # another's chunk would not be found
            return repr(rows)
        case 3:
            return repr(await store.messages_containing(user, [WORD]))
        case 4:
            return repr([await store.stats(user), await store.facts(user, FactQuery())])
        case _:
            return repr([record async for record in store.export(user)])


async def test_answers_reach_only_who_asked(database: Place) -> None:
    chance = random.Random(11)
    store = await open_place(database, slicer=slices)
    given_up = answered = 0

    async def step(number: int) -> bool:
        """Whether the answer came before it was given up."""
        try:
            async with asyncio.timeout(chance.choice([0, 0.001, 0.003, 0.01, 0.03, 60])):
                shown = await ask(store, number, chance)
        except TimeoutError:
            return False
        assert WORD not in shown.replace(canary(number), "").replace(f" {WORD} nest", ""), (
            number,
            shown[:2000],
        )
        return True

    for number in range(USERS):
        await store.add_turns(UserId(f"user{number}"), [turn(f"{canary(number)} {WORD} nest")])
    for _ in range(CALLS // AT_ONCE):
        came = await asyncio.gather(*(step(chance.randrange(USERS)) for _ in range(AT_ONCE)))
        answered += sum(came)
        given_up += len(came) - sum(came)
    for number in range(USERS):  # all of them go on
        await store.add_turns(UserId(f"user{number}"), [turn("the end", session_id=SessionId("last"))])
        turns = await store.turns(UserId(f"user{number}"), TurnQuery())
        assert all(canary(number) in each.messages[0].content for each in turns[:-1])
    if not is_file(database):
        clean(database)
    await store.aclose()
    print(f"X07: {given_up} of {given_up + answered} calls of {USERS} users given up")
    assert min(given_up, answered) > CALLS // 20


def clean(database: Place) -> None:
    """No connection holds a transaction or a lock."""
    ours = "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    states = past_hmlr(database, f"SELECT state, count(*) FROM pg_stat_activity WHERE {ours} GROUP BY 1")  # noqa: S608
    assert [state for state, _ in states] == ["idle"]
    assert past_hmlr(database, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory'") == []
