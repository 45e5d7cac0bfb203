"""Another embedding model: the old vectors answer until the new set is complete, whatever is killed (F13)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hmlr import HMLRClient, Message
from hmlr.errors import EmbedderError
from hmlr.memory.embeddings.hashed import HashEmbedder
from hmlr.memory.embeddings.port import EmbedderSpec
from hmlr.records import UserId
from hmlr.store.sqlite.store import open_sqlite
from hmlr.testing import hash_embedder
from tests.faults.doors import START, Clock, door, settled
from tests.faults.figures import figure
from tests.faults.library import WORDS
from tests.store.making import slices

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

ROOT = Path(__file__).parents[2]
OLD, NEW = 64, 256
QUESTIONS = 12
# Of a call for 128 texts: a killed process gets through none, one or two batches of 256.
DELAY_S, KILLED_WITHIN_S = figure(25, 60) / 100, figure(8, 30) / 10
# Opens with the new model and makes its vectors until it is killed.
PROGRAM = f"""
import asyncio, sys
from pathlib import Path
from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door

async def main():
    clock = Clock()
    clock.forward(float(sys.argv[2]))
    async with door(Path(sys.argv[1]), embedder=hash_embedder(dim={NEW}, delay_s={DELAY_S}), clock=clock):
        print("open", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def thing(number: int) -> str:
    """A long word of its own, as no search term but by its letters like the one that is asked for."""
    parts = random.Random(number).choices(WORDS, k=3)
    return "".join(parts)


def asked(number: int) -> str:
    """The same word, written otherwise."""
    return f"{thing(number)}ita"


async def fill(path: Path, turns: int) -> None:
    async with door(path, embedder=hash_embedder(dim=OLD), clock=Clock()) as hmlr:
        for start in range(0, turns, 1000):
            numbers = range(start, min(start + 1000, turns))
            await hmlr.remember([Message(content=f"{thing(number)}.") for number in numbers])
        await settled(hmlr)


async def found(hmlr: HMLRClient, turns: int) -> list[tuple[str, float | None]]:
    """The best hit of each question with its similarity; no search may be degraded."""
    best = []
    for number in range(0, turns, turns // QUESTIONS):
        hits = await hmlr.recall(asked(number), limit=5)
        assert hits.degraded == ()
        best.append((hits[0].text, hits[0].similarity))
    return best


def right(best: Sequence[tuple[str, float | None]], turns: int) -> int:
    numbers = range(0, turns, turns // QUESTIONS)
    return sum(text == f"{thing(number)}." for number, (text, _) in zip(numbers, best, strict=True))


def kill_at_work(path: Path, clock: Clock) -> None:
    """Start a process with the new model and kill it at a random moment of its first batches."""
    since_start = str((clock.now - START).total_seconds())
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, str(path), since_start]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(random.uniform(0, KILLED_WITHIN_S))
        process.send_signal(signal.SIGKILL)


async def owed(path: Path) -> tuple[int, str | None]:
    """How many turns have no vector of the new model, and which model answers instead."""
    store = await open_sqlite(path, slicer=slices)
    try:
        ada, model_id = UserId("ada"), f"hash-{NEW}"
        bare = await store.turns_without_vectors(ada, model_id)
        return len(bare), await store.former_model(ada, model_id)
    finally:
        await store.aclose()


async def test_the_old_vectors_answer_until_the_new_are_complete(db_path: Path) -> None:
    kills, turns = figure(2, 50), figure(700, 20_000)
    clock = Clock()
    await fill(db_path, turns)
    async with door(db_path, embedder=hash_embedder(dim=OLD), clock=Clock()) as hmlr:
        old = await found(hmlr, turns)
    assert right(old, turns) > QUESTIONS // 2  # by letters alone: there is something to lose
    done, lefts = 0, []
    while done < kills or lefts[-1] == turns:  # until some of the killed had done something
        clock.forward(60)  # past the leases of the one killed before
        kill_at_work(db_path, clock)
        left, former = await owed(db_path)
        assert former == f"hash-{OLD}", "the new set was complete too soon to kill anybody"
        lefts.append(left)
        done += 1
        # By a clock of before, to which the leases of the dead hold: nothing is made while we look.
        async with door(db_path, embedder=hash_embedder(dim=NEW), clock=Clock()) as hmlr:
            assert await found(hmlr, turns) == old
    assert lefts[-1] < turns  # some of the killed had done something
    async with door(db_path, embedder=hash_embedder(dim=NEW, delay_s=0.02)) as hmlr:
        rounds = await through_the_change(hmlr, turns, old)
        assert right(await found(hmlr, turns), turns) >= right(old, turns)
        assert (await hmlr.health()).ok
    assert await owed(db_path) == (0, None)
    print(
        f"F13: {done} kills over {turns} turns, {QUESTIONS} questions answered as before after each, "
        f"and {rounds} times while the change was finished; 0 turns without a vector"
    )


async def through_the_change(hmlr: HMLRClient, turns: int, old: list[tuple[str, float | None]]) -> int:
    """Ask on while the rest is made: each answer is wholly the old or the new model's, and as good."""
    ending = asyncio.create_task(hmlr.flush(600))
    rounds = 0
    while not ending.done():
        assert right(await found(hmlr, turns), turns) >= right(old, turns)
        rounds += 1
    assert await ending
    return rounds


@dataclass
class Stuck(HashEmbedder):
    """A new model that can't read one old text, so that its set is not complete."""

    def __post_init__(self) -> None:
        super().__init__(NEW)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any("poison" in text for text in texts):
            raise EmbedderError("can't read that")
        return super().embed(texts)

    @property
    def spec(self) -> EmbedderSpec:
        return EmbedderSpec(model_id=self.model_id, dim=NEW, load=lambda: self)


async def test_what_is_said_meanwhile_is_found_by_meaning_and_forgotten_whole(db_path: Path) -> None:
    async with door(db_path, embedder=hash_embedder(dim=OLD)) as hmlr:
        await hmlr.remember([Message(content="This is poison."), Message(content="And this is not.")])
        await settled(hmlr)
    clock = Clock()
    async with door(db_path, embedder=Stuck().spec, clock=clock) as hmlr:
        receipt = await hmlr.remember([Message(content=f"{thing(1)}.")])
        await hmlr.flush(0.2)
        clock.forward(60)  # what failed together is tried one by one
        await hmlr.flush(0.2)
        hits = await hmlr.recall(asked(1))
        assert (hits[0].text, hits.degraded) == (f"{thing(1)}.", ())
        (check,) = [check for check in (await hmlr.health()).checks if check.name == "embedder"]
        assert f"hash-{OLD} answer" in check.detail
        reply = await hmlr.chat(f"Do you know of {asked(1)}?")  # routing and dossiers compare as well
        assert reply.degraded == ()
        assert (await hmlr.forget(turn_id=receipt.turn_ids[0])).vectors == 2
        assert thing(1) not in [hit.text for hit in await hmlr.recall(asked(1))]


async def test_a_former_model_that_is_gone_is_told_and_words_are_found(
    db_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)  # as if it were not installed
    spec = EmbedderSpec(model_id="no/such-model", dim=OLD, load=lambda: Named("no/such-model"))
    async with door(db_path, embedder=spec) as hmlr:
        await hmlr.remember([Message(content="My sister Ruth plays the bassoon."), Message(content="poison")])
        await settled(hmlr)
    stuck = Stuck()
    async with door(db_path, embedder=stuck.spec, clock=(clock := Clock())) as hmlr:
        hits = await hmlr.recall("Who plays the bassoon?")
        assert "bassoon" in hits[0].text
        assert "no/such-model" in str(hits.degraded)
        (check,) = [check for check in (await hmlr.health()).checks if check.name == "embedder"]
        assert not check.ok
        assert "no/such-model" in check.detail
        stuck.embed = HashEmbedder(NEW).embed  # type: ignore[method-assign]
        await settled(hmlr, clock)
        assert (await hmlr.recall("Who plays the bassoon?")).degraded == ()
        (check,) = [check for check in (await hmlr.health()).checks if check.name == "embedder"]
        assert check.ok


class Named(HashEmbedder):
    """The old model under a name by which nobody can load it again."""

    def __init__(self, name: str) -> None:
        super().__init__(OLD)
        self._name = name

    @property
    def model_id(self) -> str:
        return self._name
