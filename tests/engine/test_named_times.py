"""A time that is named by what happened is found, through the public door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
START = datetime(2024, 1, 1, 9, tzinfo=UTC)


@pytest.fixture
async def ada(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as client:
        yield client


async def tell(client: HMLRClient, *told: tuple[int, str]) -> None:
    """Each text in the week of its number, in a session of its own."""
    for week, text in told:
        said = Message(content=text, occurred_at=START + timedelta(weeks=week))
        await client.remember([said], session_id=f"week-{week}-{text[:9]}")
    await client.flush()


async def test_what_was_before_an_event_comes_first(ada: HMLRClient) -> None:
    await tell(
        ada,
        (1, "We had a picnic in the old garden."),
        (20, "We moved to Bergen."),
        (40, "We had a picnic in the new garden."),
    )
    for side, place in (("before", "old"), ("after", "new")):
        hits = await ada.recall(f"Where did we have a picnic {side} we moved to Bergen?", limit=3)
        picnics = [hit for hit in hits if "picnic" in hit.text]
        assert f"the {place} garden" in picnics[0].text
        assert picnics[0].signals["when"] > picnics[1].signals["when"]


async def test_having_asked_before_changes_no_time(ada: HMLRClient) -> None:
    await tell(ada, (1, "We had a picnic in the old garden."), (20, "We moved to Bergen."))
    question = "Where did we have a picnic before we moved to Bergen?"
    before = (await ada.recall(question, limit=1))[0]
    for number in range(3):
        await ada.chat(f"Do you know when we moved to Bergen, {number}?", session_id="asking")
    await ada.flush()
    after = (await ada.recall(question, limit=1))[0]
    assert (after.text, after.signals["when"]) == (before.text, before.signals["when"])
    assert after.signals["when"] > 0


async def test_an_event_that_nobody_told_of_bounds_nothing(ada: HMLRClient) -> None:
    await tell(ada, (1, "We had a picnic in the old garden."), (40, "We had a picnic in the new garden."))
    hits = await ada.recall("Where did we have a picnic before the earthquake?", limit=2)
    assert [hit.signals["when"] for hit in hits] == [0, 0]


async def test_the_first_and_the_last_of_several_come_first(ada: HMLRClient) -> None:
    weeks = (9, 2, 30, 16)
    await tell(ada, *((week, f"I went climbing with Rob, in week {week}.") for week in weeks))
    first = await ada.recall("When did I first go climbing with Rob?", limit=4)
    last = await ada.recall("When was the last time I went climbing with Rob?", limit=4, explain=True)
    assert "week 2." in first[0].text
    assert "week 30." in last[0].text
    assert "order +" in last[0].why


async def test_the_week_before_a_date_is_counted_from_it(ada: HMLRClient) -> None:
    friends = ("Ann", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal")
    await tell(ada, *((week, f"I went swimming with {name}.") for week, name in enumerate(friends, 1)))
    hits = await ada.recall("Where did I go swimming the week before 6 February 2024?", limit=1)
    assert hits[0].occurred_at == START + timedelta(weeks=5)
