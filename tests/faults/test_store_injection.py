"""Names and values are bound, and another user's are not reached (X13, F52)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hmlr.store
from hmlr.errors import InvalidInput
from hmlr.records import BlockId, FactId, SessionId, TurnId, UserId
from hmlr.store.records import FactQuery, TurnQuery
from hmlr.store.search_records import ChunkFilter
from hmlr.store.sqlite.store import SqliteStore
from tests.faults.figures import figure
from tests.store.conftest import store  # noqa: F401 - the fixture
from tests.store.making import BOB, turn

pytestmark = [pytest.mark.security, pytest.mark.timeout(figure(60, 3000))]

nasty = st.text(max_size=30) | st.sampled_from(
    [
        "'",
        "x' OR '1'='1",
        "%",
        "_",
        "/..",
        "\0",
        "a\0b",
        '"; DROP TABLE turns; --',
        "x" * 10_000,
        "$.a",
        "bob",
        "1:a",
    ]
)


async def test_no_name_reaches_another_user(store: SqliteStore) -> None:  # noqa: F811
    names: list[str] = []

    @settings(max_examples=figure(100, 50_000), deadline=None, database=None)
    @given(name=nasty)
    def collect(name: str) -> None:
        names.append(name)

    collect()
    await store.add_turns(BOB, [turn("secret word")])
    refused = [name for name in names if name != BOB and not await finds_nothing(store, name)]
    print(f"F52: {len(names):,} names, {len(refused):,} refused, 0 reached another user")


async def finds_nothing(store: SqliteStore, name: str) -> bool:  # noqa: F811
    """Whether a name may be used, and then finds nothing; one that may not is unprintable."""
    user = UserId(name)
    try:
        assert await store.turns(user, TurnQuery(session_id=SessionId(name), block_id=BlockId(name))) == []
        assert await store.turns(user, TurnQuery(turn_ids=(TurnId(name),))) == []
        assert await store.facts(user, FactQuery(subject=name, key=name, fact_ids=(FactId(name),))) == []
        where = ChunkFilter(speaker=name, metadata={name: name})
        assert await store.chunk_ids(user, where) == []
        assert await store.postings(user, [name, "secret", "word"]) == {}
        assert await store.messages_containing(user, [name, "secret"]) == []
        assert await store.import_records(user, []) == 0
        assert (await store.stats(user)).turns == 0
    except InvalidInput:
        assert not name.isprintable(), name
        return False
    return True


def test_no_query_is_put_together_from_text() -> None:
    folder = Path(hmlr.store.__file__).parent
    words = r"(?:SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WHERE)\b"
    for file in folder.rglob("*.py"):
        assert not re.search(rf"f(?:\"|')[^\"'\n]*{words}", file.read_text(encoding="utf-8")), file
