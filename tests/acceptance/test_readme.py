"""The README's Python example runs as it stands."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_python_quick_start(tmp_path: Path, environment: dict[str, str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
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
    assert "Ben moved to Bergen." in done.stdout
    assert "vegetarian" in done.stdout
