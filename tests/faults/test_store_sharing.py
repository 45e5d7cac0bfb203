"""Several processes work on one file: none gets an error, none waits for long (F06)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hmlr.store.records import TurnQuery
from hmlr.store.sqlite.store import open_sqlite
from tests.faults.figures import FULL, figure
from tests.store.making import ADA, slices

pytestmark = [pytest.mark.faults, pytest.mark.alone, pytest.mark.timeout(900)]

WORST_S = 10.0
P99_S = {8: 0.25}  # by the number of processes; measured over the whole minute only


def run(path: Path, processes: int) -> tuple[dict[str, float], list[float]]:
    """Let so many processes work at once: the seconds of their writes by turn id, and of their searches."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.mixed_worker", str(path), str(which), str(figure(3, 60))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for which in range(processes)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    writes: dict[str, float] = {}
    searches: list[float] = []
    for process in running:
        with process:
            assert process.stdout is not None
            told = process.stdout.read()
        assert process.returncode == 0
        writes |= json.loads(told)["writes"]
        searches += json.loads(told)["searches"]
    return writes, searches


@pytest.mark.parametrize("processes", [2, 8, 16] if FULL else [2])
async def test_processes_share_a_file_without_errors(
    db_path: Path, processes: int, capfd: pytest.CaptureFixture[str]
) -> None:
    writes, searches = run(db_path, processes)
    assert capfd.readouterr().err == ""  # what is logged is a call, or a batch of work, that failed
    took = np.array(list(writes.values()))
    p99 = float(np.percentile(took, 99))
    print(
        f"F06: {processes} processes, {len(took)} writes: p50 {np.median(took):.3f} s, p99 {p99:.3f} s, "
        f"worst {took.max():.3f} s; {len(searches)} searches: p99 {np.percentile(searches, 99):.3f} s, "
        f"worst {max(searches):.3f} s"
    )
    assert took.max() < WORST_S
    assert not FULL or p99 < P99_S.get(processes, WORST_S)
    store = await open_sqlite(db_path, slicer=slices)
    turns = await store.turns(ADA, TurnQuery())
    assert {stored.turn_id for stored in turns} == set(writes)
    assert [stored.seq for stored in turns] == list(range(1, len(turns) + 1))
    assert all(check.ok for check in await store.check()), await store.check()
    await store.aclose()
