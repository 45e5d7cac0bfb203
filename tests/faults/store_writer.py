"""A process that writes turns until it is killed, and tells of each before it is written and after.

Usage: store_writer.py DATABASE NAME LANES DURABILITY REPLY_S. Lines: "ready", then "ask KEY" and
"ok KEY TURN_ID", the latter at most REPLY_S after the write: the way of an answer to its caller.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from pathlib import Path

from hmlr.records import TurnId, UserId
from hmlr.store.records import NewTurn, TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from tests.store.making import slices, turn

ADA = UserId("ada")
CHUNKS, JOBS = 2, 2  # of each turn


def said(key: str, turn_id: str) -> NewTurn:
    """What is said under a key, first and when it is repeated."""
    content = f"Turn {key} word\nSecond"
    return turn(content, turn_id=TurnId(turn_id), idempotency_key=key, jobs=("embed", "scrub"))


async def main(path: Path, name: str, lanes: int, durability: str, reply_s: float) -> None:
    store = await open_sqlite(path, slicer=slices, durability=durability)
    say("ready")

    async def write(lane: int) -> None:
        for number in itertools.count():
            key = f"{name}-{lane}-{number}"
            say(f"ask {key}")
            (added,) = await store.add_turns(ADA, [said(key, key)])
            await asyncio.sleep(random.uniform(0, reply_s))
            say(f"ok {key} {added.turn_id}")
            if number % 7 == 0:
                await store.turns(ADA, TurnQuery(newest=True, limit=5))

    await asyncio.gather(*(write(lane) for lane in range(lanes)))


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _, database, name, lanes, durability, reply_s = sys.argv
    asyncio.run(main(Path(database), name, int(lanes), durability, float(reply_s)))
