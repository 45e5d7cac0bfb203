"""The Python example of docs/workers.md runs as it stands, and so does the command."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import ROOT, python_example


def test_the_example_runs(python: Callable[..., str]) -> None:
    told = python("-c", python_example("docs/workers.md"))
    assert "garden: 2 waiting, 0 running, 0 failed" in told
    assert "ada ['Wilhelmina: sister']" in told
    assert "bob ['Wilhelmina: sister']" in told


@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_the_command_works_until_sigterm(
    kind: str, tmp_path: Path, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "memory.db") if kind == "file" else request.getfixturevalue("postgres_url")
    command = [sys.executable, str(ROOT / "main.py"), "worker", "--db", place, "--every", "2"]
    with subprocess.Popen(
        command, env={**environment, "HMLR_EMBEDDER": "none"}, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("working on ")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "stopped\n"), err
    assert err == "stopping: what runs is finished, or given back\n"


def test_an_unknown_queue_is_refused(tmp_path: Path, environment: dict[str, str]) -> None:
    command = [sys.executable, str(ROOT / "main.py"), "worker", "--queues", "learn,plant", "--db", "m.db"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 2
    assert done.stderr == "error: --queues takes learn and garden. Write them with a comma between\n"
