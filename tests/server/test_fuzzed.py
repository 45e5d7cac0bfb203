"""The OpenAPI document is exact, and nothing made from it breaks the server (D3)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.figures import FULL, figure
from tests.server.serving import server

pytestmark = [pytest.mark.faults, pytest.mark.timeout(7200 if FULL else 240)]

UNLIMITED = {
    f"HMLR_SERVER_{name}": "10000000" for name in ("REQUESTS_PER_MINUTE", "BURST", "FAILURES_PER_MINUTE")
}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_what_is_made_from_the_document_is_answered_as_it_says(tmp_path: Path) -> None:
    """No 5xx, no undocumented status, kind or shape of an answer. Import is fuzzed in test_moving."""
    phases = "examples,coverage,fuzzing,stateful" if FULL else "fuzzing"
    with server(tmp_path / "memory.db", **UNLIMITED) as up:
        token = up.new_token(None)
        said = [{"content": "My sister Mia lives in Oslo."}, {"content": "I am strictly vegetarian."}]
        up.client(token, **{"X-HMLR-User": "ada"}).post("/v1/memories", json={"messages": said})
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{up.url}/openapi.json"),
                *("-H", f"Authorization: Bearer {token}", "-H", "X-HMLR-User: ada"),
                *("--checks", ",".join(CHECKS), "--exclude-path", "/v1/import", "--warnings", "off"),
                *("--phases", phases, "--max-examples", str(figure(2, 50))),
                *("--generation-database", "none", "--seed", "1"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        log = up.log.read_text(encoding="utf-8")
        assert '"level": "error"' not in log
        assert up.stop() == 0
