"""Judged answers: what the model is asked, and how its verdicts are counted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llmock.scenarios import Fail
from llmock.testing import LLMockServer

from tests import processes
from tests.evaluation.making import MESSAGES, QUESTIONS, write_lines
from tests.llm.play import bodies, says, script, variables, words
from tests.processes import Done

Run = Callable[[], Any]
RIGHT, WRONG = (json.dumps({"reason": "so", "right": right}) for right in (True, False))


@pytest.fixture
def bench(tmp_path: Path, llm_server: LLMockServer) -> Run:
    """Run `bench` with a model on three messages and two questions, one of which has a reference."""
    path = write_lines(tmp_path / "own.jsonl", *MESSAGES, *QUESTIONS)

    options = ("--lexical", "--json", "--model", "openai:m1")

    def run() -> Done:
        env = {**variables(llm_server), "HMLR_LLM_ATTEMPTS": "1"}
        return processes.run(
            [processes.MAIN, "bench", str(path), *options], env=env, cwd=tmp_path, timeout=20
        )

    return run


def test_an_answer_is_judged_strictly_and_leniently(bench: Run, llm_server: LLMockServer) -> None:
    script(llm_server, *says("Somewhere in Oslo.", WRONG, RIGHT))
    report = json.loads(bench().stdout)
    (group,) = report["groups"]
    assert (group["judged"], report["model"]) == (1, "openai:m1")
    assert {name: figure["mean"] for name, figure in group["answers"].items()} == {
        "strict": 0,
        "lenient": 100,
    }
    (answer,) = report["answers"]
    assert (answer["answer"], answer["reference"]) == ("Somewhere in Oslo.", "Oslo")


def test_the_model_answers_from_recalled_context_and_judges_by_two_prompts(
    bench: Run, llm_server: LLMockServer
) -> None:
    script(llm_server, *says("Somewhere in Oslo.", RIGHT, RIGHT))
    bench()
    asked, strict, lenient = (words(body) for body in bodies(llm_server))
    assert "I keep bees in Oslo." in asked[1]
    assert "Where are the bees?" in asked[1]
    assert "Be strict." in strict[0]
    assert "Be generous." in lenient[0]
    assert all("Somewhere in Oslo." in body[1] for body in (strict, lenient))


def test_an_answer_whose_call_fails_is_not_judged(bench: Run, llm_server: LLMockServer) -> None:
    script(llm_server, Fail(status=400))
    (group,) = json.loads(bench().stdout)["groups"]
    assert (group["judged"], group["answers"]) == (0, {})


def test_a_key_that_is_refused_ends_the_run(bench: Run, llm_server: LLMockServer) -> None:
    script(llm_server, Fail(status=401))
    done = bench()
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
