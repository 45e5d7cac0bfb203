"""Gardening by several worker processes on PostgreSQL: does throughput grow with them?

    python -m benchmarks.workers [--workers 1 2 4] [--users 200] [--blocks 2000] [--model-ms 200]
        [--concurrency 8] [--facts 5]

The blocks are made by chance (tests/gardens.py), so many facts in four of five; every answer of the model
takes so long and gives way to the rule, so that the calls are those of a real run. The model is the limit as
long as the processors are not: their load is printed beside. The server is a PostgreSQL from a pip package,
with its files in TMPDIR.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.gardens import sow_all
from tests.postgres import Server, running
from tests.workers import workers

POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One run."""

    workers: int
    blocks: int
    seconds: float  # from the first block that was gardened to the last
    calls: int
    machine: float  # share of the processors that was busy with anything
    ours: float  # processors that the workers and the database took


def measure(server: Server, count: int, given: argparse.Namespace) -> Measured:
    """Garden all anew with so many workers."""
    url = server.database()
    users = [f"user{number:04}" for number in range(given.users)]
    # The last block of each user is still talked about.
    asyncio.run(sow_all(url, users, given.blocks // given.users + 1, facts=given.facts))
    with (
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(url, autocommit=True) as database,
        workers(url, durability="full") as started,
    ):
        calls = Path(folder) / "calls"
        for _ in range(count):
            started.start(delay_s=given.model_ms / 1000, concurrency=given.concurrency, calls=str(calls))
        total = left = _left(database)
        while left == total:  # they start
            time.sleep(POLL_S)
            left = _left(database)
        first, begun, busy, ours = left, time.monotonic(), _busy_s(), _of(started.running, server)
        while left:
            time.sleep(POLL_S)
            left = _left(database)
        seconds = time.monotonic() - begun
        busy, ours = _busy_s() - busy, _of(started.running, server) - ours
        for pid in list(started.running):
            started.end(pid, signal.SIGTERM)
        asked = sum(map(int, calls.read_text().split()))
    server.drop(url)
    return Measured(
        workers=count,
        blocks=first,
        seconds=seconds,
        calls=asked * first // total,
        machine=busy / seconds / (os.cpu_count() or 1),
        ours=ours / seconds,
    )


def _left(database: psycopg.Connection[tuple[int]]) -> int:
    row = database.execute("SELECT count(*) FROM blocks WHERE state = 'PAUSED'").fetchone()
    return row[0] if row else 0


def _busy_s() -> float:
    """Processor seconds of the machine so far."""
    user, nice, system, _, _, irq, soft, *_ = map(
        int, Path("/proc/stat").read_text().split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def _of(pids: list[int], server: Server) -> float:
    """Processor seconds of these processes and of the server's, children that ended among them."""
    ticks, postmaster = 0, server.pid
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid = int(folder.name)
        if pid in pids or postmaster in (pid, int(fields[1])):
            ticks += int(fields[11]) + int(fields[12])
            if pid == postmaster:
                ticks += int(fields[13]) + int(fields[14])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(given: argparse.Namespace) -> None:
    """Measure and tell."""
    print(
        f"{given.blocks} blocks of {given.users} users, {given.facts} facts in four of five; "
        f"{given.model_ms} ms a call, {given.concurrency} users at a time in each worker"
    )
    found: list[Measured] = []
    with running() as server:
        for count in given.workers:
            each = measure(server, count, given)
            found.append(each)
            rate = each.blocks / each.seconds
            ratio = rate / (found[0].blocks / found[0].seconds)
            print(
                f"{count} workers: {each.seconds:.1f} s, {rate:.2f} blocks/s, "
                f"{each.calls / each.seconds:.1f} calls/s, {ratio:.2f} times the first; "
                f"{each.ours:.2f} processors for workers and database, the machine {each.machine:.0%} busy",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--blocks", type=int, default=2000)
    parser.add_argument("--model-ms", type=int, default=200)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--facts", type=int, default=5)
    main(parser.parse_args())
