"""A value is taken whole: its version, a title with a full stop, a key of words with marks."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
TOLD = {
    "Magpie runs on Redis 7 and is led by Yusuf Demir.": ("Magpie", "uses", "Redis 7"),
    "Project Kestrel uses Postgres 14.": ("Project Kestrel", "uses", "Postgres 14"),
    "Kestrel runs on Python 3.11 for now.": ("Kestrel", "uses", "Python 3.11"),
    "Magpie uses Redis 7 times a day.": ("Magpie", "uses", "Redis"),
    "My dentist is Ms. Duval.": ("user", "dentist", "Ms. Duval"),
    "Mr. Brown lives in Lyon.": ("Mr. Brown", "lives_in", "Lyon"),
    "My teacher is called Mr. Brown.": ("teacher", "also_called", "Mr. Brown"),
    "My favourite crème brûlée is vanilla.": ("user", "favourite_creme_brulee", "vanilla"),
}


async def test_values_are_not_cut(database: Place):
    found = {}
    for number, text in enumerate(TOLD):
        async with HMLRClient(database, f"u{number}", model="offline", embedder=hash_embedder()) as hmlr:
            await hmlr.remember([Message(content=text)])
            assert await hmlr.flush(10)
            found[text] = [(fact.subject, fact.key, fact.value) for fact in await hmlr.facts()]
    assert found == {text: [fact] for text, fact in TOLD.items()}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("The pilot in Enköping was postponed to 24 August 2026.", "pilot_in_enkoping_date"),
        ("My Łódź trip is on 3 May 2026.", "lodz_trip_date"),
        ("Our Straßenfest party is on 3 May 2026.", "strassenfest_party_date"),
        ("The 東京 trip is on 4 June 2026.", "trip_date"),
    ],
)
async def test_a_key_is_not_cut_at_letters_with_marks(database: Place, text: str, key: str):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        await hmlr.remember([Message(content=text)])
        assert await hmlr.flush(10)
        assert [fact.key for fact in await hmlr.facts()] == [key]
