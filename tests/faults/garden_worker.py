"""A process that gardens a memory until it is done or killed.

Usage: garden_worker.py DATABASE MINUTES [all]. The clock goes from so many minutes after the tests' start, so
that leases of a process that was killed before are over. Says "ready", "block" after each, and at last
"done", the most memory it had in MB and how many topics are left.
"""

from __future__ import annotations

import asyncio
import re
import resource
import sys
from pathlib import Path

from hmlr.garden_records import GardenProgress
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door


def tell(progress: GardenProgress) -> None:
    if progress.done:
        print("block", flush=True)


async def main(path: Path, minutes: float, *, all_users: bool) -> None:
    clock = Clock()
    clock.forward(60 * minutes)
    async with door(path, clock=clock, embedder=hash_embedder()) as hmlr:
        print("ready", flush=True)
        report = await hmlr.garden(all_users=all_users, progress=tell)
        print(f"done {most_mb():.0f} {report.pending}", flush=True)


def most_mb() -> float:
    """The most memory this program held. What `getrusage` tells begins with the parent's, on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(kilobytes) / 1024


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2]), all_users="all" in sys.argv[3:]))
