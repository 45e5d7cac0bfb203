"""Who is at a user: the rows of procrastinate's table, as workers fetch, take and leave them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from procrastinate.jobs import Job, Status

from hmlr.errands.on_procrastinate import ProcrastinateErrands
from hmlr.errands.port import QUEUES, Errand
from hmlr.errands.procrastinate_jobs import Jobs, errand_job
from hmlr.records import UserId
from tests.places import past_hmlr

LEARN, GARDEN = (Errand(queue=queue, user=UserId("ada")) for queue in QUEUES)
BOTH = list(QUEUES)


@pytest.fixture
def jobs(procrastinate: ProcrastinateErrands) -> Jobs:
    return Jobs(procrastinate._connector)


async def fetched(jobs: Jobs, worker: int, queues: Sequence[str] = BOTH) -> Job:
    """The next job, which is there."""
    job = await jobs.fetch_job(queues, worker)
    assert job is not None
    return job


async def done(jobs: Jobs, job: Job) -> None:
    await jobs.finish_job(job, Status.SUCCEEDED, delete_job=True)


async def test_learning_goes_before_gardening_whoever_fetches_them(jobs: Jobs) -> None:
    first, second = await jobs.register_worker(), await jobs.register_worker()
    await jobs.batch_defer_jobs_async([errand_job(GARDEN), errand_job(LEARN)])
    learn, garden = await fetched(jobs, first), await fetched(jobs, second)
    assert await jobs.take(garden, GARDEN) == "busy"  # before the other one has taken the user
    assert await jobs.take(learn, LEARN) == "taken"
    assert await jobs.take(garden, GARDEN) == "busy"
    await jobs.defer_job_async(errand_job(GARDEN, for_user=True))
    await done(jobs, garden)
    assert await jobs.fetch_job(BOTH, second) is None  # it waits for the user
    await done(jobs, learn)
    assert await jobs.take(await fetched(jobs, second), GARDEN) == "taken"


async def test_who_waits_for_a_user_is_not_passed_by(jobs: Jobs) -> None:
    worker = await jobs.register_worker()
    await jobs.defer_job_async(errand_job(GARDEN))
    garden = await fetched(jobs, worker)
    assert await jobs.take(garden, GARDEN) == "taken"
    await jobs.defer_job_async(errand_job(LEARN))
    learn = await fetched(jobs, worker)
    assert await jobs.take(learn, LEARN) == "busy"
    await jobs.batch_defer_jobs_async([errand_job(LEARN, for_user=True), errand_job(GARDEN)])
    await done(jobs, learn)
    await done(jobs, garden)  # and is due again at once
    assert (await fetched(jobs, worker)).queue == "learn"


async def test_an_errand_that_another_worker_has_meanwhile_is_gone(jobs: Jobs) -> None:
    sleeper, other = await jobs.register_worker(), await jobs.register_worker()
    await jobs.defer_job_async(errand_job(GARDEN))
    lost = await fetched(jobs, sleeper)
    await jobs.give_back(lost)
    had = await fetched(jobs, other)
    assert await jobs.take(lost, GARDEN) == "gone"
    jobs.leave(lost)
    await done(jobs, lost)
    assert await jobs.take(had, GARDEN) == "taken"


async def test_what_waits_for_users_at_whom_nobody_is_any_more_is_let_go(
    jobs: Jobs, postgres_url: str
) -> None:
    worker = await jobs.register_worker()
    waiting = [errand_job(errand, for_user=True) for errand in (LEARN, GARDEN)]
    await jobs.batch_defer_jobs_async(waiting)
    assert await jobs.fetch_job(["garden"], worker) is None
    await jobs.let_go()
    assert (await fetched(jobs, worker, ["garden"])).queue == "garden"
    locks = past_hmlr(postgres_url, "SELECT lock = queueing_lock FROM hmlr_jobs.procrastinate_jobs")
    assert [row[0] for row in locks] == [True, True]


async def test_who_was_taken_by_one_that_died_is_free_for_the_other_queue(jobs: Jobs) -> None:
    dead, worker = await jobs.register_worker(), await jobs.register_worker()
    await jobs.defer_job_async(errand_job(LEARN))
    learn = await fetched(jobs, dead)
    assert await jobs.take(learn, LEARN) == "taken"
    await jobs.defer_job_async(errand_job(GARDEN))
    await jobs.give_back(learn)
    garden = await fetched(jobs, worker, ["garden"])
    assert await jobs.take(garden, GARDEN) == "taken"
