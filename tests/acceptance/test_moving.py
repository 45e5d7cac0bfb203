"""`move` as a process, and the example of its page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import processes
from tests.acceptance.conftest import python_example
from tests.faults.doors import door
from tests.processes import Done

pytestmark = pytest.mark.acceptance
Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run one command without a terminal."""
    env = {**environment, "HMLR_EMBEDDER": "none"}
    return lambda *given: processes.run([processes.MAIN, *given], env=env, cwd=tmp_path)


async def fill(path: Path, text: str) -> None:
    async with door(path) as ada:
        await ada.chat(text)
        await ada.flush(10)


def test_the_example_of_the_page(python: Callable[..., str]) -> None:
    told = python("-c", python_example("docs/moving.md"))
    assert told.splitlines()[0] == "('ada',) ()"
    assert "I live in Oslo." in told


def test_move_tells_what_comes_next_and_shows_no_bar(run: Run, tmp_path: Path) -> None:
    asyncio.run(fill(tmp_path / "old.db", "I live in Oslo."))
    done = run("move", "--from", "old.db", "--to", "new.db")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("moved and proved: 1 users, ")
    assert "HMLR_DB_PATH=new.db" in done.stdout
    assert "old.db is as it was, and keeps what you forget from now on" in done.stdout
    again = json.loads(run("move", "--from", "old.db", "--to", "new.db", "--json").stdout)
    assert (again["users"], again["here"], again["left"]) == (["ada"], 1, [])


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (["--from", "old.db"], 2, "--to"),
        (["--from", "none.db", "--to", "new.db"], 1, "none.db does not exist"),
        (["--from", "old.db", "--to", "old.db"], 2, "the same database"),
        (["--from", "old.db", "--to", "ftp://h/d"], 2, "ftp"),
        (["--from", "old.db", "--to", "new.db", "--user", "bob"], 1, "nothing of the user bob"),
        (["--from", "old.db", "--to", "used.db"], 1, "another memory of ada"),
    ],
)
def test_what_can_not_be_moved_is_one_line(
    run: Run, tmp_path: Path, given: list[str], code: int, words: str
) -> None:
    for name in ("old.db", "used.db"):
        asyncio.run(fill(tmp_path / name, f"This is {name}."))
    done = run("move", *given)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
