"""Crafted database files (X17): refused, nothing in them is run, and they stay as they were."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from hmlr import Message
from hmlr.client.restoring import restore_backup
from hmlr.errors import HMLRError
from tests.faults.crafts import IN_FILE, IN_SCHEMA, IN_VALUES, Craft
from tests.faults.doors import door, settled

pytestmark = [pytest.mark.faults, pytest.mark.security]

ALL = {**IN_SCHEMA, **IN_FILE, **IN_VALUES}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory of two users, with a row at least in most tables."""
    path = tmp_path_factory.mktemp("sound") / "memory.db"
    asyncio.run(fill(path))
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA journal_mode = DELETE").fetchone()
        raw.execute("INSERT INTO models VALUES ('m', 1)")
        raw.execute(
            "INSERT INTO vectors (user_no, chunk_id, model_no, dim, data, tokens, pieces) "
            "SELECT user_no, chunk_id, 1, 16, zeroblob(8), zeroblob(4), zeroblob(6) FROM chunks"
        )
        raw.execute("INSERT INTO edits VALUES ('ada', 1, 'rename_block', 'b', '{}', 0)")
        raw.execute("VACUUM")
    return path


async def fill(path: Path) -> None:
    async with door(path) as ada, ada.as_user("bob") as bob:
        for client, name in ((ada, "Ada"), (bob, "Bob")):
            await client.remember([Message(content=f"My name is {name} and I live in Oslo.")])
            await client.chat("I am strictly vegetarian.", session_id="s1")
            await settled(client)
        assert await ada.facts()
        assert await bob.blocks()


@pytest.fixture
def crafted(request: pytest.FixtureRequest, sound: Path, tmp_path: Path) -> Path:
    path = tmp_path / "in" / "memory.db"
    path.parent.mkdir()
    shutil.copy(sound, path)
    craft: Craft = ALL[request.param][0]
    craft(path)
    return path


def state(folder: Path) -> dict[str, object]:
    """What is in a folder: of files the bytes, of others what they are."""
    return {
        str(each): each.read_bytes() if stat.S_ISREG(each.lstat().st_mode) else each.lstat().st_mode
        for each in folder.rglob("*")
        if not each.name.endswith(".lock")
    }


async def test_the_memory_that_is_crafted_from_is_sound(sound: Path, tmp_path: Path) -> None:
    done = await restore_backup(sound, tmp_path / "memory.db")
    assert (done.users, done.turns, done.messages) == (2, 4, 6)


def refused(error: HMLRError, said: str) -> None:
    """It says what is wrong and what to do, and not much more."""
    assert said in str(error)
    assert error.hint
    assert len(str(error)) < 700


@pytest.mark.parametrize(("crafted", "said"), [(name, ALL[name][1]) for name in ALL], indirect=["crafted"])
async def test_a_crafted_file_is_no_backup(crafted: Path, said: str, tmp_path: Path) -> None:
    before = state(tmp_path)
    with pytest.raises(HMLRError) as caught:
        await restore_backup(crafted, tmp_path / "memory.db")
    refused(caught.value, said)
    assert state(tmp_path) == before


@pytest.mark.parametrize(
    ("crafted", "said"), [(name, IN_SCHEMA[name][1]) for name in IN_SCHEMA], indirect=["crafted"]
)
async def test_a_memory_with_a_changed_schema_is_not_opened(crafted: Path, said: str) -> None:
    before = state(crafted.parent)
    with pytest.raises(HMLRError) as caught:
        async with door(crafted):
            pass
    refused(caught.value, said)
    assert state(crafted.parent) == before
