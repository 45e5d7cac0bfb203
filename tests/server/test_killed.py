"""A server that is killed loses nothing that it has answered, and the next one goes on."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import httpx
import pytest

from hmlr import HMLRClient
from hmlr.testing import hash_embedder
from tests.faults.figures import figure
from tests.server.serving import Served, server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]
TALKERS = 4


def talk(served: Served, name: str, answered: list[str]) -> None:
    """Say one thing after the other until the server is gone; note what it has answered."""
    head = {"Authorization": f"Bearer {served.token}"}
    with httpx.Client(base_url=served.url, headers=head, timeout=5, trust_env=False) as client:
        for number in range(10_000):
            said = f"Note {name}-{number}: the ferry leaves at noon."
            body = {"model": "hmlr", "messages": [{"role": "user", "content": said}]}
            try:
                if client.post("/v1/chat/completions", json=body).status_code != 200:
                    return
            except httpx.HTTPError:
                return
            answered.append(said)


async def test_a_killed_server_loses_nothing_it_has_answered(tmp_path: Path) -> None:
    dice, db, answered = random.Random(7), tmp_path / "memory.db", list[str]()
    for life in range(figure(2, 100)):
        with server(db) as up:
            talkers = [
                threading.Thread(target=talk, args=(up, f"{life}.{number}", answered))
                for number in range(TALKERS)
            ]
            for each in talkers:
                each.start()
            before = len(answered)
            while len(answered) < before + 8:
                time.sleep(0.02)
            time.sleep(dice.uniform(0, 0.3))
            up.process.kill()
            for each in talkers:
                each.join()
    async with HMLRClient(db, model="offline", embedder=hash_embedder()) as hmlr:
        assert (await hmlr.health()).ok
        turns = await hmlr.turns()
    stored = [turn.messages[0].content for turn in turns]
    assert set(answered) <= set(stored)
    assert len(stored) == len(set(stored))
