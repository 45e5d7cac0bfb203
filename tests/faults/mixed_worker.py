"""A process that works with a memory for a while: it stores, asks, and learns in the background.

Usage: mixed_worker.py DATABASE NAME SECONDS. Says "ready", begins when it is given a line, and ends with one
JSON object: the seconds of each write by turn id, and those of the searches. What raises ends it before that.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from hmlr import Message
from tests.faults.doors import door


async def main(path: Path, name: str, seconds: float) -> None:
    writes: dict[str, float] = {}
    searches: list[float] = []
    async with door(path) as hmlr:
        await hmlr.recall("what is loaded with the first search")
        print("ready", flush=True)
        sys.stdin.readline()
        end = time.monotonic() + seconds
        while (begun := time.monotonic()) < end:
            number = len(searches)
            receipt = await hmlr.remember(
                [Message(content=f"Note {name} {number}: the kiln is at {number}.")]
            )
            written = time.monotonic()
            assert await hmlr.recall(f"What was note {name} {number}?", limit=5)
            writes[receipt.turn_ids[0]] = written - begun
            searches.append(time.monotonic() - written)
    print(json.dumps({"writes": writes, "searches": searches}))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
