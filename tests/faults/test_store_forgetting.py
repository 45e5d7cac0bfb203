"""Forgetting, seen from the files: no byte of it is left, and nothing else is gone (X08)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from hmlr.records import FactId, MessageId
from hmlr.store.care_records import ErasePlan, Rewrite
from hmlr.store.records import PutFact, TurnQuery
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.store.making import ADA, BOB, NOW, fact, reply, slices, turn

pytestmark = pytest.mark.security

CANARY = "xylophonequartz"
KEPT = "marmaladekept"


def traces(path: Path, word: str = CANARY) -> list[str]:
    """The files in which the word stands, in any case."""
    return [
        file.name
        for file in path.parent.iterdir()
        if file.is_file() and word.encode() in file.read_bytes().lower()
    ]


async def fill(store: SqliteStore, copies: int) -> list[str]:
    turns = [turn(f"The {CANARY} {n}\nmore") for n in range(copies)]
    added = await store.add_turns(ADA, turns)
    for one in added[:5]:
        await store.add_reply(ADA, one.turn_id, reply(f"I noted {CANARY}", echo=True))
        await store.apply(ADA, [PutFact(fact=fact(one.turn_id, f"f{one.seq}", value=CANARY))])
    await store.add_turns(BOB, [turn(f"{KEPT} {n}") for n in range(copies)])
    return [one.turn_id for one in added]


@pytest.mark.parametrize("scope", ["turn", "everything", "rewrite"])
@pytest.mark.parametrize("copies", [1, 300])
async def test_no_byte_is_left(db_path: Path, scope: str, copies: int) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    turn_ids = await fill(store, copies)
    assert traces(db_path)
    if scope == "rewrite":
        said = [message for one in await store.turns(ADA, TurnQuery()) for message in one.messages]
        content = "The ███\nmore"
        plan = ErasePlan(
            scope="fact",
            target="f1",
            fact_ids=tuple(FactId(f"f{n}") for n in range(1, 6)),
            rewrites=tuple(
                Rewrite(message_id=MessageId(one.message_id), content=content, chunks=tuple(slices(content)))
                for one in said
            ),
        )
    elif scope == "turn":
        plan = ErasePlan(scope="turn", target="t", turn_ids=tuple(turn_ids))  # type: ignore[arg-type]
    else:
        plan = ErasePlan(scope="everything", target="", everything=True)
    await store.erase(ADA, plan, now=NOW)
    assert await store.purge_files() is True
    assert traces(db_path) == []
    assert traces(db_path, KEPT)
    assert len(await store.turns(BOB, TurnQuery())) == copies
    assert all(check.ok for check in await store.check())
    assert os.path.getsize(f"{db_path}-wal") == 0
    await store.aclose()
    assert traces(db_path) == []


async def test_a_purge_says_when_a_snapshot_held_it_up(db_path: Path) -> None:
    store = await open_sqlite(db_path, slicer=slices)
    other = await open_sqlite(db_path, slicer=slices)
    turn_ids = await fill(store, 3)
    reading = other.export(BOB)
    await anext(reading)
    await store.erase(ADA, ErasePlan(scope="turn", target="t", turn_ids=tuple(turn_ids)), now=NOW)  # type: ignore[arg-type]
    assert await store.purge_files() is False
    await reading.aclose()
    assert await store.purge_files() is True
    assert traces(db_path) == []
    await asyncio.gather(store.aclose(), other.aclose())
