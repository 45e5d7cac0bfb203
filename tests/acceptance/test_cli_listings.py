"""Listings of the command line over a memory that is there already."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hmlr import Message
from hmlr.sync import HMLRClient
from hmlr.testing import hash_embedder
from tests import processes
from tests.opening import Place

Run = Callable[..., str]
pytestmark = [pytest.mark.one_store, pytest.mark.timeout(60)]


@pytest.fixture
def run(database: Place, tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run one command; what it wrote to stdout and then stderr."""
    env = {**environment, "HMLR_DB_PATH": database, "HMLR_EMBEDDER": "none", "HMLR_MODEL": "offline"}

    def called(*arguments: str) -> str:
        done = processes.run([processes.MAIN, *arguments], env=env, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return called


@pytest.fixture
def told(database: Place) -> Callable[..., None]:
    """Say things on a day."""

    def tell(*texts: str, at: datetime = datetime(2025, 3, 4, 10, tzinfo=UTC)) -> None:
        with HMLRClient(database, model="offline", embedder=hash_embedder()) as hmlr:
            hmlr.remember([Message(content=text, occurred_at=at) for text in texts])
            assert hmlr.flush(20)

    return tell


def _loaded(text: str) -> Any:
    return json.loads(text)


def test_facts_that_contradict_each_other(run: Run, told: Callable[..., None], tmp_path: Path):
    told("My birthday is 4 May.", "My birthday is 5 May.")
    assert "facts --contradictions" in run("facts")
    (pair,) = _loaded(run("facts", "--contradictions", "--json"))
    assert (pair["one"]["value"], pair["other"]["value"]) == ("4 May", "5 May")
    assert run("facts", "--contradictions").count("My birthday is") == 2
    assert "2 facts drawn" in run("facts", "--svg", "facts.svg")
    assert "5 May" in (tmp_path / "facts.svg").read_text(encoding="utf-8")


def test_the_timeline_of_a_thing(run: Run, told: Callable[..., None]):
    told("K-12 is now called Styx.", "The limit of Styx is 500 TiB per day.")
    assert _loaded(run("facts", "--timeline", "K-12", "--json"))["names"] == ["K-12", "Styx"]


def test_days_and_one_of_them(run: Run, told: Callable[..., None]):
    told("The hike over the ridge needs new boots.", "For the hike we start at six.")
    assert "2025-03-04 Tue\t2" in run("days")
    (topic,) = _loaded(run("days", "2025-03-04", "--json"))["topics"]
    assert [turn["messages"][0]["content"] for turn in topic["turns"]][1] == "For the hike we start at six."
