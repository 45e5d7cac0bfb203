"""Days: walked from day to topic to turn, and the answer to what was talked about on one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.core.tasks.answer.talks import asked_talks
from hmlr.errors import InvalidInput
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio

TUESDAY = datetime(2026, 3, 3, 9, tzinfo=UTC)
THURSDAY = TUESDAY + timedelta(days=9)  # of the week after


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as opened:
        yield opened


async def test_day_topic_turn(hmlr: HMLRClient):
    said = (
        ("The hike over the ridge needs new boots.", TUESDAY),
        ("For the ridge hike we start at six.", TUESDAY + timedelta(minutes=5)),
        ("An old letter.", datetime(1969, 12, 31, 23, 59, tzinfo=UTC)),
        ("Just before midnight.", TUESDAY.replace(hour=23, minute=59, second=59)),
        ("Just after.", TUESDAY.replace(hour=0) + timedelta(days=1)),
    )
    await hmlr.remember([Message(content=text, occurred_at=at) for text, at in said])
    assert await hmlr.flush(20)
    found = await hmlr.days()
    assert [(day.date, day.turn_count) for day in found] == [
        (date(2026, 3, 4), 1),
        (date(2026, 3, 3), 3),
        (date(1969, 12, 31), 1),
    ]
    view = await hmlr.day(date(2026, 3, 3))
    assert sum(topic.turn_count for topic in view.day.topics) == 3
    walked = [turn.messages[0].content for topic in view.day.topics for turn in view.turns[topic.block_id]]
    assert sorted(walked) == sorted(text for text, at in said if at.date() == TUESDAY.date())
    labels = {block.block_id: block.label for block in await hmlr.blocks()}
    assert all(topic.block_id is None or topic.label == labels[topic.block_id] for topic in view.day.topics)
    assert (await hmlr.day(date(2020, 1, 1))).day.topics == ()
    assert [day.date for day in await hmlr.days(since=TUESDAY + timedelta(days=1))] == []
    with pytest.raises(InvalidInput):
        await hmlr.day(TUESDAY)


async def test_what_did_we_talk_about_last_tuesday(hmlr: HMLRClient):
    await hmlr.chat("The hike over the ridge needs new boots.", occurred_at=TUESDAY + timedelta(days=7))
    await hmlr.chat("My camera's shutter is stuck.", occurred_at=TUESDAY + timedelta(days=8))
    reply = await hmlr.chat("What did we talk about last Tuesday?", occurred_at=THURSDAY)
    assert "Tuesday, 10 March 2026" in reply.text
    assert "The hike over the ridge needs new boots." in reply.text
    assert "shutter" not in reply.text
    nothing = await hmlr.chat("What did we discuss on 1 March 2026?", occurred_at=THURSDAY)
    assert nothing.text == "Nothing was said on Sunday, 1 March 2026."


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What did we talk about last Tuesday?", True),
        ("what were we talking about yesterday", True),
        ("What have we discussed this week?", True),
        ("Summarize yesterday's conversation", True),
        ("What did I tell you on 3 March?", True),
        ("Do you remember what we talked about on Tuesday?", True),
        ("What did we say about the boat last Tuesday?", False),
        ("What did we talk about?", False),
        ("What did Mei say yesterday?", False),
        ("We talked about boots yesterday.", False),
        ("What did I buy last Tuesday?", False),
    ],
)
def test_which_questions_ask_for_a_day(question: str, asks: bool):
    assert (asked_talks(question, THURSDAY) is not None) is asks
