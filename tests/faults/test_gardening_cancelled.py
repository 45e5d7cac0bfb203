"""Gardening cancelled anywhere: the next run goes on to what a run gives that nobody cancelled (F20)."""

from __future__ import annotations

import asyncio
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from hmlr.testing import hash_embedder
from tests.faults.doors import Clock, door, settled
from tests.faults.figures import figure
from tests.gardens import exported, masked, sow

pytestmark = [pytest.mark.faults, pytest.mark.timeout(figure(120, 3600))]

BLOCKS = 3
MOMENTS = figure(6, 300)


async def test_a_cancelled_run_loses_nothing_and_is_finished_by_the_next(
    db_path: Path, tmp_path: Path
) -> None:
    await sow(db_path, BLOCKS)
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await settled(hmlr)
    begun = time.monotonic()
    expected, _ = await gardened(db_path, tmp_path / "whole.db", None)
    whole_s, cut = time.monotonic() - begun, 0
    for number in range(MOMENTS):
        found, was_cut = await gardened(db_path, tmp_path / f"{number}.db", whole_s * number / MOMENTS)
        assert found == expected
        cut += was_cut
    assert cut
    print(f"F20: gardening cancelled at {cut} moments, then finished: the same memory")


async def gardened(path: Path, copy: Path, cut_s: float | None) -> tuple[list[Any], bool]:
    """A copy of a memory whose gardening is cancelled after a time, then done; whether it was cut."""
    shutil.copy(path, copy)
    clock = Clock()
    async with door(copy, embedder=hash_embedder(), clock=clock) as hmlr:
        if cut_s is not None:
            task = asyncio.create_task(hmlr.garden())
            await asyncio.sleep(cut_s)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert (await hmlr.garden()).pending == 0  # by the same clock: a cancelled run has left no lease
        await settled(hmlr, clock)
        assert (await hmlr.health()).ok
    return masked(await exported(copy)), cut_s is not None and task.cancelled()
