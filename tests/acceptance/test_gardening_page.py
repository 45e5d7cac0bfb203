"""The Python example of docs/gardening.md runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_example_runs(tmp_path: Path, environment: dict[str, str]) -> None:
    page = (ROOT / "docs" / "gardening.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**environment, "HMLR_EMBEDDER": "none"},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "2 topics, 3 facts, 0 left" in done.stdout
    assert "<- My sister is called Wilhelmina. <-" in done.stdout
    assert "1 turns" in done.stdout
