"""No more memory, threads or open files: an error says so, nothing is lost, the memory works after (F24)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults.doors import Clock, door, said, settled
from tests.faults.figures import FULL
from tests.processes import MAIN, ROOT

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them"),
]

BOUNDED = [("threads", 0, "after"), ("files", 12, "before")]  # memory: by the command below
EVERY = [
    (kind, count, moment)
    for kind, counts in {
        "threads": range(8),
        "memory": (1, 4, 10, 20, 40, 60, 80, 100, 150, 200, 300),
        "files": range(6, 26),
    }.items()
    for count in counts
    for moment in ("before", "after")
]
ALLOWED = {"OutOfResources", "EmbedderError"}


@pytest.mark.parametrize(("kind", "count", "moment"), EVERY if FULL else BOUNDED)
async def test_what_is_missing_is_told_and_nothing_is_lost(
    db_path: Path, kind: str, count: int, moment: str
) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.faults.limited", str(db_path), kind, str(count), moment]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    ends = [line.split(" ", 3) for line in done.stdout.splitlines()]
    if done.returncode:
        # Where the interpreter itself finds no memory it ends with its event loop, or falls over its own
        # MemoryError: nobody can be told any more, and the memory has to be as after a kill.
        assert kind == "memory", done.stderr
        assert done.returncode == -signal.SIGSEGV or "MemoryError" in done.stderr, done.stderr
        print(f"F24: ended by the interpreter: {kind} {count} {moment}")
        limit = "reached"
    else:
        limit = ends.pop()[1]
    assert [end for end in ends if end[1] == "other"] == []
    assert {end[2] for end in ends if end[1] == "ours"} <= ALLOWED, done.stdout
    if (kind, count, moment) in BOUNDED:
        assert limit == "reached" or any(end[1] == "ours" for end in ends), "the limit was not reached"
    good = {end[0] for end in ends if end[1] == "ok"}
    clock = Clock(datetime.now(UTC) + timedelta(hours=1))  # nothing backs off any more
    async with door(db_path, clock=clock) as hmlr:
        stored = " ".join(await said(hmlr))
        assert all(f"Note {number}." in stored for number in range(3) if f"remember{number}" in good)
        assert stored.count("bassoon") >= len(good & {"chat0", "chat1", "chat2"})
        await settled(hmlr, clock)
        assert (await hmlr.health()).ok


async def test_a_command_says_it_in_a_line(tmp_path: Path) -> None:
    db = tmp_path / "memory.db"
    environment = {**os.environ, "HMLR_EMBEDDER": "none", "HMLR_MODEL": "offline"}
    # 200 MB of address space: enough for the packages, not for the stacks of all threads.
    shell = f"ulimit -v 200000; exec {sys.executable} {MAIN} chat 'My sister Ruth.' --db {db}"
    done = subprocess.run(
        ["bash", "-c", shell], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") < 5
    assert "error: this process gets no more" in done.stderr
    assert "Traceback" not in done.stderr
    async with door(db) as hmlr:
        await hmlr.chat("My sister Ruth.")
