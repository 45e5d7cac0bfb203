"""A1, the Hydra: 21 sittings over 90 days, each remembered by the database alone, then one question.

With FAULTS=full each sitting is a process of its own, in four runs; in CI a client of its own, in two.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hmlr import HMLRClient
from hmlr.garden_records import DossierFile
from hmlr.llm.port import ModelRequest
from hmlr.settings import Settings
from hmlr.testing import ScriptedModel
from tests.acceptance.conftest import call, chat
from tests.acceptance.hydra import MESSAGES, NAMES, OTHER_WORDS, QUESTION, REASONS, STATES
from tests.faults.figures import FULL
from tests.opening import Place

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]
START = datetime(2025, 1, 6, 9, tzinfo=UTC)
DAYS = 4.3  # between two sittings
RUNS = ["nightly", "end, other words"] + ["nightly minilm", "end minilm, other words"] * FULL


@asynccontextmanager
async def opened(database: Place, embedder: str, **given: Any) -> AsyncIterator[HMLRClient]:
    """A client that asks after all that was said."""
    settings = Settings.load(db_path=database, embedder=embedder, budget_tokens=4000)
    later = START + timedelta(days=DAYS * len(MESSAGES))
    async with HMLRClient(
        settings=settings, user_id="ada", clock=lambda: later, **({"model": "offline"} | given)
    ) as hmlr:
        yield hmlr


@pytest.mark.parametrize("run", RUNS)
async def test_hydra(run: str, sit: Callable[..., Any], database: Place) -> None:
    nightly, embedder = run.startswith("nightly"), "minilm" if "minilm" in run else "none"
    said = OTHER_WORDS if "other words" in run else MESSAGES
    for number, text in enumerate(said):
        at = START + timedelta(days=DAYS * number)
        if FULL:
            steps = [chat(text, session_id=f"s{number}", occurred_at=at.isoformat())]
            steps += [call("flush", 30), call("garden")] if nightly else []
            sit(*steps, env={"HMLR_EMBEDDER": embedder})
        else:
            async with opened(database, embedder) as hmlr:
                await hmlr.chat(text, session_id=f"s{number}", occurred_at=at)
                assert await hmlr.flush(30)
                if nightly:
                    await hmlr.garden()
    async with opened(database, embedder) as hmlr:
        report = await hmlr.garden(include_active=True)
        assert (report.pending, report.stopped) == (0, "")
        await check_facts(hmlr)
        await check_dossier(hmlr)
        await check_context(hmlr)
        await check_chain(hmlr)
    await check_verdict(database, embedder)


async def check_facts(hmlr: HMLRClient) -> None:
    """Policies and volumes are in the states that the messages leave them in, with the reasons."""
    facts = await hmlr.facts(states=("active", "superseded", "invalidated"))
    policies = {fact.subject: fact for fact in facts if fact.key == "policy"}
    assert {name: policies[name].state for name in STATES} == STATES
    assert all(word in policies[name].reason for name, word in REASONS.items())
    history = await hmlr.history(policies["v6"].fact_id)
    changes = [event.change for event in history.events if event.fact_id == policies["v6"].fact_id]
    assert changes[-2:] == ["superseded", "restored"]  # by v7, and back by v8
    volumes = [fact for fact in facts if fact.key == "volume_per_day"]
    (now,) = [fact for fact in volumes if fact.state == "active"]
    assert now.value.startswith("4,850,000 records")
    superseded = {fact.value[:3] for fact in volumes if fact.state == "superseded"}
    assert {"4.2", "4.7"} <= superseded  # and the 4.85 million of the e-mail: the sign-off is the last word


async def check_dossier(hmlr: HMLRClient) -> None:
    """The cipher has one dossier, found by each of its names, in which all of it stands."""
    (file,) = [each for each in await files(hmlr) if names_in(each)]
    assert names_in(file) == set(NAMES)
    told = {(entry.fact.subject, entry.fact.key) for entry in file.entries}
    assert told >= {(name, "policy") for name in STATES}
    for name in NAMES:
        assert set((await hmlr.timeline(name)).names) == set(NAMES)
        (hit, *_) = await hmlr.recall(f"What is {name}?", kinds=["dossier"])
        assert hit.node_id == file.dossier.dossier_id


async def files(hmlr: HMLRClient) -> list[DossierFile]:
    """All dossiers with what they stand on."""
    return [await hmlr.dossier(each.dossier_id) for each in await hmlr.dossiers()]


def names_in(file: DossierFile) -> set[str]:
    """The cipher's names among those of a dossier's facts."""
    return {name for entry in file.entries for name in (entry.fact.subject, entry.fact.value)} & set(NAMES)


async def check_context(hmlr: HMLRClient) -> None:
    """A context of less than 4,000 tokens holds every needed turn, each traced."""
    context = await hmlr.context(QUESTION, budget_tokens=4000)
    held = {turn_id for hit in context.hits for turn_id in hit.turn_ids}
    held |= {fact.turn_id for fact in context.facts}
    for dossier_id in context.dossiers:
        held |= {entry.fact.turn_id for entry in (await hmlr.dossier(dossier_id)).entries}
    turns = {turn.turn_id: turn.messages[0].content for turn in await hmlr.turns()}
    assert [text[:60] for turn_id, text in turns.items() if turn_id not in held] == []
    assert context.tokens < 4000
    assert all(name in context.text for name in NAMES)
    history = sum(len(text) for text in turns.values()) // 4
    print(f"A1: context {context.tokens} tokens, full history {history}")


async def check_chain(hmlr: HMLRClient) -> None:
    """Deep recall leads to every turn in two links, all names and the policy that holds among them."""
    answer = await hmlr.deep_recall(QUESTION)
    turns = {turn.turn_id: turn.messages[0].content for turn in await hmlr.turns()}
    held = {turn_id for each in answer.evidence for turn_id in each.turn_ids}
    assert [text[:60] for turn_id, text in turns.items() if turn_id not in held] == []
    assert all(each.text in turns[each.turn_ids[0]] for each in answer.evidence)
    assert max(each.hop for each in answer.evidence) == 2
    print(f"A1: chain {len(answer.text) // 4} tokens in {len(answer.evidence)} steps")


async def check_verdict(database: Place, embedder: str) -> None:
    """A model that has all of it before it says that the policy is broken."""
    needed = (
        *NAMES,
        "400,000 records/day",
        "4,850,000 records",
        "rogue employee",
        "draft",
        "revoked",
    )

    def answer(request: ModelRequest) -> str:
        missing = [text for text in needed if text not in request.user]
        return f"can't tell without {missing}" if missing else "NON-COMPLIANT: v6 allows 400,000 a day."

    model = ScriptedModel({"answer": answer, "memory_filter": {"keep": list(range(1, 11))}})
    async with opened(database, embedder, model=model) as hmlr:
        reply = await hmlr.chat(QUESTION, session_id="asked")
    assert reply.text.startswith("NON-COMPLIANT")
