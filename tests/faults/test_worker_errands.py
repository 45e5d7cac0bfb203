"""What workers do and leave alone: what fails, what is finished, what was left over, who is forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from hmlr import HMLRClient
from hmlr.errors import Overloaded
from hmlr.llm.port import ModelRequest
from hmlr.records import UserId
from hmlr.testing import ScriptedModel
from tests.faults.at_work import NO_TAGS, Place, all_done, at_work, door, store_of, until
from tests.gardens import opened, plant, sow_all
from tests.store.making import turn

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

# A block at which the model always fails


def likes(what: str) -> tuple[dict[str, Any], str]:
    """A fact, and the words that say it."""
    return {"subject": "user", "key": "likes", "value": what}, f"I like {what}"


class Poisoned(ScriptedModel):
    """A model that can't serve what holds the word, until it is healed."""

    def __init__(self, word: str = "poison") -> None:
        super().__init__(NO_TAGS)
        self.word = word
        self.healed = False

    async def complete(self, request: ModelRequest) -> Any:
        if self.word in request.user and not self.healed:
            self.requests.append(request)
            raise Overloaded("it can't serve now")
        return await super().complete(request)


async def test_a_block_that_always_fails_is_parked_and_the_others_go_on(place: Place) -> None:
    await sow_all(place, ["bob", "cid"], 4)
    await plant(
        place, [[({"subject": "user", "key": "likes", "value": "poison"}, "I like poison")]], user="eve"
    )
    await plant(
        place, [[({"subject": "user", "key": "likes", "value": "tea"}, "I like tea")]], user="eve", first=10
    )
    model = Poisoned()
    async with door(place, "eve", model=model, worker_retry_s=0.002, worker_lease_s=1.0) as hmlr:
        async with at_work(hmlr, every_s=1.0):
            await until(lambda: all_done(hmlr, "bob", "cid"), within_s=30)

            async def is_parked() -> bool:
                return (await hmlr.stats()).topics_failed == 1

            await until(is_parked, within_s=90)
            tried = len(model.requests)
            await asyncio.sleep(2.2)
            assert len(model.requests) == tried  # two looks later nobody has touched it
            stats = await hmlr.stats()
            assert (stats.topics_waiting, stats.topics_failed) == (1, 1)
            (told,) = [each for each in (await hmlr.health()).checks if each.name == "workers"]
            assert not told.ok
            assert "garden: 0 waiting, 0 running, 1 failed" in told.detail
            model.healed = True
            assert await hmlr.retry() == 1
            await until(lambda: all_done(hmlr, "eve"), within_s=30)
        (told,) = [each for each in (await hmlr.health()).checks if each.name == "workers"]
        assert told.ok, told


async def test_an_errand_that_fails_is_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    await sow_all(place, ["ada", "bob"], 3)
    async with door(place, worker_retry_s=0.05) as hmlr:
        store = store_of(hmlr)
        view, failed = store.garden_view, []

        async def fails_at_first(user: UserId, model_id: str | None) -> Any:
            if user == "ada" and len(failed) < 2:
                failed.append(user)
                raise ValueError("secret words")
            return await view(user, model_id)

        monkeypatch.setattr(store, "garden_view", fails_at_first)
        async with at_work(hmlr):
            await until(lambda: all_done(hmlr, "ada", "bob"), within_s=30)
    assert len(failed) == 2


# Schedules


async def test_what_becomes_finished_is_gardened_within_the_period(place: Place) -> None:
    async with door(place) as hmlr, at_work(hmlr, every_s=1.0):
        await asyncio.sleep(1.2)  # it has looked, and found nothing
        for number, user in enumerate(["ada", "bob"]):
            await plant(place, [[likes("tea")]], user=user)
            took = await until(lambda: all_done(hmlr, "ada", "bob"), within_s=10)
            print(f"finished topic {number} gardened after {took:.2f} s")
            async with hmlr.as_user(user) as one:
                assert len(await one.dossiers()) == 1


async def test_what_was_left_to_learn_is_learned(place: Place) -> None:
    store = await opened(place)
    said = turn("I live in Molde.", jobs=("route", "scrub", "scribe"))
    await store.add_turns(UserId("ada"), [said])
    await store.aclose()
    async with door(place) as hmlr:
        async with at_work(hmlr, queues=["learn"]):

            async def is_learned() -> bool:
                return (await store_of(hmlr).job_counts(UserId("ada"), datetime.now(UTC))).waiting == 0

            await until(is_learned, within_s=20)
        async with hmlr.as_user("ada") as ada:
            assert [(fact.key, fact.value) for fact in await ada.facts()]


# Forgotten


async def test_a_forgotten_user_is_in_no_queue(postgres_url: str) -> None:
    await sow_all(postgres_url, ["ada", "bob"], 3)
    async with door(postgres_url, "ada", worker_retry_s=3600.0, model=Poisoned(word="")) as hmlr:
        async with at_work(hmlr):
            await until(lambda: is_put_off(hmlr), within_s=20)
        assert (await queued(postgres_url))["ada"]
        await hmlr.forget(everything=True)
        rows = await queued(postgres_url)
        assert (rows["ada"], rows["bob"] > 0) == (0, True)


async def is_put_off(hmlr: HMLRClient) -> bool:
    """Whether all that is left backs off."""
    left = (await store_of(hmlr).work_left(datetime.now(UTC)))["garden"]
    return (left.waiting, left.running) == (0, 0)


async def queued(url: str) -> Counter[str]:
    """How many rows of the workers' queue name a user."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch("SELECT args ->> 'user' AS name FROM hmlr_jobs.procrastinate_jobs")
    finally:
        await connection.close()
    return Counter(row["name"] for row in rows)
