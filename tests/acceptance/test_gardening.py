"""Gardening from the command line: plan, apply, look, take back, and go on by itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from hmlr import Message
from hmlr.sync import HMLRClient
from hmlr.testing import hash_embedder
from tests import processes
from tests.opening import Place

ROOT = Path(__file__).parents[2]
SAID = (
    ("s1", "2025-01-02", "Project Cerberus will use Legacy-Phi, codename LΦ-88."),
    ("s2", "2025-01-12", "My sister is called Wilhelmina."),
    ("s3", "2025-02-13", "What shall I cook tonight, rice with beans?"),
)


Run = Callable[..., str]


@pytest.fixture
def env(database: Place, environment: dict[str, str]) -> dict[str, str]:
    """The environment: this test's database, no embedding model."""
    return {**environment, "HMLR_DB_PATH": database, "HMLR_EMBEDDER": "none"}


@pytest.fixture
def run(env: dict[str, str]) -> Run:
    """Run one command to its end; what it writes."""

    def done(*arguments: str, code: int = 0) -> str:
        ended = processes.run([processes.MAIN, "--model", "offline", *arguments], env=env, cwd=ROOT)
        assert ended.returncode == code, ended.stderr
        return ended.stdout or ended.stderr

    return done


@pytest.fixture
def hmlr(env: dict[str, str]) -> Iterator[HMLRClient]:
    """A client on the same database."""
    with HMLRClient(env["HMLR_DB_PATH"], model="offline", embedder=hash_embedder()) as client:
        yield client


@pytest.mark.timeout(120)
def test_plan_apply_look_and_take_back(hmlr: HMLRClient, run: Run) -> None:
    for session, day, text in SAID:
        at = datetime.fromisoformat(f"{day}T10:00:00+00:00")
        hmlr.remember([Message(content=text, occurred_at=at)], session_id=session)
    assert hmlr.flush(10)
    plan = run("garden", "--dry-run")
    assert "nothing was changed" in plan
    assert "no model calls" in plan
    assert "Your sister is Wilhelmina" in plan
    assert hmlr.dossiers() == []
    report = json.loads(run("garden", "--json"))
    assert (report["done"]["blocks"], report["pending"]) == (2, 0)
    rows = [line.split("\t") for line in run("dossiers").splitlines()]
    (cipher,) = [row for row in rows if "Legacy-Phi" in row[0]]
    shown = run("dossiers", cipher[-1][:8])
    assert SAID[0][2] in shown  # the quote
    assert report["run_id"] in shown
    assert run("garden", "--undo", report["run_id"]).startswith("undone: 2 topics")
    assert hmlr.dossiers() == []
    again = run("garden", "--undo", report["run_id"])
    assert again.startswith("undone already")
    assert "nothing was changed" in again


def test_a_watch_gardens_and_ends_when_it_is_interrupted(env: dict[str, str], hmlr: HMLRClient) -> None:
    hmlr.chat("My sister is called Wilhelmina.")
    assert hmlr.flush(10)
    command = [sys.executable, str(ROOT / "main.py"), "garden", "--watch", "--include-active"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("gardened: 1 topics")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130


@pytest.mark.one_store
def test_wrong_usage_is_refused(run: Run) -> None:
    assert "exclude each other" in run("garden", "--dry-run", "--watch", code=2)
