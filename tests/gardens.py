"""Memories to be gardened, made fast and by chance: blocks of turns with facts, or without any."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hmlr.memory.intake import new_chunks
from hmlr.records import Block, BlockId, TurnId, UserId
from hmlr.store.records import AssignTurn, Change, PutBlock, PutFact
from hmlr.store.sql.store import SqlStore
from hmlr.store.sqlite.store import open_sqlite
from tests.opening import is_file, open_place
from tests.store.making import NOW, fact, message, turn

NAMES = (
    "Styx",
    "K-12",
    "Charon",
    "Ben",
    "Wilhelmina",
    "Aether",
    "River-9",
    "Project Cerberus",
    "Bergen Café",
)
KEYS = ("limit", "owner", "location", "note", "policy", "likes", "uses")
VALUES = ("400 GB", "Ada", "Oslo", "hiking", "Postgres", "tea", "the old pier", "Molde", "blue")
TERM = "In this project we use Postgres 16."
OWN = ("user", "user", *NAMES)


async def opened(place: Path | str) -> SqlStore:
    """The store in a file, or at a postgresql:// address."""
    if is_file(str(place)):
        return await open_sqlite(Path(place), slicer=new_chunks, durability="fast")
    from hmlr.store.postgres.settings import Reach
    from hmlr.store.postgres.store import open_postgres

    return await open_postgres(Reach(url=str(place), durability="fast"), slicer=new_chunks)


async def sow(path: Path | str, blocks: int, *, user: str = "ada", seed: int = 7, facts: int = 5) -> None:
    """Fill a database with PAUSED blocks, the last one ACTIVE; every fifth has no facts."""
    await sow_all(path, [user], blocks, seed=seed, facts=facts)


async def sow_all(
    path: Path | str, users: Sequence[str], blocks: int, *, seed: int = 7, facts: int = 5
) -> None:
    """The same for many users, some at a time."""
    store = await opened(path)
    places = asyncio.Semaphore(8)

    async def sown(user: str) -> None:
        async with places:
            dice = random.Random(f"{seed} {user}")
            for number in range(blocks):
                things = [thing(dice) for _ in range(facts if number % 5 != 4 else 0)]
                await _block(store, UserId(user), number, things, last=number == blocks - 1)

    await asyncio.gather(*[sown(user) for user in users])
    await store.aclose()


async def plant(
    path: Path, said: list[list[tuple[dict[str, Any], str]]], *, user: str = "ada", first: int = 0
) -> None:
    """Add a PAUSED block for each list of facts; the next one is ACTIVE and has none."""
    store = await opened(path)
    for number, facts in enumerate([*said, []], first):
        await _block(store, UserId(user), number, facts, last=number == first + len(said))
    await store.aclose()


async def _block(
    store: SqlStore, user: UserId, number: int, said: list[tuple[dict[str, Any], str]], *, last: bool
) -> None:
    at = NOW + timedelta(days=number)
    block_id = BlockId(f"b{number:04}")
    turn_ids = [TurnId(f"{user}-{number:04}-{place}") for place in range(3)]
    texts = [". ".join(text for _, text in said) + "." if said else "Nothing much.", TERM, f"Day {number}."]
    await store.add_turns(
        user,
        [
            turn(message(text, occurred_at=at, recorded_at=at), turn_id=turn_id)
            for text, turn_id in zip(texts, turn_ids, strict=True)
        ],
    )
    header = Block(
        block_id=block_id, label=f"Topic {number}", summary="", keywords=(), open_loops=(), decisions=(),
        state="PAUSED", turn_count=0, started_at=at, last_at=at,
    )  # fmt: skip
    changes: list[Change] = [PutBlock(block=header, version=0)]
    changes += [
        AssignTurn(turn_id=each, block_id=block_id, by="rule", activate=last and each == turn_ids[-1])
        for each in turn_ids
    ]
    for place, (given, text) in enumerate(said):
        start = texts[0].index(text)
        changes.append(
            PutFact(
                fact=fact(
                    turn_ids[0], f"{user}-f{number:04}-{place}", quote=text, start=start,
                    end=start + len(text), occurred_at=at, valid_from=at, recorded_at=at, **given,
                )
            )
        )  # fmt: skip
    await store.apply(user, changes)


def thing(dice: random.Random) -> tuple[dict[str, Any], str]:
    """A fact by chance, and the words that say it."""
    subject = dice.choice(OWN)
    if dice.random() < 0.15 and subject != "user":
        other = dice.choice(NAMES)
        given = {"subject": subject, "key": "also_called", "value": other, "category": "alias"}
        return given, f"{subject} is also called {other} {dice.randrange(10**6)}"
    key, value = dice.choice(KEYS), dice.choice(VALUES)
    category = dice.choice(("entity", "policy", "preference", "identity", "event", "other"))
    state = dice.choice(("active", "active", "active", "superseded", "invalidated"))
    given = {
        "subject": subject, "key": key, "value": value, "category": category, "state": state,
        "reason": "" if state == "active" else "said otherwise",
    }  # fmt: skip
    return given, f"{subject} {key} {value} {dice.randrange(10**6)}"


def masked(records: list[Any]) -> list[Any]:
    """Exported records without what only tells when gardening was done, and by which run."""
    return [
        {**each, "run_id": "", "recorded_at": ""} if each["type"] == "dossier_event" else each
        for each in records
    ]


async def exported(place: Path | str, user: str = "ada") -> list[Any]:
    """What an export holds."""
    store = await open_place(str(place), slicer=new_chunks)
    try:
        return [record async for record in store.export(UserId(user))]
    finally:
        await store.aclose()


def places(records: list[Any]) -> dict[str, list[str]]:
    """Where each fact has its places."""
    found: dict[str, list[str]] = {}
    for record in records:
        if record["type"] == "dossier_entry":
            found.setdefault(record["fact_id"], []).append(record["dossier_id"])
    return found


def finished_facts(records: list[Any]) -> set[str]:
    """The facts of all blocks that are not talked about."""
    state = {each["block_id"]: each["state"] for each in records if each["type"] == "block"}
    block = {each["turn_id"]: each["block_id"] for each in records if each["type"] == "turn_block"}
    return {
        each["fact_id"]
        for each in records
        if each["type"] == "fact" and state[block[each["turn_id"]]] != "ACTIVE"
    }
