"""What was so and is no longer answers who asks, when nothing took its place: never "nothing on that yet"."""

from __future__ import annotations

import pytest

from hmlr.core.tasks.answer.task import NOTHING
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import door
from tests.opening import Place

pytestmark = pytest.mark.anyio


async def answered(database: Place, told: tuple[str, ...], question: str) -> str:
    async with door(database, embedder=hash_embedder()) as hmlr:
        for number, text in enumerate(told):
            await say(hmlr, text, session=f"s{number}", days=number)
        return (await hmlr.chat(question, session_id="asked")).text


GOOGLE = ("I work at Google.", "I quit my job at Google last month.")
BO = ("I adopted a dog called Bo.", "Bo died yesterday.")
JAZZ = ("I like jazz.", "I like to swim.", "I don't like jazz any more.")
SISTER = ("My sister is called Ida.", "Ida works at Nordlys.", "Ida no longer works at Nordlys.")
ENDED = "No longer so:"


@pytest.mark.parametrize(
    ("told", "question", "words"),
    [
        (GOOGLE, "Where do I work?", "You worked for Google"),
        (BO, "Do I have a dog?", "Bo died yesterday."),
        (BO, "What happened to my dog?", "Bo died yesterday."),
        (BO, "How many pets do I have?", "Bo (dog)"),
    ],
)
async def test_what_ended_is_told_with_its_words(
    database: Place, told: tuple[str, ...], question: str, words: str
) -> None:
    text = await answered(database, told, question)
    assert text.startswith(ENDED)
    assert words in text
    assert f"“{told[0]}”" in text


async def test_of_a_person_by_what_he_is(database: Place) -> None:
    text = await answered(database, SISTER, "Where does my sister work?")
    assert NOTHING not in text
    assert "Nordlys" in text


@pytest.mark.parametrize(
    ("told", "question"),
    [
        (("I live in Oslo.", "I moved to Bergen."), "Where do I live?"),
        ((*GOOGLE, "I work at Halden now."), "Where do I work?"),
        ((*BO, "I have a cat called Misty."), "What is my cat called?"),
        (JAZZ, "Do I like to swim?"),
        (("My wifi password is Tulip-4821-xyz.", "I no longer use the wifi."), "What is my wifi password?"),
        (("My diet is vegan.",), "Where do I live?"),
        (GOOGLE, "I work on the fence."),
        (GOOGLE, "What is my sister called?"),
    ],
)
async def test_it_stands_beside_no_answer_and_answers_nothing_else(
    database: Place, told: tuple[str, ...], question: str
) -> None:
    assert ENDED not in await answered(database, told, question)


async def test_what_never_was_so_is_not_told(database: Place) -> None:
    told = ("I work at Google.", "Forget that I said I work at Google.")
    assert ENDED not in await answered(database, told, "Where do I work?")


async def test_what_ended_by_hand_is_told_too(database: Place) -> None:
    async with door(database, embedder=hash_embedder()) as hmlr:
        await say(hmlr, "I work at Google.", session="s0")
        (job,) = await hmlr.facts(key="employer")
        await hmlr.retire(job.fact_id, "the contract ran out")
        text = (await hmlr.chat("Where do I work?", session_id="asked")).text
        assert "ended: the contract ran out" in text
        await hmlr.restore(job.fact_id)
        assert ENDED not in (await hmlr.chat("Where do I work?", session_id="asked again")).text
        await hmlr.forget(fact_id=job.fact_id)
        assert "Google" not in (await hmlr.chat("Where do I work?", session_id="asked last")).text


MOVED = (
    "My dentist appointment is on 12 October with Dr. Olsen.",
    "The dentist moved my appointment to 19 October.",
)


async def test_what_was_moved_to_another_day_answers_what_is_no_day(database: Place) -> None:
    text = await answered(database, MOVED, "Who is my dentist?")
    assert "with Dr. Olsen.” — you" in text
    assert "(no longer so: Dentist appointment date: 12 October" in text


async def test_its_old_day_answers_nothing(database: Place) -> None:
    assert "12 October" not in await answered(database, MOVED, "When is my dentist appointment?")
