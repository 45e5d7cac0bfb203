"""Each example runs as it stands, against llmock."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from llmock.testing import LLMockServer

from tests.llm.play import ROOT, variables

EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py"))
SHOWS = {
    "basic.py": ["model: openai:", "2 calls"],
    "batch.py": ["6/6", "gardener: "],
    "concurrent_requests.py": ["20 answers", "4 messages in the history"],
    "configuration.py": ["setting timeout_s", "demo: 1 calls, $0.0000", "the budget of 1 tokens"],
    "error_handling.py": ["retried after: nothing", "mend the prompt", "no answer in time"],
    "streaming.py": ["tokens, stop]"],
    "structured.py": ["City(name=", "1 calls"],
    "tools.py": ["called ", "2 calls of the model"],
}


def test_all_examples_are_known() -> None:
    assert sorted(SHOWS) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_prints_its_result(name: str, llm_server: LLMockServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / name)],
        check=False,
        capture_output=True,
        text=True,
        env=variables(llm_server),
        cwd=tmp_path,
        timeout=20,
    )
    assert (done.returncode, done.stderr) == (0, "")
    for words in SHOWS[name]:
        assert words in done.stdout


def test_an_example_without_a_key_says_what_to_set(tmp_path: Path, llm_server: LLMockServer) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "basic.py")],
        check=False,
        capture_output=True,
        text=True,
        env={name: value for name, value in variables(llm_server).items() if "OPENAI" not in name},
        cwd=tmp_path,
        timeout=20,
    )
    assert done.returncode == 1
    assert "OPENAI_API_KEY" in done.stderr.splitlines()[-1]
