"""What facts connect with a question is found, of this user alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio
START = datetime(2025, 3, 3, 9, tzinfo=UTC)
TALK = (
    "The tomatoes on the balcony turned red.",
    "The printer jams on every second page.",
    "The ferry to the island leaves at nine.",
    "K-9 units searched the harbour on Sunday.",
)


@pytest.fixture
async def ada(database: Place) -> AsyncIterator[HMLRClient]:
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as client:
        yield client


async def tell(client: HMLRClient, texts: Sequence[str]) -> None:
    """Each text in a session of its own, so that nothing stands around it."""
    for day, text in enumerate(texts):
        said = Message(content=text, occurred_at=START + timedelta(days=day))
        await client.remember([said], session_id=f"s-{text[:20]}")
    await client.flush()


async def links(client: HMLRClient, question: str, **filters: object) -> dict[str, float]:
    hits = await client.recall(question, limit=50, **filters)  # type: ignore[arg-type]
    return {hit.text: hit.signals["links"] for hit in hits if hit.signals["links"]}


CIPHER = ("Phoenix was renamed Aether.", "Aether is now called K-12.", "K-12 is now called Styx.")


async def test_any_name_finds_what_was_said_under_any_other(ada: HMLRClient) -> None:
    await tell(ada, [*CIPHER, "Phoenix stood still on Monday.", *TALK])
    found = await links(ada, "What about Styx?")
    assert found.keys() == {*CIPHER[:2], "Phoenix stood still on Monday.", CIPHER[2]}
    hits = await ada.recall("What about Styx?", limit=4, explain=True)
    assert {hit.text for hit in hits} == found.keys()
    assert all("links +" in hit.why for hit in hits)


async def test_two_hops_lead_from_a_fact_to_another_by_a_name(ada: HMLRClient) -> None:
    await tell(ada, ["My sister is called Ana.", "Ana works at Nordlys.", "Bo works at Helios.", *TALK])
    found = await links(ada, "Where does my sister work?")
    assert found["Ana works at Nordlys."] > 0
    assert "Bo works at Helios." not in found
    best = await ada.recall("Where does my sister work?", limit=2)
    assert {hit.text for hit in best} == {"My sister is called Ana.", "Ana works at Nordlys."}


async def test_of_two_values_the_one_that_holds_is_linked(ada: HMLRClient) -> None:
    await tell(ada, ["My favourite colour is green.", "My favourite colour is blue now.", *TALK])
    assert (await links(ada, "What's my favourite colour?")).keys() == {"My favourite colour is blue now."}


async def test_a_link_does_not_change_with_unrelated_text(ada: HMLRClient) -> None:
    told = [*CIPHER, "Phoenix stood still on Monday."]
    await tell(ada, told)
    before = await links(ada, "What about Styx?")
    await tell(ada, TALK)
    assert await links(ada, "What about Styx?") == before


async def test_facts_of_another_user_link_nothing(ada: HMLRClient) -> None:
    async with ada.as_user("bob") as bob:
        await tell(ada, CIPHER)
        await tell(bob, ["Phoenix stood still on Monday.", *TALK])
        assert await links(bob, "What about Styx?") == {}


async def test_what_a_filter_hides_leads_nowhere(ada: HMLRClient) -> None:
    own, other = "I work at Nordlys.", "Ana works at Nordlys."
    await tell(ada, [own, other, *TALK])
    question = "Where do I work?"
    assert (await links(ada, question)).keys() == {own, other}
    assert await links(ada, question, since=START + timedelta(hours=1)) == {}
