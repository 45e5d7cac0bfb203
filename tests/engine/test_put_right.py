"""What is put right or taken back is so however many turns are read at once, and after a rebuild."""

from __future__ import annotations

import pytest

from hmlr import HMLRClient, Message
from hmlr.testing import hash_embedder
from tests.opening import Place

pytestmark = pytest.mark.anyio

TOLD = {
    (
        "My manager is Ingrid Solheim.",
        "correction: Ingrid's surname is Solberg, not Solheim",
    ): "Ingrid Solberg",
    ("I have a cat named Tom.", "I meant Tim, not Tom"): "Tim (cat)",
    ("I really like opera.", "forget that I said I like opera, I was joking"): None,
    ("I own a sailboat.", "ignore what I told you about the sailboat"): None,
    ("My shoe size is 43.", "my shoe size is 44, not 43"): "44",
}


@pytest.mark.parametrize("told", TOLD)
async def test_a_batch_and_a_rebuild_end_alike(database: Place, told: tuple[str, str]):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        await hmlr.remember([Message(content=text) for text in told])
        wanted = [] if TOLD[told] is None else [TOLD[told]]
        for _ in range(2):
            assert await hmlr.flush(10)
            assert [fact.value for fact in await hmlr.facts()] == wanted
            await hmlr.rebuild()


@pytest.mark.parametrize("told", TOLD)
async def test_turn_by_turn_ends_as_a_batch_does(database: Place, told: tuple[str, str]):
    async with HMLRClient(database, "ada", model="offline", embedder=hash_embedder()) as hmlr:
        for text in told:
            await hmlr.chat(text)
            assert await hmlr.flush(10)
        assert [fact.value for fact in await hmlr.facts()] == ([] if TOLD[told] is None else [TOLD[told]])
