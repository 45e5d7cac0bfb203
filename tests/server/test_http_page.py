"""docs/http.md: its example runs as it stands, and its table has the routes that there are."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from fastapi import FastAPI

from hmlr.server.memory import ROUTERS
from tests.acceptance.conftest import ROOT, python_example
from tests.server.serving import server

PAGE = "docs/http.md"


def test_the_example_runs(tmp_path: Path) -> None:
    with server(tmp_path / "memory.db") as up:
        done = subprocess.run(
            [sys.executable, "-c", python_example(PAGE).replace("http://127.0.0.1:8765", up.url)],
            env={**os.environ, "MEMORY_TOKEN": up.token},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    told = done.stdout
    assert "2 stored\nMy sister Mia lives in Oslo. 2026-03-01T09:00:00Z\n" in told
    assert "strictly vegetarian" in told
    assert "\nBergen\n" in told
    assert "event: report" in told
    assert told.endswith("True\n")


def test_the_table_has_every_route_in_its_own_words() -> None:
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    shown = {
        (f"{method.upper()} {path}", said["description"].partition("\n")[0].rstrip("."))
        for path, item in app.openapi()["paths"].items()
        for method, said in item.items()
    }
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `((?:GET|POST) /v1/[^`]*)` \| (.*) \|$", page, re.MULTILINE))
    assert shown <= told, shown - told
    assert {route for route, _ in told} == {route for route, _ in shown}
