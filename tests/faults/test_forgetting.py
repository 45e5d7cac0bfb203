"""Forgetting through the door: no file holds a forgotten word, in any case and wherever it was repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from hmlr import HMLRClient, Message
from hmlr.store.care_records import ErasePlan
from hmlr.testing import hash_embedder
from tests.faults.doors import door, settled

pytestmark = [pytest.mark.faults, pytest.mark.security]


def traces(path: Path, word: str) -> list[str]:
    """The files in which the word stands, in any case."""
    files = path.parent.glob("memory.db*")
    return [file.name for file in files if word.encode() in file.read_bytes().lower()]


async def told(hmlr: HMLRClient, *texts: str) -> list[str]:
    receipt = await hmlr.remember([Message(content=text) for text in texts])
    await settled(hmlr)
    return list(receipt.turn_ids)


async def test_a_forgotten_turn_leaves_no_reason_in_the_facts_it_ended(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        _, gone = await told(hmlr, "We drive a Skoda Octavia.", "We sold the Skoda and bought a Kia Niro.")
        await hmlr.forget(turn_id=gone)
        assert traces(db_path, "niro") == []
        assert traces(db_path, "sold the skoda") == []


async def test_a_forgotten_fact_is_in_no_event_of_another(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        await told(hmlr, "The wifi password is Bacon#11.", "The wifi password is now Brisket#77.")
        every = await hmlr.facts(states=("active", "superseded"))
        old, new = (next(each for each in every if name in each.value) for name in ("Bacon", "Brisket"))
        await hmlr.restore(old.fact_id)
        await hmlr.retire(old.fact_id, "it is brisket#77 after all")
        await hmlr.restore(old.fact_id)
        await hmlr.forget(fact_id=new.fact_id)
        assert traces(db_path, "brisket") == []
        assert [fact.value for fact in await hmlr.facts(key=old.key)] == ["Bacon#11"]


async def test_a_forgotten_fact_is_gone_in_any_case(db_path: Path) -> None:
    async with door(db_path, embedder=hash_embedder()) as hmlr:
        await told(hmlr, "I live in Oslo.", "oslo is lovely in June.", "OSLO, OSLO, what a town!")
        await hmlr.rename_block((await hmlr.blocks())[0].block_id, "Life in oslo")
        (fact,) = await hmlr.facts(key="lives_in")
        await hmlr.forget(fact_id=fact.fact_id)
        await settled(hmlr)
        assert traces(db_path, "oslo") == []
        assert (await hmlr.health()).ok


async def test_what_a_forgotten_value_had_replaced_holds_again(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        _, gone = await told(hmlr, "I live in Oslo.", "I moved to Bergen.")
        assert [fact.value for fact in await hmlr.facts(key="lives_in")] == ["Bergen"]
        await hmlr.forget(turn_id=gone)
        (left,) = await hmlr.facts(key="lives_in")
        assert (left.value, left.valid_to, left.reason) == ("Oslo", None, "")
        assert (await hmlr.history(left.fact_id)).events[-1].change == "restored"
        await hmlr.rebuild()
        await settled(hmlr)
        assert [fact.value for fact in await hmlr.facts(key="lives_in")] == ["Oslo"]


async def test_a_chain_of_values_is_closed_over_a_forgotten_link(db_path: Path) -> None:
    async with door(db_path) as hmlr:
        _, gone, _ = await told(hmlr, "I live in Oslo.", "I moved to Bergen.", "I moved to Molde.")
        await hmlr.forget(turn_id=gone)
        every = await hmlr.facts(key="lives_in", states=("active", "superseded"))
        both = {fact.value: fact for fact in every}
        first, last = both["Oslo"], both["Molde"]
        assert (first.state, first.superseded_by, last.state) == ("superseded", last.fact_id, "active")


async def test_a_reply_that_was_under_way_is_found(db_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with door(db_path) as hmlr:
        (gone,) = await told(hmlr, "My locker code is 7781-kestrel.")
        store = hmlr._member.services.store
        erase, plans = store.erase, list[ErasePlan]()

        async def late(user: str, plan: ErasePlan, **given: object) -> object:
            if not plans:  # a chat that has searched already stores its reply now
                reply = await hmlr.chat("What is my locker code?", session_id="other")
                assert "kestrel" in reply.text
            plans.append(plan)
            return await erase(user, plan, **given)  # type: ignore[arg-type]

        monkeypatch.setattr(store, "erase", late)
        certificate = await hmlr.forget(turn_id=gone)
        assert len(plans) == 2
        assert (certificate.verified, certificate.redactions) == (True, 1)
        assert traces(db_path, "kestrel") == []


async def test_an_older_export_brings_nothing_forgotten_back(db_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    async with door(db_path) as hmlr:
        _, gone, _ = await told(
            hmlr, "I live in Molde.", "My locker code is 7781-kestrel.", "My sister is called Wilhelmina."
        )
        await hmlr.chat("I paid 40 euros for the ferret.", session_id="private")
        await settled(hmlr)
        await hmlr.export(folder / "old.jsonl")
        (fact,) = [each for each in await hmlr.facts() if "Wilhelmina" in each.value]
        await hmlr.forget(turn_id=gone)
        await hmlr.forget(session_id="private")
        await hmlr.forget(fact_id=fact.fact_id)
        await hmlr.import_(folder / "old.jsonl")
        await settled(hmlr)
        for word in ("kestrel", "wilhelmina", "ferret"):
            assert traces(db_path, word) == []
        assert len(await hmlr.turns()) == 2
        assert (await hmlr.health()).ok
