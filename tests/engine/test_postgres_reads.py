"""On PostgreSQL no statement of a user reads through a table: that would be everybody's rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from hmlr import HMLRClient, Message
from hmlr.records import UserId
from hmlr.testing import hash_embedder
from tests.opening import open_place
from tests.places import past_hmlr
from tests.store.making import slices, turn

LARGE = ("turns", "messages", "chunks", "vectors", "jobs", "chunk_terms")
READING = ("SELECT", "WITH", "UPDATE", "DELETE")


class Plans:
    """The first plan of each statement of a user, seen in its own transaction."""

    def __init__(self) -> None:
        self.statements: set[str] = set()
        self.through: list[str] = []  # what reads a table from its beginning to its end

    def look(self, connection: Any, _: Any, statement: str, parameters: Any, __: Any, many: bool) -> None:
        if not statement.startswith(READING) or statement in self.statements:
            return
        if self._ask(connection, "SELECT current_setting('hmlr.operator', true)", ()) == "on":
            return
        if not self._ask(connection, "SELECT current_setting('hmlr.user', true)", ()):
            return
        self.statements.add(statement)
        plan = self._ask(
            connection, f"EXPLAIN (FORMAT JSON) {statement}", parameters[0] if many else parameters
        )
        for node in nodes((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]):
            if node.get("Relation Name") in LARGE and node["Node Type"] in SCANS and "Index Cond" not in node:
                self.through.append(f"{node['Node Type']} of {node['Relation Name']}: {statement}")

    def _ask(self, connection: Any, statement: str, parameters: Any) -> Any:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(statement, parameters)
            return cursor.fetchall()[0][0]
        finally:
            cursor.close()


SCANS = ("Seq Scan", "Index Scan", "Index Only Scan")


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


@pytest.fixture
def plans() -> Iterator[Plans]:
    seen = Plans()
    event.listen(Engine, "before_cursor_execute", seen.look)
    yield seen
    event.remove(Engine, "before_cursor_execute", seen.look)


@pytest.fixture
async def crowded(postgres_url: str) -> str:
    """A database in which forty users have said something."""
    store = await open_place(postgres_url, slicer=slices)
    for number in range(40):
        said = [turn(f"Turn {each} in Oslo", jobs=("embed", "route")) for each in range(100)]
        await store.add_turns(UserId(f"user{number}"), said)
    await store.aclose()
    past_hmlr(postgres_url, "ANALYZE;")
    return postgres_url


async def test_no_statement_of_a_user_reads_a_table_through(
    crowded: str, plans: Plans, tmp_path: Path
) -> None:
    async with HMLRClient(crowded, user_id="ada", model="offline", embedder=hash_embedder()) as hmlr:
        for number in range(3):
            await hmlr.chat(f"My sister Ruth plays the bassoon in group {number}. I live in Graz.")
        await hmlr.remember([Message(content=f"Note {number} about boats.") for number in range(5)])
        await hmlr.flush()
        await hmlr.recall("Who plays the bassoon?")
        await hmlr.garden(include_active=True)
        await hmlr.context("Where do I live?")
        last = (await hmlr.turns())[-1]
        await hmlr.forget(turn_id=last.turn_id)
        await hmlr.export(tmp_path / "ada.jsonl")
    assert len(plans.statements) > 60
    assert plans.through == []
