"""What was said a moment ago is known to the next turn, and waiting for it has an end."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.memory.catching_up import BACKLOG, WAIT_S
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = [pytest.mark.anyio, pytest.mark.alone]


def client(database: Place, **given: Any) -> HMLRClient:
    return HMLRClient(database, "ada", model="offline", embedder=hash_embedder(), **given)


@pytest.mark.parametrize(
    ("told", "asked", "answer"),
    [
        ("I moved to Bergen.", "Where do I live?", "Bergen"),
        ("My shoe size is 43.", "What's my shoe size?", "43"),
        ("I work for Acme.", "Who is my employer?", "Acme"),
    ],
)
async def test_a_fact_told_a_moment_ago_answers(database: Place, told: str, asked: str, answer: str):
    async with client(database) as hmlr:
        await hmlr.chat(told)
        assert answer in (await hmlr.chat(asked)).text


@pytest.mark.parametrize("count", [1, BACKLOG + 5])
async def test_a_turn_goes_on_when_the_learning_does_not(
    database: Place, count: int, monkeypatch: pytest.MonkeyPatch
):
    async with client(database) as hmlr:
        stuck = asyncio.Event()

        async def never(*_: object) -> None:
            await stuck.wait()

        monkeypatch.setattr(hmlr._member.background, "_batch", never)
        await hmlr.remember([Message(content=f"I own house number {number}.") for number in range(count)])
        await hmlr.chat("Is it on?")  # pays for what a first turn loads
        begun = time.perf_counter()
        assert (await hmlr.chat("Where do I live?")).degraded == ()
        took = time.perf_counter() - begun
        assert took < WAIT_S * (4 if count == 1 else 1)
        stuck.set()


async def test_a_question_before_is_not_waited_for(database: Place, monkeypatch: pytest.MonkeyPatch):
    async with client(database) as hmlr:
        stuck = asyncio.Event()

        async def never(*_: object) -> None:
            await stuck.wait()

        monkeypatch.setattr(hmlr._member.background, "_batch", never)
        await hmlr.chat("Is it on?")
        begun = time.perf_counter()
        await hmlr.chat("Where do I live?")
        assert time.perf_counter() - begun < WAIT_S
        stuck.set()
