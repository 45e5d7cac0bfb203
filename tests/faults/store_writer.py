"""A process that writes turns until it is killed, telling each one that was acknowledged.

Usage: store_writer.py DATABASE NAME SECONDS. Lines: "ready", then "<key> <turn id>" for each turn.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import time
from pathlib import Path

from hmlr.records import TurnId, UserId
from hmlr.store.records import TurnQuery
from hmlr.store.sqlite import open_sqlite
from tests.store.making import slices, turn

ADA = UserId("ada")


async def main(path: Path, name: str, seconds: float) -> None:
    store = await open_sqlite(path, slicer=slices)
    say("ready")
    end = time.monotonic() + seconds
    worst = 0.0

    async def write(lane: int) -> None:
        nonlocal worst
        for number in itertools.count():
            if time.monotonic() > end:
                return
            key = f"{name}-{lane}-{number}"
            begun = time.monotonic()
            given = turn(
                f"Turn {key} word\nSecond", turn_id=TurnId(key), idempotency_key=key, jobs=("embed", "scrub")
            )
            (added,) = await store.add_turns(ADA, [given])
            worst = max(worst, time.monotonic() - begun)
            say(f"{key} {added.turn_id}")
            if number % 7 == 0:
                await store.turns(ADA, TurnQuery(newest=True, limit=5))

    await asyncio.gather(*(write(lane) for lane in range(4)))
    await store.aclose()
    say(f"worst {worst:.3f}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
