"""docs/deep-recall.md: its Python example runs as it stands; the command answers from what that stored."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    page = (ROOT / "docs" / "deep-recall.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, *command],
            check=False,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, "HMLR_EMBEDDER": "none"},
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    told = run("-c", code)
    assert "“Ana works at Nordlys.” (" in told
    question = "Where does my sister work?"
    options = ("--db", "deep.db", "--user", "ada", "--model", "offline", "--json")
    answer = json.loads(run(str(ROOT / "main.py"), "deep-recall", question, *options))
    assert answer["text"] in told
    assert {each["text"] for each in answer["evidence"]} >= {
        "My sister is called Ana.",
        "Ana works at Nordlys.",
    }
