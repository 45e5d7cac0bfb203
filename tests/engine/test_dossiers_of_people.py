"""A dossier about a person holds what is about that person: not the owner's facts, nor another person's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hmlr import HMLRClient
from hmlr.testing import hash_embedder
from tests.engine.test_gardening import say
from tests.faults.doors import Clock, door
from tests.opening import Place

pytestmark = pytest.mark.anyio
OTHER_TOPIC = "What shall I cook tonight, rice with beans?"
MIXED = {
    "the same words": (
        "I'm allergic to walnuts and hazelnuts.",
        "Bob is allergic to walnuts and hazelnuts.",
        "Tomas is allergic to walnuts and hazelnuts.",
    ),
    "a mention": ("Alice lives in Bergen.", "Bob likes hiking with Alice.", "I like hiking with Alice."),
    "one employer": (
        "Klara works at Nordbank.",
        "Nordbank was renamed Tidebank.",
        "Tomas works at Nordbank.",
        "Klara lives in Oslo.",
    ),
}


@pytest.fixture
async def hmlr(database: Place) -> AsyncIterator[HMLRClient]:
    async with door(database, clock=Clock(), embedder=hash_embedder()) as client:
        yield client


async def subjects(hmlr: HMLRClient) -> list[set[str]]:
    """The subjects of the facts of each dossier."""
    files = [await hmlr.dossier(each.dossier_id) for each in await hmlr.dossiers()]
    return [{entry.fact.subject for entry in file.entries} for file in files]


@pytest.mark.parametrize("told", MIXED)
@pytest.mark.parametrize("sittings", [1, 3])
async def test_persons_and_the_owner_stay_apart(hmlr: HMLRClient, told: str, sittings: int) -> None:
    for number in range(sittings):
        await say(hmlr, *MIXED[told][number::sittings], session=f"s{number}", days=10 * number)
        await say(hmlr, OTHER_TOPIC, session=f"o{number}", days=10 * number + 5)
        await hmlr.garden()
    persons = {"user", "Alice", "Bob", "Klara", "Tomas"}
    found = await subjects(hmlr)
    assert len(found) > 1
    assert [each & persons for each in found if len(each & persons) > 1] == []


async def test_who_has_a_role_is_in_the_dossier_of_the_role(hmlr: HMLRClient) -> None:
    await say(hmlr, "My sister is called Klara.", "Klara lives in Oslo.", "My sister's birthday is 4 May.")
    await say(hmlr, OTHER_TOPIC, session="last", days=5)
    await hmlr.garden()
    (klara,) = [each for each in await hmlr.dossiers() if "Klara" in each.title]
    keys = {entry.fact.key for entry in (await hmlr.dossier(klara.dossier_id)).entries}
    assert keys >= {"sister", "lives_in", "sister_birthday"}


async def test_an_alias_joins_what_is_said_of_a_person_under_two_names(hmlr: HMLRClient) -> None:
    await say(hmlr, "Robert lives in Oslo.", "Bob is allergic to walnuts.", "Robert is also called Bob.")
    await say(hmlr, OTHER_TOPIC, session="last", days=5)
    await hmlr.garden()
    assert {"Robert", "Bob"} in await subjects(hmlr)
