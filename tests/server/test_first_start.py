"""Servers that start for the first time on a database server, in an account that never ran HMLR."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.processes import ROOT
from tests.server.serving import NO_PAGE

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


def test_two_first_starts_at_once_leave_a_token_that_opens_both(postgres_url: str, tmp_path: Path) -> None:
    data = tmp_path / "not" / "there"
    environment = {
        **os.environ, **NO_PAGE, "XDG_DATA_HOME": str(data), "HMLR_MODEL": "offline", "HMLR_EMBEDDER": "none",
    }  # fmt: skip
    command = (sys.executable, "main.py", "serve", "--db", postgres_url, "--port", "0")
    servers = [
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    try:
        urls = [first_line(server).rpartition(" on ")[2].strip() for server in servers]
        file = data / "hmlr" / "memory.db.token"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert [each.name for each in file.parent.iterdir()] == [file.name]
        head = {"Authorization": f"Bearer {file.read_text(encoding='ascii').strip()}"}
        answers = [httpx.get(f"{url}/healthz", headers=head, trust_env=False) for url in urls]
        assert [answer.status_code for answer in answers] == [200, 200]
    finally:
        for server in servers:
            server.kill()
            server.communicate()


def first_line(server: subprocess.Popen[str]) -> str:
    """Where it serves, once it does."""
    assert server.stdout is not None
    line = server.stdout.readline()
    assert line.startswith("HMLR serves"), line
    return line
