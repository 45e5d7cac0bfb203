"""A lost or damaged search index is made anew from the messages, whole or not at all (F14)."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hmlr.errors import StorageError
from hmlr.memory.intake import new_chunks
from hmlr.store.sql import care as sqlite_care
from hmlr.store.sqlite.store import SqliteStore, open_sqlite
from tests.faults.figures import FULL
from tests.faults.library import build
from tests.store.making import ADA

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

# Everything that search stands on, in an order of its own.
DERIVED = {
    "chunks": "SELECT * FROM chunks ORDER BY chunk_id",
    "index": "SELECT term, doc, offset FROM chunk_postings ORDER BY term, doc, offset",
    "vectors": "SELECT chunk_id, model_no, data FROM vectors ORDER BY chunk_id",
}
KEPT = {
    "turns": "SELECT * FROM turns ORDER BY user_id, seq",
    "messages": "SELECT * FROM messages ORDER BY message_no",
}
DAMAGE = {
    "index emptied": "DELETE FROM chunk_terms_data WHERE id > 10",
    "index dropped": "DROP TABLE chunk_terms",
    "index garbled": "UPDATE chunk_terms_data SET block = randomblob(40) WHERE id > 10",
    "chunks lost": "DELETE FROM chunks",
    # What `doctor` does not look at: a wrong place of a paragraph.
    "chunks moved": 'UPDATE chunks SET "end" = "end" - 1 WHERE (chunk_id >> 20) % 3 = 0',
}


def content(path: Path, tables: dict[str, str]) -> dict[str, tuple[int, str]]:
    """How many rows each has, and the digest of them all."""
    found = {}
    with closing(sqlite3.connect(path)) as raw:
        for name, statement in tables.items():
            digest, count = hashlib.sha256(), 0
            for row in raw.execute(statement):
                digest.update(repr(row).encode())
                count += 1
            found[name] = (count, digest.hexdigest())
    return found


@pytest.fixture(scope="module", params=[12_500, 102_500] if FULL else [2_500])
def sound(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A memory of so many paragraphs, with a vector for each."""
    path = tmp_path_factory.mktemp("sound") / "memory.db"
    asyncio.run(build(path, request.param, model_id="m", dim=8))
    assert content(path, DERIVED)["vectors"][0] == request.param
    yield path
    path.unlink()


@pytest.fixture
def copy(sound: Path, db_path: Path) -> Iterator[Path]:
    shutil.copy(sound, db_path)
    yield db_path
    db_path.unlink()


async def failing(store: SqliteStore) -> set[str]:
    return {check.name for check in await store.check() if not check.ok} - {"files"}


@pytest.mark.parametrize("name", DAMAGE)
async def test_a_rebuild_gives_every_row_again(sound: Path, copy: Path, name: str) -> None:
    with closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute(DAMAGE[name])
    store = await open_sqlite(copy, slicer=new_chunks)
    assert name == "chunks moved" or await failing(store)
    assert await store.rebuild_search() == content(sound, KEPT)["messages"][0]
    assert not await failing(store)
    await store.aclose()
    assert content(copy, KEPT) == content(sound, KEPT)
    was, now = content(sound, DERIVED), content(copy, DERIVED)
    print(f"F14: {was['chunks'][0]:,} paragraphs, {name}: all there again, and equal")
    if name == "chunks moved":  # the vector of a paragraph that was another one is made anew
        del was["vectors"], now["vectors"]
    assert now == was


async def test_lost_vectors_are_asked_for_again(sound: Path, copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as raw, raw:
        raw.execute("DELETE FROM vectors")
    store = await open_sqlite(copy, slicer=new_chunks)
    messages = await store.rebuild_search()
    assert len(await store.turns_without_vectors(ADA, "m")) == messages
    assert (await store.stats(ADA)).jobs_waiting == messages
    await store.aclose()


async def test_a_rebuild_that_lost_rows_is_given_up_and_the_old_index_serves_on(
    sound: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(connection: Any) -> None:
        whole(connection)
        connection.exec_driver_sql(
            "INSERT INTO chunk_terms(chunk_terms, rowid, t) SELECT 'delete', chunk_id, "
            "'1:' || replace(terms, ' ', ' 1:') FROM chunks ORDER BY chunk_id DESC LIMIT 1"
        )

    whole = sqlite_care.index_all
    monkeypatch.setattr(sqlite_care, "index_all", cut)
    store = await open_sqlite(copy, slicer=new_chunks)
    with pytest.raises(StorageError, match="paragraphs"):
        await store.rebuild_search()
    assert not await failing(store)
    await store.aclose()
    assert content(copy, KEPT | DERIVED) == content(sound, KEPT | DERIVED)
