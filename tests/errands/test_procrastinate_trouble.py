"""A queue that can't be written to for a while parks nothing, and it is looked for users again."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from hmlr.errands.on_procrastinate import ERRAND, LOOK, ProcrastinateErrands
from tests.errands.test_contract import SHIFT, Work, serving, until_done
from tests.places import past_hmlr

QUIET = replace(SHIFT, every_s=0.2)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a task of gardening can't be queued from now on."""
    left: Counter[str] = Counter()
    queue = JobManager.defer_job_async

    async def defer(self: JobManager, job: Job, connection: Any = None) -> Job:
        if job.queue == "garden" and left[job.task_name]:
            left[job.task_name] -= 1
            raise ConnectorException
        return await queue(self, job, connection)

    monkeypatch.setattr(JobManager, "defer_job_async", defer)
    return left


@pytest.mark.parametrize("times", [1, 6])  # as often as it is tried at once, and more often
async def test_an_errand_that_can_not_be_queued_again_is_done_again(
    procrastinate: ProcrastinateErrands, refused: Counter[str], times: int
) -> None:
    refused[ERRAND] = times
    work = Work(garden=["ada"])
    work.again = [datetime.now(UTC)]
    async with serving(procrastinate, work, shift=replace(SHIFT, every_s=3600.0)):
        await until_done(work, {"ada": 2})
    assert [each.failed for each in (await procrastinate.state()).queues] == [0, 0]


@pytest.mark.parametrize("times", [1, 6])
async def test_a_look_that_can_not_be_queued_again_is_not_the_last(
    procrastinate: ProcrastinateErrands, refused: Counter[str], times: int
) -> None:
    work = Work(garden=["ada"])
    async with serving(procrastinate, work, shift=QUIET):
        await until_done(work, {"ada": 1})
        refused[LOOK] = times
        work.left["garden"].append("bob")
        await until_done(work, {"bob": 1})
        async with asyncio.timeout(10):
            while refused[LOOK]:
                await asyncio.sleep(0.01)
        work.left["garden"].append("cid")
        await until_done(work, {"cid": 1})


async def test_looks_that_are_gone_are_queued_by_any_worker(
    procrastinate: ProcrastinateErrands, postgres_url: str
) -> None:
    work = Work(garden=["ada"])
    async with serving(procrastinate, work, shift=QUIET):
        await until_done(work, {"ada": 1})
        past_hmlr(
            postgres_url,
            "SET search_path TO hmlr_jobs; DELETE FROM procrastinate_jobs WHERE task_name = 'hmlr_look';",
        )
        work.left["garden"].append("bob")
        await until_done(work, {"bob": 1})
