"""A process that gardens a memory until it is done or killed.

Usage: garden_worker.py DATABASE MINUTES [all] [holds]. The clock goes from so many minutes after the tests'
start, so that leases of a process that was killed before are over. Says "ready", "block" after each, and at
last "done", the most memory it had in MB and how many topics are left. With `holds` it begins when its input
ends, and tells in the line before the last each time that it held the lock, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import resource
import sys
from pathlib import Path

from hmlr.garden_records import GardenProgress
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door
from tests.faults.holds import holds


def tell(progress: GardenProgress) -> None:
    if progress.done:
        print("block", flush=True)


async def main(path: Path, minutes: float, *, all_users: bool, with_holds: bool) -> None:
    clock = Clock()
    clock.forward(60 * minutes)
    async with door(path, clock=clock, embedder=hash_embedder()) as hmlr:
        print("ready", flush=True)
        if with_holds:
            sys.stdin.read()
        with holds() as taken:
            report = await hmlr.garden(all_users=all_users, progress=tell)
        if with_holds:
            print(json.dumps(taken))
        print(f"done {most_mb():.0f} {report.pending}", flush=True)


def most_mb() -> float:
    """The most memory this program held. What `getrusage` tells begins with the parent's, on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(kilobytes) / 1024


if __name__ == "__main__":
    asyncio.run(
        main(
            Path(sys.argv[1]),
            float(sys.argv[2]),
            all_users="all" in sys.argv[3:],
            with_holds="holds" in sys.argv[3:],
        )
    )
