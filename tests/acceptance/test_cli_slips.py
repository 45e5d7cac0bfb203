"""Slips at the command line: a database that is not there, shortened ids, "me", a place that nobody knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import processes
from tests.processes import Done

Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Run one command on this test's database."""

    def command(*arguments: str, stdin: str = "", **variables: str) -> Done:
        env = {
            **environment,
            "HMLR_DB_PATH": str(tmp_path / "memory.db"),
            "HMLR_EMBEDDER": "none",
            **variables,
        }
        return processes.run([processes.MAIN, *arguments], stdin=stdin, env=env, cwd=tmp_path)

    return command


@pytest.mark.parametrize(
    "command",
    [("facts",), ("recall", "x"), ("blocks",), ("stats",), ("profile",), ("export", "out.jsonl"), ("retry",)],
)
def test_a_named_database_that_does_not_exist_is_an_error(run: Run, tmp_path: Path, command: tuple[str, ...]):
    for said in ([*command, "--db", "typo.db"], [*command]):
        done = run(*said)
        assert (done.returncode, done.stdout) == (1, "")
        assert "does not exist" in done.stderr
    assert not (tmp_path / "typo.db").exists()
    assert not (tmp_path / "memory.db").exists()


def test_who_writes_makes_the_database(run: Run, tmp_path: Path):
    assert run("chat", "I live in Oslo.", "--db", "new.db").returncode == 0
    assert "Oslo" in run("facts", "--db", "new.db").stdout
    (tmp_path / "told.txt").write_text("Ada: I live in Oslo.\n")
    assert run("remember", "told.txt", "--speaker", "Ada", "--db", "told.db").returncode == 0


def test_the_usual_database_may_be_empty(run: Run, tmp_path: Path):
    done = run("facts", HMLR_DB_PATH="", XDG_DATA_HOME=str(tmp_path / "data"))
    assert (done.returncode, done.stdout.strip()) == (0, "no facts")


def test_the_beginning_of_an_id_is_enough(run: Run):
    run("chat", "I live in Oslo. My boss is Karen.")
    facts = json.loads(run("facts", "--json").stdout)
    oslo = next(fact for fact in facts if fact["value"] == "Oslo")
    assert json.loads(run("history", oslo["fact_id"][:8], "--json").stdout)["facts"][0]["value"] == "Oslo"
    assert run("correct", oslo["fact_id"][:8], "Bergen").returncode == 0
    (block,) = json.loads(run("blocks", "--json").stdout)
    assert run("blocks", "--rename", block["block_id"][:8], "--label", "X").stdout.startswith("X\t")
    assert run("history", "cafe0123").returncode == 1
    assert run("forget", "--turn", oslo["turn_id"][:13], "--yes").stdout.startswith("forgotten: 1 turns")


def test_me_is_the_owner_and_an_unknown_place_is_named(run: Run):
    run("chat", "I live in Oslo.", "--session", "home")
    assert "Oslo" in run("recall", "Oslo", "--speaker", "me").stdout
    assert "Oslo" in run("facts", "--subject", "me").stdout
    lost = run("recall", "Oslo", "--session", "zzz")
    assert (lost.returncode, lost.stdout.strip()) == (0, "nothing found")
    assert "there is no session zzz" in lost.stderr
    assert "there is no topic zzz" in run("recall", "Oslo", "--block", "zzz").stderr
    assert run("recall", "zzz", "--session", "home").stderr == ""


def test_a_span_that_ends_before_it_begins_is_refused(run: Run):
    run("chat", "I live in Oslo.")
    wrong = run("recall", "Oslo", "--since", "2026-01-02", "--until", "2025-01-01")
    assert (wrong.returncode, "since lies after until" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("word", ["exit", "quit"])
def test_a_conversation_is_left_by_its_word(run: Run, word: str):
    done = run("chat", stdin=f"I live in Oslo.\n{word}\nI live in Bergen.\n")
    assert (done.returncode, done.stdout.count("Noted")) == (0, 1)
    assert "Bergen" not in run("facts").stdout


@pytest.mark.parametrize("command", ["recall", "deep-recall", "context"])
@pytest.mark.parametrize("question", ["", " "])
def test_an_empty_question_is_refused(run: Run, command: str, question: str):
    assert run("chat", "I live in Oslo.").returncode == 0
    done = run(command, question)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the question is empty" in done.stderr
