"""A large memory, made fast: paragraphs of plausible words, with vectors, and no job left to do."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np

from hmlr.memory.intake import Intake, new_chunks
from hmlr.records import ChunkId, Message, SessionId, UserId
from hmlr.store.records import AddVectors
from hmlr.store.sqlite.store import open_sqlite
from tests.faults.doors import START
from tests.store.making import encoded

WORDS = [
    "".join(pair)
    for pair in itertools.product(("bo", "ka", "li", "mu", "ne", "ro", "si", "tu"), repeat=3)
    if len(set(pair)) > 1
]
PARAGRAPHS = 5  # in one message
PARAGRAPH_WORDS = 28  # 200 characters and more, so that no two count as one


async def build(path: Path, paragraphs: int, *, model_id: str = "", dim: int = 0, user: str = "ada") -> None:
    """Fill a database; with a model id each paragraph gets a random unit vector of it."""
    chance = random.Random(7)
    intake = Intake(owner_name=None, max_message_chars=1_000_000)
    store = await open_sqlite(path, slicer=new_chunks, durability="fast")
    for _ in range(paragraphs // PARAGRAPHS // 500):
        turns = [
            intake.turn(Message(content=_text(chance)), session_id=SessionId("old"), now=START, jobs=())
            for _ in range(500)
        ]
        await store.add_turns(UserId(user), turns)
        if model_id:
            rows = await store.turn_chunks(UserId(user), [turn.turn_id for turn in turns])
            ids = tuple(ChunkId(row.chunk_id) for row in rows)
            vectors = np.random.default_rng(7).standard_normal((len(ids), dim)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            await store.apply(
                UserId(user), [AddVectors(model_id=model_id, chunk_ids=ids, encoded=encoded(vectors))]
            )
    await store.aclose()


def _text(chance: random.Random) -> str:
    """Every paragraph has the word "common"."""
    return "\n\n".join(
        f"common {' '.join(chance.choices(WORDS, k=PARAGRAPH_WORDS))}." for _ in range(PARAGRAPHS)
    )
