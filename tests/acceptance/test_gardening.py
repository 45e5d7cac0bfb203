"""Gardening from the command line: plan, apply, look, take back, and go on by itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAID = (
    ("s1", "2025-01-02", "Project Cerberus will use Legacy-Phi, codename LΦ-88."),
    ("s2", "2025-01-12", "My sister is called Wilhelmina."),
    ("s3", "2025-02-13", "What shall I cook tonight, rice with beans?"),
)


@pytest.fixture
def command(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """Start one command on this test's database, without a terminal."""
    env = {**environment, "HMLR_DB_PATH": str(tmp_path / "memory.db"), "HMLR_EMBEDDER": "none"}

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(ROOT / "main.py"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=env,
            cwd=tmp_path,
        )

    return start


@pytest.fixture
def run(command: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Run one command to its end; what it writes."""

    def done(*arguments: str, code: int = 0) -> str:
        with command(*arguments) as process:
            out, err = process.communicate(timeout=60)
        assert process.returncode == code, err
        return out or err

    return done


@pytest.mark.timeout(120)
def test_plan_apply_look_and_take_back(tmp_path: Path, run: Callable[..., str]) -> None:
    lines = [
        json.dumps({"content": text, "session_id": session, "occurred_at": f"{day}T10:00:00Z"})
        for session, day, text in SAID
    ]
    (tmp_path / "said.jsonl").write_text("\n".join(lines), encoding="utf-8")
    run("remember", "said.jsonl", "--wait")
    plan = run("garden", "--dry-run")
    assert "nothing was changed" in plan
    assert "no model calls" in plan
    assert "Your sister is Wilhelmina" in plan
    assert run("dossiers").startswith("no dossiers")
    report = json.loads(run("garden", "--json"))
    assert (report["done"]["blocks"], report["pending"]) == (2, 0)
    rows = [line.split("\t") for line in run("dossiers").splitlines()]
    (cipher,) = [row for row in rows if "Cerberus" in row[0] or "Legacy-Phi" in row[0]]
    file = json.loads(run("dossiers", cipher[-1][:8], "--json"))
    assert {entry["fact"]["quote"] for entry in file["entries"]} == {SAID[0][2]}
    assert SAID[0][2] in run("dossiers", cipher[-1])
    assert run("garden", "--undo", report["run_id"]).startswith("undone: 2 topics")
    assert run("dossiers").startswith("no dossiers")
    assert "undone" in run("garden", "--runs")


def test_a_watch_gardens_and_ends_when_it_is_interrupted(
    run: Callable[..., str], command: Callable[..., subprocess.Popen[str]]
) -> None:
    run("chat", "My sister is called Wilhelmina.")
    run("chat", "And now for something else: rice with beans tonight?", "--session", "other")
    with command("garden", "--watch", "--include-active") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("gardened: ")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 130


def test_wrong_usage_is_refused(run: Callable[..., str]) -> None:
    assert "exclude each other" in run("garden", "--dry-run", "--watch", code=2)
