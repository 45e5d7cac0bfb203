"""A process that gardens a memory until it is done or killed.

Usage: garden_worker.py DATABASE MINUTES. The clock goes from so many minutes after the tests' start, so that
leases of a process that was killed before are over. Says "ready", then "done" with the number of blocks.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door


async def main(path: Path, minutes: float) -> None:
    clock = Clock()
    clock.forward(60 * minutes)
    async with door(path, clock=clock, embedder=hash_embedder()) as hmlr:
        print("ready", flush=True)
        report = await hmlr.garden()
        print(f"done {report.done.blocks} {report.pending} {report.stopped}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
