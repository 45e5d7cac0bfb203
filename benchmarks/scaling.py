"""What growing takes: costs of a turn are measured on PostgreSQL here, then users are simulated with them.

    python -m benchmarks.scaling [--users 20] [--turns 40]

Measured, on a PostgreSQL server that is started for it: CPU of the engine's process and of PostgreSQL for a
turn (chat offline, learning included), bytes in the database, bytes of a user's index in memory. A language
model's time is none of ours: it waits, it does not work.

Simulated: turns come at random with a peak; each takes a core of a server and a core of a shard for the
measured time (exponential around it), and waits when none is free. For each number of users the smallest
number of cores is sought at which 95 of 100 turns wait less than 50 ms at the peak; then what that stores and
costs. Prices are given on the command line and are assumptions.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import os
import random
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.talk import talk
from hmlr import HMLRClient, Settings
from hmlr.core.services import open_services
from hmlr.records import UserId
from tests.postgres import running

PEAK = 3.0  # the busiest second's turns, of the mean
WAIT_S = 0.05
SIMULATED = 20_000  # turns
SHARD_CORES = 32  # of one database server
SHARD_BYTES = 2e12
SERVER_BYTES = 32e9  # of memory, for indexes
SERVER_CORES = 8
INDEX_BYTES = 300_000  # of a user's index, however small


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What a turn takes."""

    server_s: float  # CPU
    database_s: float  # CPU
    stored_bytes: float  # in tables and indexes
    index_bytes: float  # in a server's memory, while its user is active


@dataclass(frozen=True, kw_only=True)
class Load:
    """Who comes, and what the machines cost."""

    turns_a_day: float  # of an active user
    active: float  # share of the users on a day
    turns_kept: float  # of a user, years later
    core_usd: float  # an hour
    stored_usd: float  # a GB and month


async def measured(url: str, postmaster: int, users: int, turns: int) -> Costs:
    """Let some users talk, and count."""
    settings = Settings.load(db_path=url, model="offline", embedder="minilm")
    said = [each.content for each in talk(users * turns)]
    async with HMLRClient(user_id="first", settings=settings) as host:
        await host.chat("warm up")  # loads the model
        server, database, size = time.process_time(), _database_s(postmaster), await _bytes(host)
        start = time.perf_counter()

        async def one(number: int) -> None:
            async with host.as_user(f"user{number}") as client:
                for text in said[number * turns : (number + 1) * turns]:
                    await client.chat(text, session_id="s")
                await client.flush(600)

        await asyncio.gather(*(one(number) for number in range(users)))
        count = users * turns
        costs = Costs(
            server_s=(time.process_time() - server) / count,
            database_s=(_database_s(postmaster) - database) / count,
            stored_bytes=(await _bytes(host) - size) / count,
            index_bytes=await _index_bytes(settings) / turns,
        )
        print(f"{count} turns of {users} users at once in {time.perf_counter() - start:.0f} s")
    return costs


def _database_s(postmaster: int) -> float:
    """CPU of a PostgreSQL server's processes, those that have ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:  # it has ended meanwhile
            continue
        fields = text[text.rindex(")") + 2 :].split()  # from the third on
        if int(stat.parent.name) == postmaster:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == postmaster:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def _bytes(host: HMLRClient) -> int:
    return (await host.stats()).database_bytes


async def _index_bytes(settings: Settings) -> float:
    services = await open_services(settings)
    index = await services.lattice.index(UserId("user0"))
    await services.aclose()
    vectors = index.vectors
    rows = [each for each in (*vars(index).values(), *vars(vectors).values()) if isinstance(each, np.ndarray)]
    apart = (vectors.signs, vectors.tokens)  # signs lie the other way round
    # Without the room that an array has to spare, which is large beside little.
    size = sum(
        each.nbytes / max(len(each), 1) * index.n for each in rows if all(each is not a for a in apart)
    )
    size += vectors.signs.nbytes / max(vectors.signs.shape[1], 1) * index.n
    return float(size + vectors.tokens.nbytes / max(len(vectors.tokens), 1) * vectors.total_tokens)


def waits_s(rate: float, service_s: float, cores: int, seed: int = 1) -> float:
    """What 95 of 100 wait for one of the cores, when so many a second come at random."""
    chance = random.Random(seed)
    free = [0.0] * cores
    now, waits = 0.0, []
    for _ in range(SIMULATED):
        now += chance.expovariate(rate)
        begin = max(now, heapq.heappop(free))
        waits.append(begin - now)
        heapq.heappush(free, begin + chance.expovariate(1 / service_s))
    return sorted(waits)[int(0.95 * SIMULATED)]


def cores_for(rate: float, service_s: float) -> int:
    """The fewest cores at which turns wait less than WAIT_S."""
    cores = max(1, int(rate * service_s) + 1)
    while waits_s(rate, service_s, cores) > WAIT_S:
        cores += max(1, cores // 20)
    return cores


def row(users: int, costs: Costs, load: Load) -> str:
    """A line of the table."""
    a_day = users * load.active * load.turns_a_day
    rate = PEAK * a_day / 86_400
    server_cores = cores_for(rate, costs.server_s)
    stored = users * load.turns_kept * costs.stored_bytes
    shards = max(1, -(-int(stored) // int(SHARD_BYTES)))
    while cores_for(rate / shards, costs.database_s) > SHARD_CORES:
        shards += max(1, shards // 10)
    database_cores = shards * cores_for(rate / shards, costs.database_s)
    # Each active user talks once a day, and his index goes when nobody has asked for an hour.
    memory = users * load.active * PEAK / 24 * (load.turns_kept * costs.index_bytes + INDEX_BYTES)
    servers = max(-(-server_cores // SERVER_CORES), -(-int(memory) // int(SERVER_BYTES)))
    month = (servers * SERVER_CORES + database_cores) * 730 * load.core_usd + stored / 1e9 * load.stored_usd
    million = month / (30 * a_day / 1e6)
    cells = (
        f"{users:,}", f"{rate:,.1f}", f"{server_cores:,}", f"{memory / 1e9:,.1f}", f"{servers:,}",
        f"{database_cores:,}", f"{shards:,}", f"{stored / 1e12:,.3f}", f"{million:,.2f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


HEAD = (
    "users", "turns/s at the peak", "server cores", "index memory GB", "servers", "database cores", "shards",
    "stored TB", "$ per million turns",
)  # fmt: skip


async def main() -> None:
    """Measure, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--turns-a-day", type=float, default=10)
    parser.add_argument("--active", type=float, default=0.1, help="share of the users on a day")
    parser.add_argument("--turns-kept", type=float, default=5000)
    parser.add_argument("--core-usd", type=float, default=0.04, help="an hour")
    parser.add_argument("--stored-usd", type=float, default=0.12, help="a GB and month")
    options = parser.parse_args()
    with ExitStack() as stack:
        server = await asyncio.to_thread(lambda: stack.enter_context(running()))
        url = await asyncio.to_thread(server.database)
        costs = await measured(url, server.pid, options.users, options.turns)
    print(
        f"a turn: {1000 * costs.server_s:.1f} ms of a server's CPU, {1000 * costs.database_s:.1f} ms of the "
        f"database's, {costs.stored_bytes:,.0f} bytes stored, {costs.index_bytes:,.0f} in memory"
    )
    load = Load(
        turns_a_day=options.turns_a_day,
        active=options.active,
        turns_kept=options.turns_kept,
        core_usd=options.core_usd,
        stored_usd=options.stored_usd,
    )
    print(f"| {' | '.join(HEAD)} |\n|" + "---:|" * len(HEAD))
    for users in (10**power for power in range(3, 9)):
        print(await asyncio.to_thread(row, users, costs, load), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
