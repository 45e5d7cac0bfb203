"""docs/proxy.md: its program runs as it stands against a server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.conftest import python_example
from tests.server.serving import server


@pytest.mark.timeout(120)
def test_the_program_of_the_page_gets_a_memory(tmp_path: Path) -> None:
    with server(tmp_path / "memory.db") as up:
        done = subprocess.run(
            (sys.executable, "-c", python_example("docs/proxy.md")),
            env={**os.environ, "MEMORY_URL": up.url, "MEMORY_TOKEN": up.token},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "Oslo" in done.stdout.splitlines()[-1]
        assert up.stop() == 0
