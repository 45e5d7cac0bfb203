"""Two persons of one name, told by different roles, neither retire nor lend each other's facts."""

from __future__ import annotations

import pytest

from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import door
from tests.opening import Place

pytestmark = pytest.mark.anyio


async def known(database: Place, *told: str) -> set[tuple[str, str, str, str]]:
    """What is held of others than the owner, after messages on one day each."""
    async with door(database, embedder=hash_embedder()) as hmlr:
        for number, text in enumerate(told):
            await say(hmlr, text, session=f"s{number}", days=number)
        facts = await hmlr.facts(states=("active", "superseded"))
        return {(f.subject, f.key, f.value, f.state) for f in facts if f.subject != "user"}


async def answered(database: Place, question: str, *told: str) -> str:
    async with door(database, embedder=hash_embedder()) as hmlr:
        for number, text in enumerate(told):
            await say(hmlr, text, session=f"s{number}", days=number)
        return (await hmlr.chat(question, session_id="asked")).text.split("\n\n")[0]


async def test_two_roles_are_two_persons(database: Place) -> None:
    assert await known(database, "My sister Ida lives in Rome. My aunt Ida lives in Milan.") == {
        ("Ida", "lives_in", "Rome", "active"),
        ("Ida (aunt)", "lives_in", "Milan", "active"),
    }


async def test_a_person_called_by_the_role_again_is_the_same(database: Place) -> None:
    assert await known(
        database,
        "My sister Ida lives in Rome.",
        "My aunt Ida lives in Milan.",
        "My aunt Ida moved to Turin.",
        "My sister Ida moved to Bari.",
    ) == {
        ("Ida", "lives_in", "Rome", "superseded"),
        ("Ida", "lives_in", "Bari", "active"),
        ("Ida (aunt)", "lives_in", "Milan", "superseded"),
        ("Ida (aunt)", "lives_in", "Turin", "active"),
    }


@pytest.mark.parametrize(
    "told",
    [
        ("My friend Tom lives in Paris.", "Tom moved to Nice."),
        ("Tom lives in Paris.", "My friend Tom moved to Nice."),
        ("My boss Tom lives in Paris.", "My manager Tom moved to Nice."),
        ("My girlfriend Tom lives in Paris.", "My partner Tom moved to Nice."),
        ("My brother Tom lives in Paris.", "Tom is my colleague.", "My colleague Tom moved to Nice."),
        ("My brother Tom lives in Paris.", "My colleague Tom is my brother.", "Tom moved to Nice."),
        ("My older brother Tom lives in Paris.", "My brother is called Tom.", "Tom moved to Nice."),
    ],
)
async def test_one_person_stays_one(database: Place, told: tuple[str, ...]) -> None:
    found = await known(database, *told)
    assert {fact for fact in found if fact[1] == "lives_in"} == {
        ("Tom", "lives_in", "Paris", "superseded"),
        ("Tom", "lives_in", "Nice", "active"),
    }


async def test_a_bare_name_of_two_is_said_of_neither(database: Place) -> None:
    found = await known(
        database,
        "My sister Maria lives in Rome.",
        "My boss Maria lives in Porto.",
        "Maria moved to Braga.",
    )
    assert found == {
        ("Maria", "lives_in", "Rome", "active"),
        ("Maria (boss)", "lives_in", "Porto", "active"),
        ("Maria (sister or boss)", "lives_in", "Braga", "active"),
    }


async def test_she_is_the_one_of_the_sentence_before(database: Place) -> None:
    found = await known(database, "My sister Ida lives in Rome.", "I met my aunt Ida. She lives in Milan.")
    assert ("Ida", "lives_in", "Rome", "active") in found
    assert ("Ida (aunt)", "lives_in", "Milan", "active") in found


async def test_things_of_one_name_are_no_persons(database: Place) -> None:
    found = await known(database, "Project Ida is now called Vega.", "My aunt Ida lives in Milan.")
    assert ("Ida", "lives_in", "Milan", "active") in found


TOLD = (
    "My sister Maria works as a vet.",
    "My boss Maria works as a lawyer.",
    "My brother Leo is allergic to nuts.",
    "My colleague Leo is 45 years old.",
)


@pytest.mark.parametrize(
    ("question", "has", "has_not"),
    [
        ("What does my sister do?", "vet", "lawyer"),
        ("What does my boss do?", "lawyer", "vet"),
        ("What is my colleague allergic to?", "45", "nuts"),
        ("What is my brother allergic to?", "nuts", "45"),
        ("How old is my colleague?", "45", "nuts"),
        ("What does Maria do?", "vet", "nuts"),
        ("What does Maria do?", "lawyer", "nuts"),
    ],
)
async def test_a_role_is_answered_of_the_one_who_has_it(
    database: Place, question: str, has: str, has_not: str
) -> None:
    text = await answered(database, question, *TOLD)
    assert has in text
    assert has_not not in text


async def test_a_rebuild_ends_in_the_same_subjects(database: Place) -> None:
    async with door(database, embedder=hash_embedder()) as hmlr:
        for number, text in enumerate((*TOLD, "Maria moved to Braga.")):
            await say(hmlr, text, session=f"s{number}", days=number)
        before = {(f.subject, f.key, f.value) for f in await hmlr.facts()}
        await hmlr.rebuild()
        await hmlr.flush()
        assert {(f.subject, f.key, f.value) for f in await hmlr.facts()} == before
