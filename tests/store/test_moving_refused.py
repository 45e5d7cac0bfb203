"""What can't be moved is refused before anything is copied, and what was copied wrongly is taken out."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from hmlr import move
from hmlr.errors import ConfigurationError, Conflict, CopyDiffers, NotFound, StorageError
from hmlr.store.port import Store
from hmlr.store.records import TurnQuery
from tests.moving import ADA, BOB, run, tallies
from tests.postgres import Server
from tests.store.making import turn


async def test_another_memory_is_refused_before_anything_is_copied(source: Store, store: Store) -> None:
    await store.add_turns(BOB, [turn("Another Bob")])
    with pytest.raises(Conflict, match=r"another memory of bob: .*messages \(1 and 1 rows\)"):
        await run(source, store)
    assert await store.every_user() == [BOB]
    await run(source, store, ADA)
    assert await store.tally(ADA) == await source.tally(ADA)
    (kept,) = await store.turns(BOB, TurnQuery())
    assert kept.messages[0].content == "Another Bob"


async def test_a_copy_that_was_changed_is_named(source: Store, store: Store) -> None:
    await run(source, store)
    await store.add_turns(BOB, [turn("Said in the new place")])
    with pytest.raises(Conflict, match=r"of bob: .*turns \(1 and 2 rows\)"):
        await run(source, store)


@pytest.fixture
async def lying(adapter: str, place: Path, store: Store) -> AsyncIterator[None]:
    """A target that keeps another value of a fact than it is given."""
    if adapter == "sqlite":
        with closing(sqlite3.connect(place)) as raw:
            raw.execute("CREATE TRIGGER lie AFTER INSERT ON facts BEGIN UPDATE facts SET value = 'x'; END")
            yield
            raw.execute("DROP TRIGGER lie")
        return
    raw = await asyncpg.connect(place.url)  # type: ignore[attr-defined]
    await raw.execute(
        "CREATE FUNCTION lie() RETURNS trigger LANGUAGE plpgsql"
        " AS $$ BEGIN NEW.value = 'x'; RETURN NEW; END $$"
    )
    await raw.execute("CREATE TRIGGER lie BEFORE INSERT ON facts FOR EACH ROW EXECUTE FUNCTION lie()")
    yield
    await raw.execute("DROP TRIGGER lie ON facts")
    await raw.close()


@pytest.mark.usefixtures("lying")
async def test_a_copy_that_differs_is_named_and_taken_out(source: Store, store: Store) -> None:
    with pytest.raises(CopyDiffers, match=r"the copy of ada is not what was read: facts \(1 and 1 rows\)"):
        await run(source, store)
    assert await store.every_user() == []
    await run(source, store, BOB)
    assert await store.every_user() == [BOB]


@pytest.mark.parametrize(
    ("here", "there", "error", "words"),
    [
        ("missing.db", "new.db", NotFound, "does not exist"),
        ("own", "own", ConfigurationError, "same"),
        ("own", " ", ConfigurationError, "two databases"),
        ("own", "mysql://h/d", ConfigurationError, "mysql"),
        ("empty.db", "new.db", NotFound, "nothing of any user"),
        ("other.txt", "new.db", StorageError, "not a database"),
    ],
)
async def test_wrong_places(own: Path, here: str, there: str, error: type[Exception], words: str) -> None:
    folder = own.parent
    (folder / "empty.db").touch()
    (folder / "other.txt").write_text("This is some text, and no database.")
    names = [
        own if each == "own" else each if "://" in each or not each.strip() else folder / each
        for each in (here, there)
    ]
    with pytest.raises(error, match=words):
        await move(*names)
    assert not (folder / "new.db").exists() or await tallies(folder / "new.db") == {}


async def test_wrong_addresses(own: Path, url: str, empty: str, postgres_server: Server) -> None:
    with pytest.raises(ConfigurationError, match="no such database"):
        await move(own, postgres_server.url("nowhere"))
    with pytest.raises(ConfigurationError, match="same"):
        await move(url, url)
    with pytest.raises(NotFound, match="holds no memory"):
        await move(empty, own.parent / "new.db")
    raw = await asyncpg.connect(empty)
    assert await raw.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await raw.close()
