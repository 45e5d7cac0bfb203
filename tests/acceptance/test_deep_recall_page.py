"""docs/deep-recall.md: its Python example runs as it stands; the command answers from what that stored."""

import json
from collections.abc import Callable

from tests.acceptance.conftest import ROOT, python_example


def test_the_example_runs(python: Callable[..., str]) -> None:
    told = python("-c", python_example("docs/deep-recall.md"))
    assert "“Ana works at Nordlys.” (" in told
    question = "Where does my sister work?"
    options = ("--db", "deep.db", "--user", "ada", "--model", "offline", "--json")
    answer = json.loads(python(str(ROOT / "main.py"), "deep-recall", question, *options))
    assert answer["text"] in told
    assert {each["text"] for each in answer["evidence"]} >= {
        "My sister is called Ana.",
        "Ana works at Nordlys.",
    }
