"""Long reads come in pages: the rows of all turns at once would hold up every thread."""

from __future__ import annotations

import pytest

from hmlr.store.port import Store
from hmlr.store.records import TurnQuery
from hmlr.store.sql import turns as sqlite_turns
from tests.store.making import ADA, reply, turn


async def test_turns_are_read_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    added = await store.add_turns(ADA, [turn(f"Note {number}") for number in range(25)])
    await store.add_reply(ADA, added[11].turn_id, reply())
    sizes: list[int] = []
    read = sqlite_turns._with_messages

    def counted(connection, user, rows):  # type: ignore[no-untyped-def]
        sizes.append(len(rows))
        return read(connection, user, rows)

    monkeypatch.setattr(sqlite_turns, "_with_messages", counted)
    monkeypatch.setattr(sqlite_turns, "_PAGE", 10)
    turns = await store.turns(ADA, TurnQuery())
    assert sizes == [10, 10, 5]
    assert [each.turn_id for each in turns] == [each.turn_id for each in added]
    assert [len(each.messages) for each in turns] == [2 if n == 11 else 1 for n in range(25)]
    newest = await store.turns(ADA, TurnQuery(newest=True, limit=12))
    assert [each.seq for each in newest] == list(range(25, 13, -1))
