"""An odd value in any field of any exported record is refused, or is harmless (X16)."""

from __future__ import annotations

import copy
import json
import math
import random
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hmlr import HMLRClient, Message
from hmlr.errors import Conflict, InvalidInput
from hmlr.memory.block_desk import PLACE, RENAME
from hmlr.memory.facts.edits import EDITS
from hmlr.records import Fact
from hmlr.store.edit_rules import PAYLOADS
from hmlr.store.garden_records import MERGE_DOSSIER, PLACE_FACT, RENAME_DOSSIER
from hmlr.testing import hash_embedder
from tests.faults.figures import FULL, figure

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600 if FULL else 120)]

Record = dict[str, Any]
KINDS = {
    "turn", "message", "block", "turn_block", "fact", "fact_event", "dossier", "dossier_entry",
    "dossier_event", "tag", "edit", "tombstone",
}  # fmt: skip
GONE = object()  # the field is left out
ODD: tuple[Any, ...] = (
    GONE, None, "", "x", " ", "\0", "\ud800", "user", "2026-01-31", "x" * 5000, -1, 0, 1, 2**53, 2**63,
    10**400, 1.5, math.nan, math.inf, True, False, [], [None], [1], [True], ["a", "a"], [["a"]], [["1", "2"]],
    [[1.0, 2.0]], [[2, 1]], [[0, 0]], [[1, 2]], [[1, 2**53]], {}, {"a": "b"}, {"": {}}, {"label": 1},
    {"fact": "x"}, "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00",
    "20260101T000000Z",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """One value in one place of one record."""

    number: int  # of the record
    path: tuple[str, ...]
    value: Any

    def put(self, records: list[Record]) -> list[Record]:
        """The records with it."""
        changed = copy.copy(records)
        changed[self.number] = at = copy.deepcopy(records[self.number])
        for name in self.path[:-1]:
            at = at[name]
        if self.value is GONE:
            del at[self.path[-1]]
        else:
            at[self.path[-1]] = self.value
        return changed


async def fill(hmlr: HMLRClient) -> None:
    """A memory with records of every type and edits of every kind."""
    said = (
        "I am strictly vegetarian.",
        "My sister Mia lives in Oslo. She has two cats.",
        "In this project we use Postgres 16.",
        "The budget of Project Kestrel is 500 euros.",
        "We take the blue one.",
    )
    for number, text in enumerate(said):
        await hmlr.remember([Message(role="user", content=text)], session_id=f"s{number % 2}")
    await hmlr.flush(60)
    await hmlr.forget(turn_id=(await hmlr.recall("the blue one"))[0].turn_ids[0])
    first, second, *_ = await hmlr.facts()
    await hmlr.correct(second.fact_id, "another")
    await hmlr.retire(first.fact_id, "no longer")
    await hmlr.restore(first.fact_id)
    await hmlr.garden(include_active=True)
    one, other, *_ = await hmlr.dossiers()
    await hmlr.merge_dossiers(one.dossier_id, other.dossier_id)
    await hmlr.rename_dossier(other.dossier_id, "Mine")
    block, into, *_ = await hmlr.blocks()
    await hmlr.rename_block(into.block_id, "My own")
    await hmlr.merge_blocks(block.block_id, into.block_id)
    await hmlr.flush(60)


async def export(hmlr: HMLRClient) -> list[Record]:
    """The records, with head and foot."""
    return [
        json.loads(line)
        for piece in [each async for each in hmlr.export_lines()]
        for line in piece.splitlines()
    ]


def oddities(records: list[Record]) -> Iterator[Oddity]:
    """Every value in every place that is of another kind, one at a time."""
    seen = set()
    for number, record in enumerate(records[1:-1], 1):
        for path in _paths(record):
            place = (record["type"], record["kind"] if record["type"] == "edit" else "", path)
            if place not in seen:
                seen.add(place)
                yield from (Oddity(number=number, path=path, value=value) for value in ODD)


def _paths(record: Record) -> Iterator[tuple[str, ...]]:
    for name, value in record.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, *rest) for rest in _paths(value))


async def use(hmlr: HMLRClient) -> None:
    """Whatever was taken can be read, asked, learned anew and forgotten."""
    await export(hmlr)
    facts = await hmlr.facts(states=("active", "superseded", "invalidated"))
    for fact in facts:
        await hmlr.history(fact.fact_id)
    for dossier in await hmlr.dossiers():
        await hmlr.dossier(dossier.dossier_id)
    for day in await hmlr.days():
        await hmlr.day(day.date)
    for read in (hmlr.profile, hmlr.contradictions, hmlr.audit, hmlr.stats, hmlr.garden_runs, hmlr.health):
        await read()
    await hmlr.timeline("user")
    await hmlr.recall("Mia", explain=True)
    await hmlr.draw_dossiers()
    await hmlr.draw_blocks()
    await hmlr.chat("Where did Mia live last year?")
    await hmlr.garden(include_active=True)
    await edit(hmlr, facts)
    await hmlr.rebuild()
    assert await hmlr.flush(30)
    assert (await hmlr.stats()).jobs_failed == 0
    for turn in (await hmlr.turns())[:1]:
        await hmlr.forget(turn_id=turn.turn_id)
    await hmlr.forget(everything=True)


async def edit(hmlr: HMLRClient, facts: list[Fact]) -> None:
    """By hand, as far as it makes sense with what there is."""
    for fact in facts:
        with suppress(Conflict, InvalidInput):
            await (
                hmlr.retire(fact.fact_id, "over") if fact.state == "active" else hmlr.restore(fact.fact_id)
            )
    with suppress(Conflict, InvalidInput):
        await hmlr.correct(facts[0].fact_id, "a third")
    for block in await hmlr.blocks():
        await hmlr.rename_block(block.block_id, "Anew")
    for dossier in (await hmlr.dossiers())[:1]:
        await hmlr.rename_dossier(dossier.dossier_id, "Anew")


async def test_an_odd_value_is_refused_or_harmless(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with HMLRClient(tmp_path / "m.db", "origin", model="offline", embedder=hash_embedder()) as host:
        await fill(host)
        records = await export(host)
        assert {each["type"] for each in records[1:-1]} == KINDS
        assert {each["kind"] for each in records if each["type"] == "edit"} >= set(PAYLOADS) - {PLACE}
        cases = list(oddities(records))
        chosen = random.Random(16).sample(cases, min(len(cases), figure(100, len(cases))))
        refused = 0
        for number, case in enumerate(chosen):
            lines = "\n".join(json.dumps(each) for each in case.put(records)).encode()
            async with host.as_user(f"u{number}") as hmlr:
                try:
                    await hmlr.import_lines(lines)
                except InvalidInput:
                    refused += 1
                    assert len(await export(hmlr)) == 2, case  # nothing was taken
                else:
                    await use(hmlr)
            assert not [each for each in caplog.records if each.levelname == "ERROR"], case
        print(f"X16: {len(chosen)} of {len(cases)} odd values, {refused} refused, 0 errors")
        assert 0 < refused < len(chosen)


def test_the_rules_know_every_kind_of_edit_that_is_made_again() -> None:
    assert set(PAYLOADS) == {PLACE, RENAME, PLACE_FACT, MERGE_DOSSIER, RENAME_DOSSIER, *EDITS}
